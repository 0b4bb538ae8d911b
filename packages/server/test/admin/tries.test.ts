import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { freeTries, longestPause, Tries, triesPerAddress, window } from '../../src/admin/tries.ts'

function begun() {
  const clock = new TestClock()
  return { clock, tries: new Tries(clock) }
}

function times(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

test('one address has five tries in fifteen minutes, whatever the others do', async () => {
  const { clock, tries } = begun()
  expect(times(triesPerAddress).map(() => tries.begin('192.0.2.1'))).toEqual([0, 0, 0, 0, 0])
  expect(tries.begin('192.0.2.1')).toBe(window)
  expect(tries.begin('192.0.2.2')).toBe(0)
  await clock.advance(window - 1)
  expect(tries.begin('192.0.2.1')).toBe(1)
  await clock.advance(1)
  expect(tries.begin('192.0.2.1')).toBe(0)
})

test('a try that is refused does not count', async () => {
  const { clock, tries } = begun()
  for (const _ of times(50)) tries.begin('192.0.2.1')
  await clock.advance(window)
  expect(tries.begin('192.0.2.1')).toBe(0)
})

test('whoever knew the password begins anew', () => {
  const { tries } = begun()
  for (const _ of times(triesPerAddress)) tries.begin('192.0.2.1')
  tries.succeeded('192.0.2.1')
  expect(tries.begin('192.0.2.1')).toBe(0)
})

test('an IPv6 address stands for its whole /64, and for the IPv4 address in it', () => {
  const { tries } = begun()
  for (const host of times(triesPerAddress)) tries.begin(`2001:db8::${host}`)
  expect(tries.begin('2001:db8::ffff')).toBe(window)
  expect(tries.begin('2001:db8:0:1::1')).toBe(0)
  for (const _ of times(triesPerAddress)) tries.begin('::ffff:192.0.2.7')
  expect(tries.begin('192.0.2.7')).toBe(window)
})

test('many addresses together make each other wait, longer and longer, and never longer than half a minute', async () => {
  const { clock, tries } = begun()
  for (const host of times(freeTries)) expect(tries.begin(`192.0.2.${host}`)).toBe(0)
  const waits: number[] = []
  for (const host of times(8)) {
    const wait = tries.begin(`198.51.100.${host}`)
    waits.push(wait)
    await clock.advance(wait)
    expect(tries.begin(`198.51.100.${host}`)).toBe(0)
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, longestPause, longestPause, longestPause])
  await clock.advance(window)
  expect(tries.begin('203.0.113.1')).toBe(0)
})

test('who signed in before does not wait for others', () => {
  const { tries } = begun()
  expect(tries.begin('192.0.2.200')).toBe(0)
  tries.succeeded('192.0.2.200')
  for (const host of times(freeTries)) tries.begin(`192.0.2.${host}`)
  expect(tries.begin('192.0.2.201')).toBeGreaterThan(0)
  expect(tries.begin('192.0.2.200')).toBe(0)
})
