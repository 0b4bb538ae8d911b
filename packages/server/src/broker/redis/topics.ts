import { Gate } from '../../gate.ts'
import type { Stop } from '../broker.ts'
import type { Spot } from './keys.ts'
import type { Link } from './link.ts'

/** Hears what is told at one spot. */
export interface Listener {
  heard(text: string): void
  /** From now on it is heard again what is told; what was told lately was perhaps not. */
  gap(): void
}

interface Subscription {
  readonly spot: Spot
  readonly listeners: Set<Listener>
  home: Link | undefined
  /** Rejects where it could not be subscribed. */
  ready: Promise<void>
}

/** How many are being subscribed at a time, where all of them must be. */
const atOnce = 1_000

/** Milliseconds after which a topic that could not be subscribed, although its server answers, is tried again. */
const again = 200

/** Who hears what, whichever server tells it. */
export class Topics {
  readonly #homeOf: (tag: string) => Link
  readonly #attempt: (spot: Spot) => Promise<void>
  readonly #subscriptions = new Map<string, Subscription>()
  readonly #gate = new Gate(atOnce)
  readonly #timers = new Set<NodeJS.Timeout>()

  /**
   * @param homeOf fails where nobody has what is tagged so at the moment
   * @param attempt subscribes a spot's topic at its home
   */
  constructor(homeOf: (tag: string) => Link, attempt: (spot: Spot) => Promise<void>) {
    this.#homeOf = homeOf
    this.#attempt = attempt
  }

  /** Hears everything that is told after the promise has resolved. */
  async subscribe(spot: Spot, listener: Listener): Promise<Stop> {
    const known = this.#subscriptions.get(spot.topic)
    const subscription = known ?? { spot, listeners: new Set(), home: undefined, ready: Promise.resolve() }
    subscription.listeners.add(listener)
    const stop = () => {
      subscription.listeners.delete(listener)
      if (subscription.listeners.size > 0 || this.#subscriptions.get(spot.topic) !== subscription) return
      this.#subscriptions.delete(spot.topic)
      subscription.home?.unsubscribe(spot.topic)
    }
    if (!known) {
      this.#subscriptions.set(spot.topic, subscription)
      this.#settle(subscription)
    }
    try {
      await subscription.ready
    } catch (error) {
      stop()
      throw error
    }
    return stop
  }

  readonly told = (topic: string, text: string): void => {
    for (const listener of this.#subscriptions.get(topic)?.listeners ?? []) listener.heard(text)
  }

  /** What this server tells is to be subscribed anew. */
  renew(home: Link): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.home === home || subscription.home === undefined) this.#settle(subscription)
    }
  }

  /** This server has ended some subscriptions: those are subscribed anew. */
  mend(home: Link): void {
    const { subscribed } = home
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.home === home && !subscribed.has(subscription.spot.topic)) this.#settle(subscription)
    }
  }

  /** Some of it is told elsewhere by now. */
  rehome(): void {
    for (const subscription of this.#subscriptions.values()) {
      if (this.#find(subscription) !== subscription.home) this.#settle(subscription)
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#subscriptions.clear()
  }

  #find({ spot }: Subscription): Link | undefined {
    try {
      return this.#homeOf(spot.tag)
    } catch {
      // Nobody has it for now: it is looked for again when that changes.
      return undefined
    }
  }

  #settle(subscription: Subscription): void {
    const { spot } = subscription
    const home = this.#find(subscription)
    if (subscription.home !== home) subscription.home?.unsubscribe(spot.topic)
    subscription.home = home
    const ready = this.#gate.run(() => this.#attempt(spot))
    subscription.ready = ready
    const isCurrent = () => subscription.ready === ready && this.#subscriptions.get(spot.topic) === subscription
    ready.then(
      () => {
        if (isCurrent()) for (const listener of [...subscription.listeners]) listener.gap()
      },
      () => {
        // Without a line it is subscribed when there is one again.
        if (!isCurrent() || !home?.isUp) return
        const timer = setTimeout(() => {
          this.#timers.delete(timer)
          if (isCurrent()) this.#settle(subscription)
        }, again)
        this.#timers.add(timer)
      },
    )
  }
}
