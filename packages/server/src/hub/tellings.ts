import type { Json } from '@hookbox/protocol'
import type { Broker } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Callbacks, Caller } from '../webhooks/callbacks.ts'
import { type Persisting, persist } from '../webhooks/persist.ts'

/** A user who has gone, and whom the application is to hear of. */
export interface Departure {
  readonly name: string
  /** The channels that it was in. */
  readonly channels: readonly string[]
  readonly cookies: string | undefined
  readonly address: string | undefined
}

/** A user who may be about to go. */
export interface Going {
  /** It has gone: the application is told, until it has heard; whoever of the user's comes back, to whichever node, ends that. */
  tell(): Promise<void>
  /** It has not. */
  dismiss(): Promise<void>
}

export interface TellingsParts {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** Counts what was given up. */
  readonly givenUp: () => void
}

/** What the application is told of by this node, until it has heard: users who have gone, and that the hub has begun anew. */
export class Tellings {
  readonly #parts: TellingsParts
  readonly #telling = new Set<Persisting>()
  #stopped = false

  constructor(parts: TellingsParts) {
    this.#parts = parts
  }

  /**
   * A user may be about to go. That is noted before it is true: a node that dies right after could not note it any more, and
   * whoever inherits tells it, should it be true by then.
   */
  async prepareGone(departure: Departure, id: string = randomId()): Promise<Going> {
    const key = `gone:${id}`
    await this.#note(key, { kind: 'gone', id, departure: JSON.parse(JSON.stringify(departure)) })
    return { tell: () => this.#tellGone(departure, id, key), dismiss: () => this.#note(key, null) }
  }

  /** Goes on with what another node was telling, unless the user is back. Resolves when it has begun. */
  async inheritGone(departure: Departure, id: string): Promise<void> {
    const { broker, log } = this.#parts
    const [isBack] = await broker.users.areHere([departure.name])
    if (isBack) log.warn({ webhook: 'disconnect', id }, 'webhook dropped: it is no longer wanted')
    else (await this.prepareGone(departure, id)).tell()
  }

  /** The application may still count users of a hub before this one, none of whom is connected any more. */
  async tellStarted(node: string, knownId?: string): Promise<void> {
    const { callbacks } = this.#parts
    const telling = this.#persist('hub_started', (id) => callbacks.hubStarted({ node }, id), knownId)
    this.#note('started', { kind: 'started', id: telling.id })
    await telling.outcome
    if (!this.#stopped) this.#note('started', null)
  }

  /** No further try, ever. */
  stop(): void {
    this.#stopped = true
    this.handOver()
  }

  /** No further try: whoever has inherited, or will, goes on under the same ids. */
  handOver(): void {
    for (const telling of this.#telling) telling.drop()
  }

  async #tellGone(departure: Departure, id: string, key: string): Promise<void> {
    const { broker, callbacks } = this.#parts
    const { name, channels, cookies, address } = departure
    const caller: Caller = { cookies, address, setCookies() {} }
    const telling = this.#persist('disconnect', (one) => callbacks.disconnect(caller, { name, channels }, one), id)
    const nothing = () => {}
    const back = () => telling.drop()
    try {
      const stop = await broker.users.listen(name, {
        ...{ messaged: nothing, changed: nothing, lost: nothing, left: nothing },
        came: back,
      })
      // Back before anybody could hear of it.
      if ((await broker.users.areHere([name]))[0]) back()
      await telling.outcome
      stop()
    } catch (err) {
      this.#parts.log.warn({ user: name, err }, 'whether a user is back could not be heard')
      await telling.outcome
    }
    if (!this.#stopped) await this.#note(key, null)
  }

  #persist(
    name: 'disconnect' | 'hub_started',
    attempt: Parameters<typeof persist>[0],
    knownId: string | undefined,
  ): Persisting {
    const { clock, log, givenUp } = this.#parts
    const known = knownId === undefined ? {} : { newId: () => knownId }
    const telling = persist(attempt, { clock, log, name, onGivenUp: givenUp, ...known })
    this.#telling.add(telling)
    telling.outcome.then(() => this.#telling.delete(telling))
    return telling
  }

  /** Never fails. */
  async #note(key: string, what: Json | null): Promise<void> {
    const { broker, log } = this.#parts
    await broker.nodes.note(key, what).catch((err: unknown) => {
      log.warn({ err }, 'what others may have to take over could not be noted')
    })
  }
}
