import type { Position } from '@hookbox/protocol'

/**
 * What happened, as publishers and subscribers saw it, in the order in which they saw it. The checker knows nothing else.
 *
 * A publish has an id that its payload carries, `publisher/number`, where a publisher counts from 1; it is not the message id of the wire, so that one publish stored under two
 * message ids is seen to be one.
 */
export type Fact =
  /** Somebody publishes. `page` names the page that does; the application is none. */
  | {
      readonly fact: 'publish'
      readonly id: string
      readonly publisher: string
      readonly channel: string
      readonly page?: string | undefined
    }
  /** The publisher got an answer: where it is stored, or that it is not, or that nobody can know. */
  | { readonly fact: 'settle'; readonly id: string; readonly outcome: Outcome }
  /** A page takes hold of a channel. */
  | { readonly fact: 'hold'; readonly subscription: string; readonly page: string; readonly channel: string }
  /** It was told `subscribed`; `position` is where the subscription stands from then on. */
  | {
      readonly fact: 'subscribed'
      readonly subscription: string
      readonly position: Position
      readonly recovered: boolean
      readonly reflective: boolean
    }
  /** It was told `gap`. */
  | {
      readonly fact: 'gap'
      readonly subscription: string
      readonly last: Position
      readonly now: Position
      readonly lost?: number | undefined
    }
  /** The line was lost, or the hub could not answer for now: asking again is what must follow. */
  | { readonly fact: 'interrupted'; readonly subscription: string; readonly why?: string }
  /** A handler was given a publish. `position` is the subscription's at that moment, `offset` what the event says. */
  | {
      readonly fact: 'deliver'
      readonly subscription: string
      readonly id: string
      readonly offset: number | undefined
      readonly position: Position | undefined
    }
  /** The hub has ended it, which nobody asked for. */
  | { readonly fact: 'put out'; readonly subscription: string }
  /** The page gives the channel back. */
  | { readonly fact: 'cancel'; readonly subscription: string }
  /** A hub, or its Redis, was ended without its memory: logs begin anew, and message ids are forgotten. */
  | { readonly fact: 'memory lost' }
  /** How long something took, or how much it was, and what it may be. */
  | { readonly fact: 'took'; readonly what: string; readonly much: number; readonly bound: number }
  /** All is quiet: what a subscription holds of its channel. */
  | { readonly fact: 'view'; readonly subscription: string; readonly view: View }

/** Where a publish is stored, or that it is not, or that nobody can know. */
export type Outcome = Position | 'not stored' | 'unknown'

/** What a page shows of a channel. */
export interface View {
  readonly position: Position | undefined
  /** How it stands with the subscription, where it is not subscribed. */
  readonly status?: string | undefined
  /** Presence and state, as text that is the same where they are. */
  readonly content: string
  /** Who is shown; undefined where a channel shows nobody, or where that cannot be right yet. */
  readonly present?: readonly string[] | undefined
}
