import { expect, test } from 'vitest'
import { datetimeText } from '../src/datetime.ts'

test('a time is told in UTC, to the millisecond, whatever was told before', () => {
  const told = [0, 1_795_000_000_123, 1_795_000_000_123, 1_795_000_000_124, 0].map(datetimeText)
  expect(told).toEqual([
    '"1970-01-01T00:00:00.000Z"',
    '"2026-11-18T11:06:40.123Z"',
    '"2026-11-18T11:06:40.123Z"',
    '"2026-11-18T11:06:40.124Z"',
    '"1970-01-01T00:00:00.000Z"',
  ])
})
