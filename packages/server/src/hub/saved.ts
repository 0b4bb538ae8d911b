import type { SavedChannel } from '../channel/channel.ts'
import type { SavedSent } from './sent-messages.ts'
import type { Ticket } from './tickets.ts'
import type { UserOptions } from './user-options.ts'

/** A connection whose page may come back, as it is put away for the next start of the hub. */
export interface SavedConnection {
  readonly id: string
  readonly pageId: string
  readonly user: string
  readonly channels: readonly string[]
  readonly given: readonly string[]
  /** The `Cookie` header that its webhooks carry. */
  readonly cookies: string | undefined
  readonly address: string | undefined
  readonly ticket: Omit<Ticket, 'connection'> | undefined
}

/** One piece of what a hub knows besides its broker. */
export type SavedPiece =
  | { readonly kind: 'user'; readonly name: string; readonly options: UserOptions }
  | ({ readonly kind: 'connection' } & SavedConnection)
  | ({ readonly kind: 'life'; readonly channel: string } & SavedChannel)
  | ({ readonly kind: 'sent' } & SavedSent)
  /** The application is still to be told that a user has gone. */
  | {
      readonly kind: 'gone'
      readonly id: string
      readonly name: string
      readonly channels: readonly string[]
      readonly cookies: string | undefined
      readonly address: string | undefined
    }
  /** The application is still to be told that a hub has started without memory. */
  | { readonly kind: 'started'; readonly id: string }
