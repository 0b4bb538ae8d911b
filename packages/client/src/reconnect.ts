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
export function delayBefore(
  n: number,
  { min = 500, max = 20_000 }: Backoff | undefined = {},
  random: () => number,
): number {
  const bound = Math.max(min, Math.min(max, min * 2 ** n))
  return min + random() * (bound - min)
}

/**
 * Notices silence by the clock and not by timers, since those sleep in background tabs and stand still with the machine:
 * `lookNow` is to be called whenever the page wakes up.
 */
export interface Watchdog {
  /** From now on something must be heard every `limit` milliseconds; without one it stops. */
  expect(limit?: number): void
  heard(): void
  lookNow(): void
}

export function createWatchdog({ now, later }: Surroundings, silent: () => void): Watchdog {
  let limit: number | undefined
  let heardAt = 0
  let cancel: Cancel | undefined

  function expect(milliseconds?: number): void {
    limit = milliseconds
    heardAt = now()
    lookNow()
  }

  function lookNow(): void {
    cancel?.()
    if (limit === undefined) return
    const left = heardAt + limit - now()
    // the rest is waited for anew: a timer per frame heard would cost more than this one that may come too soon
    if (left > 0) cancel = later(left, lookNow)
    else {
      limit = undefined
      silent()
    }
  }

  return {
    expect,
    lookNow,
    heard() {
      heardAt = now()
    },
  }
}
