import { expect, test } from 'vitest'
import { TestClock } from '../src/index.ts'

test('timers run in the order of their time, each at its own moment', async () => {
  const clock = new TestClock(1000)
  const ran: [string, number][] = []
  clock.after(30, () => ran.push(['late', clock.now()]))
  clock.after(10, () => ran.push(['early', clock.now()]))
  clock.after(10, () => ran.push(['early too', clock.now()]))
  await clock.advance(29)
  expect(ran).toEqual([
    ['early', 1010],
    ['early too', 1010],
  ])
  await clock.advance(1)
  expect(ran.at(-1)).toEqual(['late', 1030])
  expect(clock.now()).toBe(1030)
})

test('a stopped timer never runs, and stopping it again does nothing', async () => {
  const clock = new TestClock()
  let ran = false
  const stop = clock.after(10, () => {
    ran = true
  })
  stop()
  stop()
  expect(clock.pending).toBe(0)
  await clock.advance(100)
  expect(ran).toBe(false)
})

test('a timer set by another runs in the same turn when it falls due in it', async () => {
  const clock = new TestClock(0)
  const ran: number[] = []
  const tick = () => {
    ran.push(clock.now())
    clock.after(10, tick)
  }
  clock.after(10, tick)
  await clock.advance(35)
  expect(ran).toEqual([10, 20, 30])
  expect(clock.pending).toBe(1)
})

test('promises settle before, between and after the timers', async () => {
  const clock = new TestClock(0)
  const ran: string[] = []
  const later = async (name: string) => {
    for (let i = 0; i < 20; i++) await null
    ran.push(name)
  }
  void later('before')
  clock.after(10, () => void later('first').then(() => clock.after(5, () => ran.push('set by a promise'))))
  clock.after(20, () => void later('second'))
  await clock.advance(20)
  expect(ran).toEqual(['before', 'first', 'set by a promise', 'second'])
})

test('what happens by other means than promises settles between the timers where the test says how', async () => {
  let rounds = 0
  const clock = new TestClock(0, async () => {
    for (let n = 0; n < 5; n++) await new Promise<void>((resolve) => setImmediate(resolve))
    rounds++
  })
  const ran: string[] = []
  const later = (hops: number) => {
    if (hops > 0) setImmediate(later, hops - 1)
    else ran.push('arrived')
  }
  clock.after(10, () => later(3))
  clock.after(20, () => ran.push('next'))
  await clock.advance(20)
  expect([ran, rounds]).toEqual([['arrived', 'next'], 3])
})
