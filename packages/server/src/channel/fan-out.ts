import { type Position, spliceFrame, toJsonText } from '@hookbox/protocol'
import type { Numbered } from '../broker/broker.ts'
import type { Signals } from '../signals/signals.ts'
import { Batch } from '../transport/batch.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import { Replay } from './replay.ts'
import type { Subscriber } from './subscriber.ts'

/** One subscriber's place in a channel. */
export class Subscription {
  readonly subscriber: Subscriber
  readonly replay: Replay<Numbered>

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber
    this.replay = new Replay((numbered) => subscriber.send(numbered.frame))
  }
}

/** All of a channel's subscribers on this node, and the one way by which they are told. */
export class FanOut {
  readonly #name: string
  readonly #signals: Pick<Signals, 'deliveries'>
  readonly #subscriptions = new Map<string, Subscription>()
  /** Those that something is held back for: all others follow the batch. */
  readonly #holding = new Set<Subscription>()
  /** What is told in this turn. */
  #batch: Batch | undefined

  constructor(channelName: string, signals: Pick<Signals, 'deliveries'>) {
    this.#name = channelName
    this.#signals = signals
  }

  get size(): number {
    return this.#subscriptions.size
  }

  get(subscriberId: string): Subscription | undefined {
    return this.#subscriptions.get(subscriberId)
  }

  /** The subscriber's place, new or the one it has; until it is released nothing is sent to it. */
  hold(subscriber: Subscriber): Subscription {
    const subscription = this.#subscriptions.get(subscriber.id) ?? new Subscription(subscriber)
    this.#subscriptions.set(subscriber.id, subscription)
    this.holdBack(subscription)
    return subscription
  }

  /** Until it is released nothing is sent to it. */
  holdBack(subscription: Subscription): void {
    this.#unfollow(subscription)
    this.#holding.add(subscription)
    subscription.replay.hold()
  }

  /** It has been sent a snapshot that reaches up to `top`, or none: what came meanwhile follows. */
  release(subscription: Subscription, top?: Position): void {
    const { subscriber, replay } = subscription
    replay.release(top)
    if (replay.holding || this.get(subscriber.id) !== subscription) return
    this.#holding.delete(subscription)
    if (this.#batch) subscriber.follow(this.#batch)
  }

  delete(subscriberId: string): boolean {
    const subscription = this.#subscriptions.get(subscriberId)
    if (!subscription) return false
    subscription.replay.end()
    this.#unfollow(subscription)
    this.#holding.delete(subscription)
    return this.#subscriptions.delete(subscriberId)
  }

  all(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  /** Tells everybody. A publish that its own sender is not to see becomes a `POSITION` there, so that no number is missing. */
  tell(numbered: Numbered, reflective: boolean): void {
    if (this.#subscriptions.size === 0) return
    this.#signals.deliveries += this.#subscriptions.size
    const batch = this.#openBatch()
    const sender = numbered.name === 'PUBLISH' && !reflective ? this.get(numbered.origin ?? '') : undefined
    if (sender) this.#unfollow(sender)
    batch.add(numbered.frame)
    for (const subscription of this.#holding) if (subscription !== sender) subscription.replay.hear(numbered)
    if (!sender) return
    sender.replay.hear(this.#positionOf(numbered))
    if (!sender.replay.holding) sender.subscriber.follow(batch)
  }

  /** The log began anew: whoever is here takes it up again from where it stands. */
  began(epoch: string): void {
    const inside = `"channel_name":${toJsonText(this.#name)},"epoch":${toJsonText(epoch)}`
    const frame = new PreparedFrame(spliceFrame(0, 'EPOCH', inside))
    for (const { subscriber } of this.#subscriptions.values()) subscriber.send(frame)
  }

  #openBatch(): Batch {
    if (this.#batch) return this.#batch
    const batch = new Batch(this.#batchOver)
    this.#batch = batch
    for (const subscription of this.#subscriptions.values()) {
      if (!subscription.replay.holding) subscription.subscriber.follow(batch)
    }
    return batch
  }

  readonly #batchOver = (): void => {
    this.#batch = undefined
  }

  #unfollow({ subscriber, replay }: Subscription): void {
    if (this.#batch && !replay.holding) subscriber.unfollow(this.#batch)
  }

  #positionOf(numbered: Numbered): Numbered {
    const inside = `"channel_name":${toJsonText(this.#name)},"offset":${numbered.position.offset}`
    const { name, position, at, origin } = numbered
    return { name, position, at, origin, frame: new PreparedFrame(spliceFrame(0, 'POSITION', inside)) }
  }
}
