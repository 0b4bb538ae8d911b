import { HookboxError } from '@hookbox/protocol'
import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { type Figures, figuresOf } from '../../src/admin/figures.ts'
import { interval, Observer } from '../../src/admin/observer.ts'
import type { Observation } from '../../src/admin/told.ts'
import { Signals } from '../../src/signals/signals.ts'

/** Nodes that count, and an observer of them. */
function begin(...names: string[]) {
  const clock = new TestClock()
  const nodes = new Map(names.map((name) => [name, new Signals()]))
  let asked = 0
  const figures = (signals: Signals): Figures =>
    figuresOf({
      ...{ signals, version: '1', now: () => clock.now() },
      ...{ connections: () => 2, givenUp: () => 1, loop: () => ({ p99: signals.deliveries, max: 9 }) },
    })
  const observer = new Observer({
    nodes: {
      self: names[0] ?? '',
      names: async () => {
        asked++
        return [...names]
      },
      ask: async (node) => {
        const signals = nodes.get(node)
        if (!signals) throw new HookboxError('unavailable', 'it does not answer')
        return JSON.parse(JSON.stringify(figures(signals)))
      },
    },
    application: { counts: async () => ({ channels: 5, users: 6 }) },
    clock,
    failed(error) {
      throw error
    },
  })
  const seen: Observation[] = []
  const last = () => {
    const observation = seen.at(-1)
    if (!observation) throw new Error('nothing was seen')
    return observation
  }
  return { clock, nodes, observer, seen, last, hear: (one: Observation) => void seen.push(one), asked: () => asked }
}

test('while nobody looks, nothing is asked and no timer is left', async () => {
  const { clock, observer, hear, asked } = begin('a')
  await clock.advance(60_000)
  expect([asked(), clock.pending]).toEqual([0, 0])
  const stop = observer.listen(hear)
  await clock.advance(2 * interval)
  expect(asked()).toBe(3)
  stop()
  expect(clock.pending).toBe(0)
  await clock.advance(60_000)
  expect(asked()).toBe(3)
})

test('all who look are told of the same look, at once where there is one', async () => {
  const { clock, observer, seen, hear, asked } = begin('a')
  const first: Observation[] = []
  observer.listen((one) => first.push(one))
  await clock.advance(interval / 2)
  observer.listen(hear)
  expect(seen).toEqual(first)
  expect(seen).toHaveLength(1)
  await clock.advance(interval)
  expect(seen).toEqual(first)
  expect(asked()).toBe(2)
})

test('rates are what was counted since the last look, and unknown at the first', async () => {
  const { clock, nodes, observer, hear, last } = begin('a')
  observer.listen(hear)
  await clock.settle()
  expect(last()).toMatchObject({ channels: 5, users: 6, sums: { in: null, connections: 2, givenUp: 1, p50: null } })
  const signals = nodes.get('a') as Signals
  for (const _ of [1, 2, 3]) signals.publishes.add('published')
  signals.deliveries = 30
  signals.webhook('publish').outcomes.add('refused')
  signals.webhook('publish').durations.add(0.02)
  await clock.advance(interval)
  expect(last().sums).toMatchObject({ in: 3, out: 30, webhooks: 1, refused: 1, faults: 0, loop: 30, loopMax: 9 })
  expect(last().sums.p99).toBeGreaterThan(10)
  await clock.advance(interval)
  // The times of webhooks are of the last ten seconds, the rates of the last one.
  expect(last().sums).toMatchObject({ in: 0, out: 0 })
  expect(last().sums.p99).toBeGreaterThan(10)
  await clock.advance(11 * interval)
  expect(last().sums.p99).toBeNull()
})

test('several nodes are summed; the one that tells it comes first, and one that does not answer is named', async () => {
  const { clock, nodes, observer, hear, last } = begin('b', 'a', 'c')
  nodes.delete('c')
  observer.listen(hear)
  await clock.settle()
  for (const [name, signals] of nodes) signals.deliveries = name === 'a' ? 10 : 20
  await clock.advance(interval)
  const { sums, silent } = last()
  expect(last().nodes.map(({ node, here, out }) => [node, here, out])).toEqual([
    ['b', true, 20],
    ['a', false, 10],
  ])
  expect(silent).toEqual(['c'])
  expect(sums).toMatchObject({ out: 30, connections: 4, loop: 20 })
})

test('a look that fails is told, and the next one is made all the same', async () => {
  const clock = new TestClock()
  const failures: unknown[] = []
  const seen: Observation[] = []
  let away = true
  const observer = new Observer({
    nodes: {
      self: 'a',
      async names() {
        if (away) throw new Error('away')
        return []
      },
      ask: async () => ({}) as never,
    },
    application: { counts: async () => ({ channels: 0, users: 0 }) },
    clock,
    failed: (error) => failures.push(error),
  })
  observer.listen((one) => seen.push(one))
  await clock.settle()
  expect([failures.length, seen.length]).toEqual([1, 0])
  away = false
  await clock.advance(interval)
  expect([failures.length, seen.length]).toEqual([1, 1])
})
