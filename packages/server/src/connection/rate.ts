import type { Clock } from '../clock.ts'

/** How many frames may come at once, in seconds of the rate. */
const burst = 5

/** Frames per second of one connection: a bucket that holds five seconds' worth. */
export class Rate {
  readonly #clock: Clock
  readonly #perSecond: number
  #tokens: number
  #filledAt: number

  /** `perSecond` 0 switches it off. */
  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#tokens = perSecond * burst
    this.#filledAt = clock.now()
  }

  /** Whether one more frame is within the rate. */
  take(): boolean {
    if (this.#perSecond === 0) return true
    const now = this.#clock.now()
    // The system's clock may be set back; time that did not pass fills nothing.
    const seconds = Math.max(0, now - this.#filledAt) / 1_000
    this.#tokens = Math.min(this.#perSecond * burst, this.#tokens + seconds * this.#perSecond)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
