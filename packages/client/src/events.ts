import type { HookboxError, Json, UnsubscribedReason } from '@hookbox/protocol'
import type { StateChange } from './state.ts'
import type { Subscription } from './subscription.ts'

/**
 * `connecting`: a line is being opened. `connected`: the hub has agreed. `waiting`: no line; the next try comes by itself.
 * `offline`: the browser says that there is no network; tries go on. `closed`: over for good.
 */
export type ConnectionStatus = 'connecting' | 'connected' | 'waiting' | 'offline' | 'closed'

/** The connection's state has changed. */
export interface StatusEvent {
  readonly status: ConnectionStatus
  /** When the next try comes, in milliseconds since 1970; undefined where none is due. */
  readonly retryAt?: number | undefined
}

/** The hub has agreed to the connection. */
export interface OpenEvent {
  readonly user: string
  readonly id: string
  readonly payload: Json
  /** Whether the page was connected before. */
  readonly again: boolean
  /** After a break: whether no private message was lost meanwhile. Undefined on the first connect. */
  readonly recovered?: boolean | undefined
}

/** A line has ended, also one that never opened. */
export interface CloseEvent {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
  /** Whether the hub had agreed to the connection on this line. */
  readonly wasConnected: boolean
  /** Whether the page comes back by itself. */
  readonly comesBack: boolean
}

/** A private message. */
export interface MessageEvent {
  readonly sender: string
  readonly recipient: string
  readonly payload: Json
  readonly datetime: string
  /** Its number among the user's messages. */
  readonly offset?: number
}

/** What a connection tells, by event name. */
export interface ConnectionEvents {
  status: (event: StatusEvent) => void
  open: (event: OpenEvent) => void
  close: (event: CloseEvent) => void
  /** Something failed that no promise tells: the connect was refused, the hub sent what is no frame. */
  error: (error: HookboxError) => void
  /** The application subscribed this user, unasked by the page. */
  subscribed: (subscription: Subscription) => void
  /** The application or the hub ended a subscription. */
  unsubscribed: (event: { readonly channel: string; readonly reason: UnsubscribedReason }) => void
  message: (event: MessageEvent) => void
}

/** Told everything: what happened, and what belongs to it. */
export type Log = (text: string, details?: unknown) => void

/** What a connection tells its log: every message as it is, gone or come, and its events. */
export type LoggedEvents = ConnectionEvents &
  Record<'sent' | 'heard', (message: string) => void> &
  Record<'cookie not set', (cause: unknown) => void>

/** Something was published. */
export interface PublishEvent<Payload = Json> {
  readonly payload: Payload
  /** Missing where the channel is anonymous; null where the application named no originator. */
  readonly user?: string | null
  readonly datetime: string
  /** Its number in the log; missing where it is for this page alone. */
  readonly offset?: number
  readonly message_id?: string
  /** Whether it was missed while the page was away, and comes late. */
  readonly replayed: boolean
}

/** Someone joined or left. */
export interface PresenceEvent {
  readonly user: string
  readonly datetime: string
}

/** The hub has agreed to a subscription, the first time or again. */
export interface SubscribedEvent {
  /** After a break: nothing was lost, and what was missed follows. On the first subscribe: false. */
  readonly recovered: boolean
  /** How many publishes, joins, leaves and changes of state were missed and follow now. */
  readonly replayed: number
}

/** What was told while the page was away is lost; history, presence and state are as they are now. */
export interface GapEvent {
  /** `expired`: the hub does not keep it any longer. `epoch`: the channel's log began anew. */
  readonly reason: 'expired' | 'epoch'
  /** The position of what was delivered last. */
  readonly last: string
  /** The position that delivery goes on from. */
  readonly now: string
  /** How many entries were lost; missing where the log began anew. */
  readonly lost?: number
}

/** What a subscription tells, by event name. History, presence and state are up to date before a handler runs. */
export interface SubscriptionEvents<Payload = Json, State = Readonly<Record<string, Json>>> {
  publish: (event: PublishEvent<Payload>) => void
  /** Someone joined. */
  subscribe: (event: PresenceEvent) => void
  /** Someone left. */
  unsubscribe: (event: PresenceEvent) => void
  presence: (users: readonly string[]) => void
  state: (state: State, change: StateChange<State>) => void
  subscribed: (event: SubscribedEvent) => void
  gap: (event: GapEvent) => void
  /**
   * The hub refused the subscription, or could not agree for now (`error.temporary`) and is asked again; or, `bad_request`,
   * what was published is not what `parse` takes.
   */
  error: (error: HookboxError) => void
}
