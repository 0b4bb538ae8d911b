import type { Json, PresenceEntry, PublishEntry } from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import type { ListenOptions, Unbind } from './emitter.ts'
import type { PublishEvent, SubscriptionEvents } from './events.ts'
import { fetchHistory } from './fetch-history.ts'
import { iterate } from './iterate.ts'
import type { Means } from './means.ts'
import type { PublishResult, SendOptions } from './outbox.ts'
import type { Shown } from './view.ts'

/**
 * `subscribing`: not agreed yet. `subscribed`: everything published from here on is told. `resuming`: the line broke or
 * something was missed; it is being taken up again. `refused`, `ended` (by the application or with the connection) and
 * `cancelled` are final.
 */
export type SubscriptionStatus = 'subscribing' | 'subscribed' | 'resuming' | 'refused' | 'ended' | 'cancelled'

/** Which part of a channel's history to fetch. */
export interface HistoryOptions {
  /** Only what came after this position. */
  since?: string | undefined
  /** Only what came before this position. */
  before?: string | undefined
  /** Goes on where the last answer ended. */
  cursor?: string | undefined
  /** At most so many entries. */
  limit?: number | undefined
  signal?: AbortSignal | undefined
}

/** One element of a history, with the payload's type. */
export type HistoryEntry<Payload = Json> =
  | ['PUBLISH', Omit<PublishEntry, 'payload'> & { payload: Payload }]
  | ['SUBSCRIBE', PresenceEntry]
  | ['UNSUBSCRIBE', PresenceEntry]

/**
 * The page's interest in one channel. Made by `conn.subscribe`; several for the same channel share one on the wire, and
 * each is cancelled by itself.
 *
 * `Payload` is what the page expects to be published: by {@link ChannelMap}, by a type argument, or as `parse` makes it.
 * Only `parse` checks it.
 *
 * @example
 * const chat = conn.subscribe<{ text: string }>('chat')
 * chat.on('publish', ({ user, payload }) => show(user, payload.text))
 * await chat.publish({ text: 'hello' })
 */
export interface Subscription<
  Payload = Json,
  State = Readonly<Record<string, Json>>,
  InitialData = Json,
  Sent = Payload,
> {
  readonly channelName: string

  /** Settles once: when the hub has agreed, or with the error for which it did not. Nobody needs to listen. */
  readonly ready: Promise<void>

  readonly status: SubscriptionStatus

  /** The last entry that was delivered, as `epoch:offset`; undefined before the hub has agreed. */
  readonly position: string | undefined

  /** Oldest first, at most `historySize` entries. The same list until one comes or goes. */
  readonly history: readonly HistoryEntry<Payload>[]

  /** How many entries the channel's history keeps. */
  readonly historySize: number

  /** Whether the hub keeps older history than it sent; `fetchHistory` brings it. */
  readonly moreHistory: boolean

  /** Who is here, in the order they came. The same list until somebody comes or goes. */
  readonly presence: readonly string[]

  /** How many users are here; more than `presence` names where there are more than 10,000. */
  readonly present: number

  /** The channel's state. The same object until it changes. */
  readonly state: State

  /** Whether joins and leaves are told. */
  readonly presenceful: boolean

  /** Whether the page is told what it published itself. */
  readonly reflective: boolean

  /** What the application had for this user. */
  readonly initialData: InitialData | undefined

  /** Binds a handler; history, presence and state are up to date before it runs. */
  on<Name extends keyof SubscriptionEvents<Payload, State>>(
    name: Name,
    handler: SubscriptionEvents<Payload, State>[Name],
    options?: ListenOptions,
  ): Unbind

  /**
   * Publishes to the channel. Settles once; after a break it is sent again under the same id, and stored once.
   *
   * Rejects with a HookboxError: `refused` by the application, `unknown_channel` where the channel went while it decided,
   * `too_large`, `too_many`, `offline`, `timeout`, `aborted`, `closed`, or `outcome_unknown` where the answer was lost and the hub could not recognise a repeat any more.
   */
  publish(payload: Sent, options?: SendOptions): Promise<PublishResult>

  /**
   * Asks the hub for kept history. It waits for the connection, at most as long as requests may take. Entries that `parse`
   * throws at are left out.
   */
  fetchHistory(options?: HistoryOptions): Promise<{ history: HistoryEntry<Payload>[]; cursor?: string }>

  /**
   * Ends this subscription at once: no handler is called any more. The promise tells when the hub has let go, where nobody
   * else on the page holds the channel; nobody needs to listen to it.
   */
  cancel(): Promise<void>

  /**
   * What is published from here on. Ends when the subscription does; throws where the hub refuses it, and `too_many` when
   * 1,000 publishes wait to be read.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<PublishEvent<Payload>>
}

/** What it shows of its channel comes from the view, which stays what it was when others take the channel up anew. */
export function createSubscription(channel: Channel, hold: Hold, means: Means): Subscription {
  const { name, view } = channel
  const own: Omit<Subscription, Exclude<keyof Shown, 'history'>> & { readonly __proto__: Shown } = {
    __proto__: view.shown,
    channelName: name,
    ready: hold.ready.promise,
    get status() {
      if (view.current && !hold.ending) return 'subscribed'
      return hold.ending ?? (view.position ? 'resuming' : 'subscribing')
    },
    get history() {
      return hold.reader.history()
    },
    on: hold.emitter.on as Subscription['on'],
    publish: (payload, options) => means.outbox.publish(name, payload, options),
    fetchHistory: (options) => fetchHistory(channel, hold, means, options),
    cancel: () => channel.giveBack(hold),
    [Symbol.asyncIterator]: () => iterate(hold),
  }
  return own as unknown as Subscription
}
