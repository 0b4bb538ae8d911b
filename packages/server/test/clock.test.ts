import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../src/clock.ts'
import { bucketWidth } from '../src/timer-wheel.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

test('what may run roughly then shares a timer of Node’s, and leaves none behind', () => {
  const told: string[] = []
  const after = (delay: number, what: string) => systemClock.after(delay, () => told.push(what), 'roughly')
  after(40_000, 'in time')
  const stops = [10_000, 20_000, 30_000].map((delay) => after(delay, 'never'))
  expect(vi.getTimerCount()).toBe(1)
  for (const stop of stops) stop()
  vi.advanceTimersByTime(39_999)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1 + bucketWidth)
  expect(told).toEqual(['in time'])
  expect(vi.getTimerCount()).toBe(0)
})

test('everything else runs at its very time', () => {
  const told: number[] = []
  const began = systemClock.now()
  for (const delay of [10, 1_001]) systemClock.after(delay, () => told.push(systemClock.now() - began))
  systemClock.after(500, () => told.push(-1))()
  expect(vi.getTimerCount()).toBe(2)
  vi.advanceTimersByTime(5_000)
  expect(told).toEqual([10, 1_001])
})
