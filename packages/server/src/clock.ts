import { TimerWheel } from './timer-wheel.ts'

/** Stops what was to happen later. Calling it again, or too late, does nothing. */
export type Cancel = () => void

/** The only source of time in the hub, so that a test can turn it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /**
   * Runs something once, `delay` milliseconds from now; `roughly`, it may be up to a quarter of a second later, which costs far
   * less where there are many.
   */
  after(delay: number, run: () => void, precision?: 'roughly'): Cancel
}

/** Whatever is done to the system's time, this goes on evenly. */
const steady: Clock = {
  now: () => performance.now(),
  after(delay, run) {
    const timer = setTimeout(run, delay)
    return () => clearTimeout(timer)
  },
}

const wheel = new TimerWheel(steady)

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (delay, run, precision) => (precision === 'roughly' ? wheel : steady).after(delay, run),
}
