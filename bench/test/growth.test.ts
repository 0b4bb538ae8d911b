import { describe, expect, test } from 'vitest'
import { faultOfPoint, type Grown } from '../src/growth/growth.ts'
import { growthTables, inTimes } from '../src/growth/growth-table.ts'

const of = (curve: Grown['curve'], point: number, figures: Record<string, number | string>): Grown => ({
  ...{ curve, point, at: '' },
  ...figures,
})

describe('a point is no number', () => {
  test.each([
    [{ error: 'stalled' }, 'stalled'],
    [{ msgs_per_s: 1, cpu_us: 1, lost: 2 }, '2 deliveries were lost'],
    [{ msgs_per_s: 1, cpu_us: 1, dead: 1 }, '1 connections died'],
    [{ msgs_per_s: 1 }, 'there is no cpu_us'],
    [{ msgs_per_s: 0, cpu_us: 0 }, 'msgs_per_s is 0'],
  ])('%j', (figures, fault) => {
    expect(faultOfPoint(of('publishers', 10, figures))).toBe(fault)
  })

  test('that is whole, is one', () => {
    expect(faultOfPoint(of('publishers', 10, { msgs_per_s: 1, cpu_us: 1, dead: 0 }))).toBeUndefined()
  })
})

describe('what a unit of work costs', () => {
  test('is told as times of the cheapest', () => {
    expect(inTimes([2, 1, 3])).toEqual(['2.0×', '1.0×', '3.0×'])
  })

  test('is marked beyond three times, by whether it grew or is spread over more', () => {
    expect(inTimes([8, 1, 3.1])).toEqual(['8.0×, what is done once', '1.0×', '**3.1×, superlinear**'])
  })

  test('is not told of what broke', () => {
    expect(inTimes([undefined, 1, 2])).toEqual(['', '1.0×', '2.0×'])
    expect(inTimes([undefined])).toEqual([''])
  })
})

test('a table has a line for each point, in order, and none for what was not measured', () => {
  const text = growthTables([
    of('publishers', 100, { msgs_per_s: 5_000, cpu_us: 40, dead: 0 }),
    of('publishers', 1, { msgs_per_s: 9_000, cpu_us: 8, dead: 0 }),
    of('publishers', 1, { msgs_per_s: 11_000, cpu_us: 12, dead: 0 }),
    of('publishers', 1_000, { msgs_per_s: 5_000, cpu_us: 40, dead: 0 }),
    of('publishers', 1_000, { error: 'it | ended' }),
  ])
  expect(text.split('\n')).toEqual([
    '### publishers',
    '',
    'Publishers into one channel to which nobody is subscribed, each with one publish in flight, acknowledged.',
    '',
    '| publishers | publishes/s | CPU of the server, µs each | a publish, to the cheapest |',
    '| ---: | ---: | ---: | ---: |',
    '| 1 | 10k (9,000–11k) | 10.0 (8.0–12.0) | 1.0× |',
    '| 100 | 5,000 | 40.0 | **4.0×, superlinear** |',
    '| 1,000 | broken: it / ended | broken: it / ended |  |',
  ])
})
