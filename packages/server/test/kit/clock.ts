import type { Cancel, Clock } from '../../src/clock.ts'

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that stands still until the test turns it. */
export class TestClock implements Clock {
  #now: number
  #timers = new Set<Timer>()

  constructor(now = Date.UTC(2026, 10, 23, 16, 34, 5, 120)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(delay: number, run: () => void): Cancel {
    const timer = { at: this.#now + Math.max(0, delay), run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** How many timers wait; 0 after everything was stopped. */
  get pending(): number {
    return this.#timers.size
  }

  /** Turns the clock. Every timer that comes due runs at its own time, and what it set off settles before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer)
      this.#now = timer.at
      timer.run()
      await settle()
    }
    this.#now = end
  }

  /** The earliest timer up to `end`; among equals the one set first. */
  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    }
    return next
  }
}

/** Resolves when every promise that can go on by itself has done so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
