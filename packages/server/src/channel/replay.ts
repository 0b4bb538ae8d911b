import type { Position } from '@hookbox/protocol'

/**
 * Holds live entries back while a subscriber's snapshot is being read, so that the page gets each entry once and in order.
 *
 * Two snapshots may be on their way at once (the page subscribes again just as the options change): entries pass again
 * only when the last of them has been sent, else they would overtake it.
 */
export class Replay<T extends { readonly position: Position }> {
  readonly #deliver: (live: T) => void
  readonly #held: T[] = []
  #holds = 0
  #top: Position | undefined
  #ended = false

  constructor(deliver: (live: T) => void) {
    this.#deliver = deliver
  }

  /** From now on nothing is delivered, until it is released as many times as it was held. */
  hold(): void {
    this.#holds++
  }

  /** A snapshot is on its way. */
  get holding(): boolean {
    return this.#holds > 0
  }

  /** Delivers what is held up to `top`, as no snapshot stands for it. */
  pass(top: Position): void {
    const isDue = ({ position }: T) => position.epoch === top.epoch && position.offset <= top.offset
    const due = this.#held.filter(isDue)
    const rest = this.#held.filter((live) => !isDue(live))
    this.#held.splice(0, this.#held.length, ...rest)
    for (const live of due) this.#deliver(live)
  }

  /** From now on nothing is delivered, nor what is held: whoever has left hears nothing more. */
  end(): void {
    this.#ended = true
    this.#held.length = 0
  }

  hear(live: T): void {
    if (this.#ended) return
    if (this.#holds > 0) this.#held.push(live)
    else this.#deliver(live)
  }

  /**
   * Delivers what came meanwhile and is not in the snapshot, which reaches up to `top`; from now on entries pass at once.
   * Without `top` no snapshot was sent.
   */
  release(top?: Position): void {
    this.#top = top ?? this.#top
    this.#holds--
    if (this.#holds > 0) return
    const reached = this.#top
    this.#top = undefined
    for (const live of this.#held.splice(0)) {
      const isIn = live.position.epoch === reached?.epoch && live.position.offset <= reached.offset
      if (!isIn) this.#deliver(live)
    }
  }
}
