import { expect, test } from 'vitest'
import { Inbox, within } from '../src/index.ts'

const inbox = () => new Inbox<number>(String)
const even = (n: number) => n % 2 === 0

test('what arrived before anyone asked is taken oldest first, each once', async () => {
  const box = inbox()
  for (const n of [1, 2, 3, 4]) box.put(n)
  expect(await box.take(even, 'an even number')).toBe(2)
  expect(await box.take(even, 'an even number')).toBe(4)
  expect(await box.take(() => true, 'a number')).toBe(1)
})

test('two who wait get one item each, in the order in which they asked', async () => {
  const box = inbox()
  const both = Promise.all([box.take(even, 'an even number'), box.take(even, 'an even number')])
  for (const n of [1, 2, 4]) box.put(n)
  expect(await both).toEqual([2, 4])
})

test('a wait that fails says what was awaited and what came instead, and takes nothing afterwards', async () => {
  const box = inbox()
  box.put(1)
  await expect(box.take(even, 'an even number', 1)).rejects.toThrow('waited 1 ms for an even number; came instead: 1')
  box.put(2)
  expect(await box.take(even, 'an even number')).toBe(2)
})

test('the end is told at once to whoever waits, and what has arrived can still be taken', async () => {
  const box = inbox()
  box.put(1)
  const waiting = box.take(even, 'an even number')
  box.end('the line broke')
  await expect(waiting).rejects.toThrow('waited for an even number, but the line broke; came instead: 1')
  await expect(box.take(even, 'another')).rejects.toThrow('the line broke')
  expect(await box.take(() => true, 'a number')).toBe(1)
})

test('a wait whose promise rejects does so with its own error', async () => {
  await expect(within(Promise.reject(new Error('mine')), 'anything')).rejects.toThrow('mine')
})
