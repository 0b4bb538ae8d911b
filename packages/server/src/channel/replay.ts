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
  /** What the last snapshot that was sent reached up to. */
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

  /**
   * A snapshot that reaches up to `top` is about to be sent. To a page that has had one before, it stands for nothing: what
   * is held up to there is told.
   */
  pass(top: Position): void {
    const before = this.#top
    if (before === undefined) return
    for (const live of this.#held.splice(0)) {
      if (!isWithin(live.position, top)) this.#held.push(live)
      else if (!isWithin(live.position, before)) this.#deliver(live)
    }
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
    for (const live of this.#held.splice(0)) if (!isWithin(live.position, this.#top)) this.#deliver(live)
  }
}

function isWithin({ epoch, offset }: Position, top: Position | undefined): boolean {
  return epoch === top?.epoch && offset <= top.offset
}
