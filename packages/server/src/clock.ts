/** Stops what was to happen later. Calling it again, or too late, does nothing. */
export type Cancel = () => void

/** The only source of time in the hub, so that a test can turn it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Runs something once, `delay` milliseconds from now. */
  after(delay: number, run: () => void): Cancel
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay)
    return () => clearTimeout(timer)
  },
}
