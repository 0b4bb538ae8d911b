const first = 2_000
const longest = 300_000

/**
 * Milliseconds until the next poll after a number of failures in a row: doubling from 2 s to 300 s, and never sooner than
 * a URL that works is polled.
 */
export function backoff(failures: number, interval: number): number {
  return Math.max(interval, Math.min(first * 2 ** (failures - 1), longest))
}
