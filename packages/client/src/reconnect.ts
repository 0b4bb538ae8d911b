import type { Cancel, Surroundings } from './surroundings.ts'

/** Milliseconds between which the wait before the next try lies. */
export interface Backoff {
  /** Never sooner. Default 500. */
  min?: number | undefined
  /** Never later. Default 20,000. */
  max?: number | undefined
}

/**
 * How long to wait before try `n`: at random between the floor and a bound that doubles with every try. At random, because
 * pages that lost the hub together must not all come back together.
 */
export function delayBefore(n: number, { min = 500, max = 20_000 }: Backoff, random: () => number): number {
  const bound = Math.max(min, Math.min(max, min * 2 ** n))
  return min + random() * (bound - min)
}

/**
 * Notices silence by the clock and not by timers, since those sleep in background tabs and stand still with the machine:
 * `check` is to be called whenever the page wakes up.
 */
export class Watchdog {
  readonly #around: Surroundings
  readonly #silent: () => void
  #limit = 0
  #heardAt = 0
  #cancel: Cancel | undefined

  constructor(around: Surroundings, silent: () => void) {
    this.#around = around
    this.#silent = silent
  }

  /** From now on something must be heard every `limit` milliseconds. */
  expect(limit: number): void {
    this.stop()
    this.#limit = limit
    this.heard()
    this.check()
  }

  heard(): void {
    this.#heardAt = this.#around.now()
  }

  check(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#limit === 0) return
    const left = this.#heardAt + this.#limit - this.#around.now()
    // the rest is waited for anew: a timer per frame heard would cost more than this one that may come too soon
    if (left > 0) this.#cancel = this.#around.after(left, () => this.check())
    else {
      this.stop()
      this.#silent()
    }
  }

  stop(): void {
    this.#limit = 0
    this.#cancel?.()
    this.#cancel = undefined
  }
}
