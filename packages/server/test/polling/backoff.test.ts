import { expect, test } from 'vitest'
import { backoff } from '../../src/polling/backoff.ts'

test.each([
  { interval: 100, seconds: [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] },
  { interval: 5_000, seconds: [5, 5, 8, 16, 32, 64, 128, 256, 300, 300] },
  { interval: 600_000, seconds: [600, 600, 600, 600, 600, 600, 600, 600, 600, 600] },
])('every $interval ms: doubling from 2 s to 300 s, never sooner than the interval', ({ interval, seconds }) => {
  expect(seconds.map((_, i) => backoff(i + 1, interval) / 1_000)).toEqual(seconds)
})

test('a URL that failed a thousand times is still polled', () => {
  expect(backoff(2_000, 100)).toBe(300_000)
})
