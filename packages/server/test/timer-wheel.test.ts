import { TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { bucketWidth, TimerWheel } from '../src/timer-wheel.ts'

function start() {
  const clock = new TestClock(1_000_000)
  const began = clock.now()
  const told: string[] = []
  const wheel = new TimerWheel(clock)
  return {
    ...{ clock, wheel, told },
    after: (delay: number, what: string) => wheel.after(delay, () => told.push(`${what} at ${clock.now() - began}`)),
  }
}

describe('a wheel of timers', () => {
  test('what waits is late by less than the width of a bucket, and never early', async () => {
    const { clock, wheel } = start()
    const late: number[] = []
    for (let delay = 0; delay <= 2 * bucketWidth; delay += 7) {
      const due = clock.now() + delay
      wheel.after(delay, () => late.push(clock.now() - due))
    }
    await clock.advance(3 * bucketWidth)
    expect(late.length).toBe(72)
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...late)).toBeLessThan(bucketWidth)
  })

  test('what falls due in the same bucket runs in the order in which it is due', async () => {
    const { clock, told, after } = start()
    after(240, 'third')
    after(90, 'first')
    after(90, 'second')
    after(260, 'fourth')
    await clock.advance(1_000)
    expect(told).toEqual(['first at 250', 'second at 250', 'third at 250', 'fourth at 500'])
  })

  test('what was stopped does not run, also when another one that falls due with it stops it', async () => {
    const { clock, wheel, told, after } = start()
    wheel.after(10, () => stop())
    const stop = after(20, 'never')
    after(30, 'ever')
    after(40, 'neither')()
    await clock.advance(1_000)
    expect(told).toEqual(['ever at 250'])
  })

  test('what comes later is passed by, and what comes sooner is not kept waiting for it', async () => {
    const { clock, told, after } = start()
    after(10_000, 'late')
    after(500, 'soon')
    await clock.advance(499)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual(['soon at 500'])
    await clock.advance(9_500)
    expect(told).toEqual(['soon at 500', 'late at 10000'])
  })

  test('a timer set by one that runs waits its own time', async () => {
    const { clock, wheel, told, after } = start()
    wheel.after(250, () => after(0, 'at once'))
    wheel.after(250, () => after(250, 'later'))
    await clock.advance(250)
    expect(told).toEqual(['at once at 250'])
    await clock.advance(250)
    expect(told).toEqual(['at once at 250', 'later at 500'])
  })

  test('all of them take one timer, and none when nothing waits any more', async () => {
    const { clock, after } = start()
    expect(clock.pending).toBe(0)
    const stops = [100, 700, 700, 25_000].map((delay) => after(delay, 'never'))
    expect(clock.pending).toBe(1)
    for (const stop of stops) stop()
    for (const stop of stops) stop()
    expect(clock.pending).toBe(0)
    after(100, 'once')
    await clock.advance(250)
    expect(clock.pending).toBe(0)
  })

  test('what throws keeps nothing from running that waits behind it', async () => {
    const { clock, wheel, told, after } = start()
    wheel.after(10, () => {
      throw new Error('a mistake')
    })
    after(20, 'behind it')
    await expect(clock.advance(250)).rejects.toThrow('a mistake')
    await clock.advance(1)
    expect(told).toEqual(['behind it at 250'])
    expect(clock.pending).toBe(0)
  })

  test('a delay beyond what a timer of Node’s can be set to is kept all the same', async () => {
    const longest = 2_147_483_647
    const asked: number[] = []
    const clock = new TestClock(0)
    const wheel = new TimerWheel({
      now: () => clock.now(),
      after(delay, run) {
        asked.push(delay)
        return clock.after(delay, run)
      },
    })
    let runs = 0
    wheel.after(30 * 86_400_000, () => runs++)
    await clock.advance(30 * 86_400_000 - 1)
    expect({ asked, runs }).toEqual({ asked: [longest, 30 * 86_400_000 - longest], runs: 0 })
    await clock.advance(1)
    expect(runs).toBe(1)
  })
})
