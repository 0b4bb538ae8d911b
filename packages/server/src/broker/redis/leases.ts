import { randomId } from '../../ids.ts'
import type { Holding, Lease, LeaseKey, Leases } from '../broker.ts'
import type { Context } from './context.ts'
import { unavailable } from './failure.ts'
import type { Spot } from './keys.ts'
import { askLease, releaseLease, renewLease, watchLease } from './lua/lease.ts'
import { listOf, numberOf, textOf, textsOf } from './replies.ts'

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

/** The pauses between two questions, which end as soon as somebody says that a lease is free. */
class Pauses {
  #isFree = false
  #wake: () => void = () => {}

  /** A question is about to be asked: what is said from now on counts. */
  begin(): void {
    this.#isFree = false
  }

  end(): void {
    this.#isFree = true
    this.#wake()
  }

  async pause(longest: number): Promise<void> {
    if (this.#isFree) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, longest)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** Whoever waits for one lease on this node, longest first; they ask one after another. */
interface Queue {
  readonly key: LeaseKey
  readonly waiting: Waiting[]
  readonly pauses: Pauses
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
  readonly #watching = new Map<string, Set<Pauses>>()
  #timer: NodeJS.Timeout | undefined

  constructor(parts: LeaseParts) {
    this.#parts = parts
    this.#renewLater()
  }

  take: Leases['take'] = async (key, holding = {}) => this.#ask(key, holding, false)

  wait: Leases['wait'] = (key, holding = {}) =>
    new Promise<Lease>((given, failed) => {
      const text = leaseText(key)
      const queue = this.#queues.get(text) ?? { key, waiting: [], pauses: new Pauses() }
      queue.waiting.push({ holding, given, failed })
      if (this.#queues.has(text)) {
        this.#held.get(text)?.holding.wanted?.()
        return
      }
      this.#queues.set(text, queue)
      void this.#serve(queue)
    })

  freed: Leases['freed'] = async (key) => {
    const { context, self, notify } = this.#parts
    const { servers, settings } = context
    const text = leaseText(key)
    const pauses = new Pauses()
    const watching = this.#watching.get(text) ?? new Set()
    this.#watching.set(text, watching.add(pauses))
    try {
      for (let before: string | undefined; ; await pauses.pause(settings.leaseRetry)) {
        if (context.isClosed) throw unavailable('the hub has stopped')
        pauses.begin()
        const keys = this.#keys(key)
        const args = [self(), settings.leaseRetry * 3]
        const holder = textOf(await servers.run(watchLease, this.#spot(key), args, [keys.lease, keys.watching]))
        if (holder === '' || (before !== undefined && holder !== before)) return
        if (before === undefined) notify(nodeOf(holder), 'wanted', key)
        before = holder
      }
    } finally {
      watching.delete(pauses)
      if (watching.size === 0 && this.#watching.get(text) === watching) this.#watching.delete(text)
    }
  }

  /** What another node has said. */
  notified(what: 'wanted' | 'free', key: LeaseKey): void {
    const text = leaseText(key)
    if (what === 'wanted') this.#held.get(text)?.holding.wanted?.()
    else for (const pauses of [this.#queues.get(text)?.pauses, ...(this.#watching.get(text) ?? [])]) pauses?.end()
  }

  /** The others believe this node dead: nothing is held any more. */
  loseAll(): void {
    for (const held of [...this.#held.values()]) this.#lose(held)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const { waiting, pauses } of this.#queues.values()) {
      for (const { failed } of waiting.splice(0)) failed(unavailable('the hub has stopped'))
      pauses.end()
    }
    for (const watching of this.#watching.values()) for (const pauses of watching) pauses.end()
  }

  /** Gives back all that is held, as this node leaves. */
  async releaseAll(): Promise<void> {
    await Promise.allSettled([...this.#held.values()].map((held) => this.#release(held)))
  }

  /** Asks for a lease as long as somebody waits for it. */
  async #serve(queue: Queue): Promise<void> {
    const { waiting, key, pauses } = queue
    for (let next = waiting[0]; next; next = waiting[0]) {
      pauses.begin()
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
      await pauses.pause(this.#parts.context.settings.leaseRetry)
    }
    this.#queues.delete(leaseText(key))
  }

  async #ask(key: LeaseKey, holding: Holding, isWaiting: boolean): Promise<Lease | undefined> {
    const { context, self, notify } = this.#parts
    const { servers, settings } = context
    const node = self()
    const token = `${node} ${randomId()}`
    const until = performance.now() + settings.lease
    const args = [settings.leaseRetry * 3, node, token, settings.lease, isWaiting ? 1 : 0]
    const { lease, waiting } = this.#keys(key)
    const reply = await servers.run(askLease, this.#spot(key), args, [lease, waiting])
    const [answer, first, second] = listOf(reply)
    if (answer === 'given') {
      const held: Held = { key, token, holding, until }
      this.#held.set(leaseText(key), held)
      if (numberOf(first) > 0) holding.wanted?.()
      return { release: () => this.#release(held) }
    }
    if (isWaiting) {
      const holder = nodeOf(textOf(first))
      if (holder !== '') notify(holder, 'wanted', key)
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
      const { lease, waiting, watching } = this.#keys(held.key)
      const keys = [lease, waiting, watching]
      const told = await context.servers.run(releaseLease, this.#spot(held.key), args, keys)
      for (const node of told === null ? [] : textsOf(told)) notify(node, 'free', held.key)
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
      const args = [held.token, settings.lease]
      const renewed = await servers.run(renewLease, this.#spot(held.key), args, [this.#keys(held.key).lease])
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
  #keys(key: LeaseKey): { readonly lease: string; readonly waiting: string; readonly watching: string } {
    const spot = this.#spot(key)
    const name = key.of === 'destroy' ? 'destroy' : `lease:${key.of}:${detailOf(key)}`
    return { lease: spot.key(name), waiting: spot.key(`waiting:${name}`), watching: spot.key(`watching:${name}`) }
  }
}

/** Of what a lease holds. */
function nodeOf(token: string): string {
  return token.split(' ')[0] ?? ''
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
