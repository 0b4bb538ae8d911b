interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A clock that stands still until the test turns it. */
export class TestClock {
  readonly #timers = new Set<Timer>()
  readonly #settled: () => Promise<void>
  #now: number

  /**
   * Starts at some fixed moment, so that two runs tell the same times. `settled` lets happen what needs no time, by default
   * what waits for promises only.
   */
  constructor(now: number = Date.UTC(2026, 10, 23, 16, 34, 5, 120), settled: () => Promise<void> = settle) {
    this.#now = now
    this.#settled = settled
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#now
  }

  /** Runs something once, `delay` milliseconds from now; what is returned stops it. */
  after(delay: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delay), run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets happen what needs no time. */
  async settle(): Promise<void> {
    await this.#settled()
  }

  /** How many timers have neither run nor been stopped: none are left where everything was cleared up. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Turns the clock. What falls due runs in the order of its time, timers set meanwhile included; everything settles before,
   * between and after.
   */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await this.#settled()
    for (let due = this.#next(end); due; due = this.#next(end)) {
      this.#timers.delete(due)
      this.#now = due.at
      due.run()
      await this.#settled()
    }
    this.#now = end
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers)
      if (timer.at <= end && timer.at < (next?.at ?? Number.POSITIVE_INFINITY)) next = timer
    return next
  }
}

/** Lets every promise settle that waits for promises only: a macrotask begins when no microtask is left. */
export async function settle(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}
