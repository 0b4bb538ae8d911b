import { expect, test } from 'vitest'
import { age, bytes, duration, rate, sentence } from '../src/words.ts'

test.each([
  [rate(null), '–'],
  [rate(0), '0'],
  [rate(0.456), '0.46'],
  [rate(12.6), '13'],
  [rate(12_345), '12,345'],
  [duration(undefined), '–'],
  [duration(0.84), '0.8 ms'],
  [duration(12.4), '12 ms'],
  [duration(1_254), '1.25 s'],
  [bytes(0), '0 B'],
  [bytes(999), '999 B'],
  [bytes(12_345), '12.3 kB'],
  [bytes(93_500_000), '93.5 MB'],
  [age(59), '59 s'],
  [age(3_599), '59 min'],
  [age(3_600), '1 h 0 min'],
  [age(100_000), '1 d 3 h'],
  [sentence('wrong password'), 'Wrong password.'],
  [sentence('history_size: expected a number'), 'history_size: expected a number.'],
])('%s', (written, expected) => {
  expect(written).toBe(expected)
})
