import type { Position } from '@hookbox/protocol'

/** Holds live entries back while a subscriber's snapshot is being read, so that the page gets each entry once and in order. */
export class Replay<T extends { readonly position: Position }> {
  readonly #deliver: (live: T) => void
  #held: T[] | undefined

  constructor(deliver: (live: T) => void) {
    this.#deliver = deliver
  }

  /** From now on nothing is delivered. */
  hold(): void {
    this.#held ??= []
  }

  hear(live: T): void {
    if (this.#held) this.#held.push(live)
    else this.#deliver(live)
  }

  /** Delivers what came meanwhile and is not in the snapshot, which reaches up to `top`; from now on entries pass at once. */
  release(top: Position): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const live of held) {
      if (live.position.epoch !== top.epoch || live.position.offset > top.offset) this.#deliver(live)
    }
  }
}
