/** Stops what was to happen later. Calling it again, or too late, does nothing. */
export type Cancel = () => void

/** The part of `document` that a connection uses. */
export interface PageDocument extends EventTarget {
  readonly visibilityState: string
  cookie: string
}

/** What a connection takes from around it, in one place, so that a test can turn the clock and play the browser. */
export interface Surroundings {
  /** Milliseconds since 1970. Not a monotonic clock: those stand still while some machines sleep. */
  now(): number
  /** Runs something once, `delay` milliseconds from now. */
  later(delay: number, run: () => void): Cancel
  /** A number from 0 to below 1. */
  random(): number
  /** In Node it hears nothing. */
  readonly window?: Partial<EventTarget> | undefined
  readonly document?: PageDocument | undefined
  /** The page's address, which relative addresses are relative to. */
  readonly address?: string | undefined
}

/** The surroundings of a real page or process. Read when a connection is made, never at import. */
export function realSurroundings(): Surroundings {
  return {
    now: Date.now,
    later(delay, run) {
      const timer = setTimeout(run, delay)
      return () => clearTimeout(timer)
    },
    random: Math.random,
    window: globalThis,
    document: globalThis.document,
    address: globalThis.location?.href,
  }
}
