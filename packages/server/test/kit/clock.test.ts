import { expect, test } from 'vitest'
import { TestClock } from './clock.ts'

test('timers run in the order of their times, each at its own time', async () => {
  const clock = new TestClock(1_000)
  const ran: [string, number][] = []
  clock.after(20, () => ran.push(['b', clock.now()]))
  clock.after(10, () => ran.push(['a', clock.now()]))
  clock.after(20, () => ran.push(['c', clock.now()]))
  clock.after(21, () => ran.push(['late', clock.now()]))
  await clock.advance(20)
  expect(ran).toEqual([
    ['a', 1_010],
    ['b', 1_020],
    ['c', 1_020],
  ])
  expect(clock.now()).toBe(1_020)
  expect(clock.pending).toBe(1)
})

test('what a timer set off settles before the next timer, and may set timers that are due too', async () => {
  const clock = new TestClock(0)
  const ran: string[] = []
  clock.after(5, async () => {
    await null
    await null
    ran.push('settled')
    clock.after(1, () => ran.push('chained'))
  })
  clock.after(7, () => ran.push('next'))
  await clock.advance(10)
  expect(ran).toEqual(['settled', 'chained', 'next'])
})

test('a cancelled timer never runs', async () => {
  const clock = new TestClock()
  let ran = false
  const cancel = clock.after(1, () => {
    ran = true
  })
  cancel()
  cancel()
  await clock.advance(10)
  expect(ran).toBe(false)
  expect(clock.pending).toBe(0)
})
