import {
  type Entry,
  formatPosition,
  type HistoryPage,
  type Json,
  type PresenceEntry,
  type PublishEntry,
} from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import type { ListenOptions, Unbind } from './emitter.ts'
import type { PublishEvent, SubscriptionEvents } from './events.ts'
import { iterate } from './iterate.ts'
import type { PublishResult, SendOptions } from './outbox.ts'

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

/** What a subscription needs of the connection. */
export interface Requester {
  publish(channel: string, payload: Json, options?: SendOptions): Promise<PublishResult>
  history(channel: Channel, hold: Hold, options: HistoryOptions): Promise<HistoryPage>
}

/**
 * The page's interest in one channel. Made by `conn.subscribe`; several for the same channel share one on the wire, and
 * each is cancelled by itself.
 *
 * `Payload` is what the page expects to be published; it is not checked.
 *
 * @example
 * const chat = conn.subscribe<{ text: string }>('chat')
 * chat.on('publish', ({ user, payload }) => show(user, payload.text))
 * await chat.publish({ text: 'hello' })
 */
export class Subscription<Payload = Json> {
  readonly #channel: Channel
  readonly #hold: Hold
  readonly #requester: Requester
  /** Stays what it was once this subscription has ended, also when others take the channel up anew. */
  readonly #view: Channel['view']

  /** @internal */
  constructor(channel: Channel, hold: Hold, requester: Requester) {
    this.#channel = channel
    this.#hold = hold
    this.#requester = requester
    this.#view = channel.view
  }

  get channelName(): string {
    return this.#channel.name
  }

  /** Settles once: when the hub has agreed, or with the error for which it did not. Nobody needs to listen. */
  get ready(): Promise<void> {
    return this.#hold.ready.promise
  }

  get status(): SubscriptionStatus {
    if (this.#hold.ending !== undefined) return this.#hold.ending
    if (this.#channel.current) return 'subscribed'
    return this.#view.position === undefined ? 'subscribing' : 'resuming'
  }

  /** The last entry that was delivered, as `epoch:offset`; undefined before the hub has agreed. */
  get position(): string | undefined {
    const { position } = this.#view
    return position && formatPosition(position)
  }

  /** Oldest first, at most `historySize` entries. The same list until one comes or goes. */
  get history(): readonly HistoryEntry<Payload>[] {
    return this.#view.history.list as readonly Entry[] as readonly HistoryEntry<Payload>[]
  }

  /** How many entries the channel's history keeps. */
  get historySize(): number {
    return this.#view.history.size
  }

  /** Whether the hub keeps older history than it sent; `fetchHistory` brings it. */
  get moreHistory(): boolean {
    return this.#view.more
  }

  /** Who is here, in the order they came. The same list until somebody comes or goes. */
  get presence(): readonly string[] {
    return this.#view.presence.list
  }

  /** How many users are here; more than `presence` names where there are more than 10,000. */
  get present(): number {
    return this.#view.presence.count
  }

  /** The channel's state. The same object until it changes. */
  get state(): Readonly<Record<string, Json>> {
    return this.#view.state.object
  }

  /** Whether joins and leaves are told. */
  get presenceful(): boolean {
    return this.#view.presenceful
  }

  /** Whether the page is told what it published itself. */
  get reflective(): boolean {
    return this.#view.reflective
  }

  /** What the application had for this user. */
  get initialData(): Json | undefined {
    return this.#view.initialData
  }

  /** Binds a handler; history, presence and state are up to date before it runs. */
  on<Name extends keyof SubscriptionEvents<Payload>>(
    name: Name,
    handler: SubscriptionEvents<Payload>[Name],
    options?: ListenOptions,
  ): Unbind {
    return this.#hold.events.on(name, handler as SubscriptionEvents[Name], options)
  }

  /**
   * Publishes to the channel. Settles once; after a break it is sent again under the same id, and stored once.
   *
   * Rejects with a HookboxError: `refused` by the application, `too_large`, `too_many`, `offline`, `timeout`, `aborted`,
   * `closed`, or `outcome_unknown` where the answer was lost and the hub could not recognise a repeat any more.
   */
  publish(payload: Payload, options?: SendOptions): Promise<PublishResult> {
    return this.#requester.publish(this.channelName, payload as Json, options)
  }

  /** Asks the hub for kept history. It waits for the connection, at most as long as requests may take. */
  fetchHistory(options: HistoryOptions = {}): Promise<{ history: HistoryEntry<Payload>[]; cursor?: string }> {
    const page = this.#requester.history(this.#channel, this.#hold, options)
    return page as Promise<HistoryPage> as Promise<{ history: HistoryEntry<Payload>[]; cursor?: string }>
  }

  /**
   * Ends this subscription at once: no handler is called any more. The promise tells when the hub has let go, where nobody
   * else on the page holds the channel; nobody needs to listen to it.
   */
  cancel(): Promise<void> {
    return this.#channel.release(this.#hold)
  }

  /**
   * What is published from here on. Ends when the subscription does; throws where the hub refuses it, and `too_many` when
   * 1,000 publishes wait to be read.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<PublishEvent<Payload>> {
    return iterate(this.#hold) as AsyncIterableIterator<PublishEvent> as AsyncIterableIterator<PublishEvent<Payload>>
  }
}
