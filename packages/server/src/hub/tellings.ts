import type { Json } from '@hookbox/protocol'
import type { Broker } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
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

  /** Tells that a user's last connection has gone; whoever of the user's comes back, to whichever node, ends the telling. */
  async tellGone(departure: Departure, knownId?: string): Promise<void> {
    const { broker, callbacks } = this.#parts
    const { name, channels, cookies, address } = departure
    const caller: Caller = { cookies, address, setCookies() {} }
    const telling = this.#persist('disconnect', (id) => callbacks.disconnect(caller, { name, channels }, id), knownId)
    const key = `gone:${telling.id}`
    const nothing = () => {}
    const back = () => telling.drop()
    const listening = broker.users.listen(name, {
      ...{ messaged: nothing, changed: nothing, lost: nothing, left: nothing },
      came: back,
    })
    this.#note(key, { kind: 'gone', id: telling.id, departure: JSON.parse(JSON.stringify(departure)) })
    try {
      const stop = await listening
      // Back before anybody could hear of it.
      if ((await broker.users.areHere([name]))[0]) back()
      await telling.outcome
      stop()
    } catch (err) {
      this.#parts.log.warn({ user: name, err }, 'whether a user is back could not be heard')
      await telling.outcome
    }
    if (!this.#stopped) this.#note(key, null)
  }

  /** Goes on with what another node was telling, unless the user is back. Resolves when it has begun. */
  async inheritGone(departure: Departure, id: string): Promise<void> {
    const { broker, log } = this.#parts
    const [isBack] = await broker.users.areHere([departure.name])
    if (isBack) log.warn({ webhook: 'disconnect', id }, 'webhook dropped: it is no longer wanted')
    else this.tellGone(departure, id)
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

  #note(key: string, what: Json | null): void {
    const { broker, log } = this.#parts
    broker.nodes.note(key, what).catch((err: unknown) => {
      log.warn({ err }, 'what others may have to take over could not be noted')
    })
  }
}
