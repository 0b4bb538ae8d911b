import { randomId } from '../../ids.ts'
import type { Holding, Lease, LeaseKey, Leases } from '../broker.ts'
import type { Context } from './context.ts'
import { unavailable } from './failure.ts'
import type { Spot } from './keys.ts'
import { askLease, releaseLease, renewLease } from './lua/lease.ts'
import { listOf, numberOf, textOf } from './replies.ts'

interface Held {
  readonly key: LeaseKey
  readonly token: string
  readonly holding: Holding
  /** By this process's own time, when Redis has certainly let go of it. */
  until: number
}

interface Waiting {
  readonly holding: Holding
  readonly given: (lease: Lease) => void
  readonly failed: (error: Error) => void
}

/** Whoever waits for one lease on this node, longest first; they ask one after another. */
interface Queue {
  readonly key: LeaseKey
  readonly waiting: Waiting[]
  /** Somebody has said that it is free. */
  isFree: boolean
  /** Ends the pause between two questions. */
  wake: () => void
}

export interface LeaseParts {
  readonly context: Context
  readonly self: () => string
  /** Tells another node, or this one, that a lease is wanted, or free; it may be lost. */
  readonly notify: (node: string, what: 'wanted' | 'free', key: LeaseKey) => void
}

/** Which leases this node holds and waits for. */
export class RedisLeases implements Leases {
  readonly #parts: LeaseParts
  readonly #held = new Map<string, Held>()
  readonly #queues = new Map<string, Queue>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#renewLater()
  }

  take: Leases['take'] = async (key, holding = {}) => this.#ask(key, holding, false)

  wait: Leases['wait'] = (key, holding = {}) =>
    new Promise<Lease>((given, failed) => {
      const text = leaseText(key)
      const queue = this.#queues.get(text) ?? { key, waiting: [], isFree: false, wake: () => {} }
      queue.waiting.push({ holding, given, failed })
      if (this.#queues.has(text)) {
        this.#held.get(text)?.holding.wanted?.()
        return
      }
      this.#queues.set(text, queue)
      void this.#serve(queue)
    })

  /** What another node has said. */
  notified(what: 'wanted' | 'free', key: LeaseKey): void {
    const text = leaseText(key)
    if (what === 'wanted') this.#held.get(text)?.holding.wanted?.()
    const queue = what === 'free' ? this.#queues.get(text) : undefined
    if (!queue) return
    queue.isFree = true
    queue.wake()
  }

  /** The others believe this node dead: nothing is held any more. */
  loseAll(): void {
    for (const held of [...this.#held.values()]) this.#lose(held)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { waiting, wake } of this.#queues.values()) {
      for (const { failed } of waiting.splice(0)) failed(unavailable('the hub has stopped'))
      wake()
    }
  }

  /** Gives back all that is held, as this node leaves. */
  async releaseAll(): Promise<void> {
    await Promise.allSettled([...this.#held.values()].map((held) => this.#release(held)))
  }

  /** Asks for a lease as long as somebody waits for it. */
  async #serve(queue: Queue): Promise<void> {
    const { waiting, key } = queue
    for (let next = waiting[0]; next; next = waiting[0]) {
      queue.isFree = false
      try {
        const lease = await this.#ask(key, next.holding, true)
        if (lease) {
          if (waiting[0] === next) waiting.shift()
          if (waiting.length > 0) next.holding.wanted?.()
          next.given(lease)
          continue
        }
      } catch (error) {
        if (waiting[0] === next) waiting.shift()
        next.failed(error instanceof Error ? error : new Error(String(error)))
        continue
      }
      if (!queue.isFree) await this.#pause(queue)
    }
    this.#queues.delete(leaseText(key))
  }

  #pause(queue: Queue): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#parts.context.settings.leaseRetry)
      queue.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #ask(key: LeaseKey, holding: Holding, isWaiting: boolean): Promise<Lease | undefined> {
    const { context, self, notify } = this.#parts
    const { servers, settings } = context
    const node = self()
    const token = `${node} ${randomId()}`
    const until = performance.now() + settings.lease
    const args = [settings.leaseRetry * 3, node, token, settings.lease, isWaiting ? 1 : 0]
    const reply = await servers.run(askLease, this.#spot(key), args, this.#keys(key))
    const [answer, first, second] = listOf(reply)
    if (answer === 'given') {
      const held: Held = { key, token, holding, until }
      this.#held.set(leaseText(key), held)
      if (numberOf(first) > 0) holding.wanted?.()
      return { release: () => this.#release(held) }
    }
    if (isWaiting) {
      const holder = textOf(first).split(' ')[0]
      if (holder) notify(holder, 'wanted', key)
      // Nobody holds it, so that whoever is first has not been told, or is gone.
      else if (second !== node) notify(textOf(second), 'free', key)
    }
    return undefined
  }

  async #release(held: Held): Promise<void> {
    const text = leaseText(held.key)
    if (this.#held.get(text) !== held) return
    this.#held.delete(text)
    const { context, notify } = this.#parts
    try {
      const args = [context.settings.leaseRetry * 3, held.token]
      const next = await context.servers.run(releaseLease, this.#spot(held.key), args, this.#keys(held.key))
      if (typeof next === 'string' && next !== '') notify(next, 'free', held.key)
    } catch (err) {
      // As nobody renews it any more, it is free soon.
      context.log.debug({ err }, 'could not give back a lease')
    }
  }

  #lose(held: Held): void {
    const text = leaseText(held.key)
    if (this.#held.get(text) !== held) return
    this.#held.delete(text)
    held.holding.lost?.()
  }

  #renewLater(): void {
    const interval = this.#parts.context.settings.lease / 3
    this.#timer = setTimeout(() => {
      for (const held of this.#held.values()) void this.#renew(held, interval)
      this.#renewLater()
    }, interval)
  }

  async #renew(held: Held, interval: number): Promise<void> {
    const { servers, settings } = this.#parts.context
    const until = performance.now() + settings.lease
    try {
      const [lease] = this.#keys(held.key)
      const renewed = await servers.run(renewLease, this.#spot(held.key), [held.token, settings.lease], [lease ?? ''])
      if (renewed === 1) held.until = until
      else this.#lose(held)
    } catch {
      // Tried again, unless Redis may let go of it before that.
      if (performance.now() + interval > held.until) this.#lose(held)
    }
  }

  #spot(key: LeaseKey): Spot {
    const { keys } = this.#parts.context
    return key.of === 'message' ? keys.user(key.user) : keys.channel(key.channel)
  }

  /** That of a `destroy` is where entering looks for it. */
  #keys(key: LeaseKey): string[] {
    const spot = this.#spot(key)
    const text = key.of === 'destroy' ? '' : `lease:${key.of}:${detailOf(key)}`
    return text === ''
      ? [spot.key('destroy'), spot.key('destroy:waiting')]
      : [spot.key(text), spot.key(`waiting:${text}`)]
  }
}

function detailOf(key: LeaseKey): string {
  if (key.of === 'visit') return key.user
  if (key.of === 'publish') return key.idKey
  return key.of === 'message' ? key.id : ''
}

/** No two keys have the same. */
function leaseText(key: LeaseKey): string {
  return JSON.stringify([key.of, key.of === 'message' ? key.user : key.channel, detailOf(key)])
}
