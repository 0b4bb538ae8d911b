import { spliceFrame, toJsonText } from '@hookbox/protocol'
import type { Numbered } from '../broker/broker.ts'
import type { Signals } from '../signals/signals.ts'
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
    subscription.replay.hold()
    this.#subscriptions.set(subscriber.id, subscription)
    return subscription
  }

  delete(subscriberId: string): boolean {
    this.#subscriptions.get(subscriberId)?.replay.end()
    return this.#subscriptions.delete(subscriberId)
  }

  all(): Iterable<Subscription> {
    return this.#subscriptions.values()
  }

  /** Tells everybody. A publish that its own sender is not to see becomes a `POSITION` there, so that no number is missing. */
  tell(numbered: Numbered, reflective: boolean): void {
    this.#signals.deliveries += this.#subscriptions.size
    const withheldFrom = numbered.name === 'PUBLISH' && !reflective ? numbered.origin : undefined
    for (const { subscriber, replay } of this.#subscriptions.values()) {
      replay.hear(subscriber.id === withheldFrom ? this.#positionOf(numbered) : numbered)
    }
  }

  /** The log began anew: whoever is here takes it up again from where it stands. */
  began(epoch: string): void {
    const inside = `"channel_name":${toJsonText(this.#name)},"epoch":${toJsonText(epoch)}`
    const frame = new PreparedFrame(spliceFrame(0, 'EPOCH', inside))
    for (const { subscriber } of this.#subscriptions.values()) subscriber.send(frame)
  }

  #positionOf(numbered: Numbered): Numbered {
    const inside = `"channel_name":${toJsonText(this.#name)},"offset":${numbered.position.offset}`
    return { ...numbered, frame: new PreparedFrame(spliceFrame(0, 'POSITION', inside)) }
  }
}
