import type { Entry } from '@hookbox/protocol'
import { expect, test } from 'vitest'
import { createHistory, type History } from '../src/history.ts'
import { walks } from './kit/walks.ts'

const entry = (payload: number, datetime?: string): Entry => ['PUBLISH', { payload, ...(datetime && { datetime }) }]
const payloads = (history: History) => history.snapshot.map(([, what]) => (what as { payload: number }).payload)

test('at most historySize entries are kept, none where it is 0', () => {
  const history = createHistory(() => 0)
  history.add(entry(1))
  expect(history.snapshot).toEqual([])
  history.resize(2, 0, false)
  for (const n of [1, 2, 3]) history.add(entry(n))
  expect(payloads(history)).toEqual([2, 3])
  history.replace([4, 5, 6].map((n) => entry(n)))
  expect(payloads(history)).toEqual([5, 6])
  history.resize(0, 0, false)
  expect(history.snapshot).toEqual([])
})

test('entries live for historyDuration by the clock of the hub, which may differ from the page', () => {
  let now = 5_000_000
  const history = createHistory(() => now)
  history.resize(10, 60, false)
  history.replace([entry(1, '2026-11-23T12:00:00.000Z'), entry(2, '2026-11-23T12:00:50.000Z'), entry(3)])
  expect(payloads(history)).toEqual([1, 2, 3])
  now += 10_000
  expect(payloads(history)).toEqual([2, 3])
  history.add(entry(4, '2026-11-23T12:01:50.000Z'))
  expect(payloads(history)).toEqual([3, 4])
})

test('the list is the same one until an entry comes or goes', () => {
  const history = createHistory(() => 0)
  history.resize(2, 0, false)
  history.add(entry(1))
  const { snapshot } = history
  expect(history.snapshot).toBe(snapshot)
  history.add(entry(2))
  expect(history.snapshot).not.toBe(snapshot)
  expect(snapshot).toHaveLength(1)
})

test('where it holds publishes only, joins and leaves are left out', () => {
  const history = createHistory(() => 0)
  const join: Entry = ['SUBSCRIBE', { user: 'bob', offset: 2 }]
  history.resize(5, 0, false)
  history.replace([entry(1), join])
  expect(history.snapshot).toHaveLength(2)
  history.resize(5, 0, true)
  expect(payloads(history)).toEqual([1])
  history.add(join)
  history.replace([entry(1), join, entry(2)])
  expect(payloads(history)).toEqual([1, 2])
})

test('an entry that a snapshot brought is not added again', () => {
  const history = createHistory(() => 0)
  history.resize(5, 0, false)
  history.replace([['PUBLISH', { payload: 1, offset: 7 }]])
  const { snapshot } = history
  history.add(['PUBLISH', { payload: 1, offset: 7 }])
  history.replace([['PUBLISH', { payload: 1, offset: 7 }]])
  expect(history.snapshot).toBe(snapshot)
})

test('a list that was read stays as it was, whatever comes after', () => {
  const history = createHistory(() => 0)
  history.resize(2, 0, false)
  const lists = [1, 2, 3, 4, 5, 6].map((n) => {
    history.add(entry(n))
    return history.snapshot
  })
  const held = lists.map((list) => list.map(([, what]) => (what as { payload: number }).payload))
  expect(held).toEqual([[1], [1, 2], [2, 3], [3, 4], [4, 5], [5, 6]])
  const brought = [entry(7)]
  history.replace(brought)
  const { snapshot } = history
  history.add(entry(8))
  expect([brought.length, snapshot.length, lists.at(-1)?.length]).toEqual([1, 1, 2])
})

test('while nobody reads it no list is made; in front it is cut once for as many as it holds', () => {
  const history = createHistory(() => 0)
  history.resize(100, 0, false)
  const adds = (count: number) =>
    walks(100, () => {
      for (let n = 0; n < count; n++) history.add(entry(n))
    })
  expect([adds(200), adds(1), adds(100), adds(1)]).toEqual([0, 1, 0, 1])
  expect(walks(100, () => history.snapshot)).toBe(1)
  expect(walks(100, () => history.snapshot)).toBe(0)
  expect(history.snapshot).toHaveLength(100)
})

test('what was beyond the size when it was set does not come back with a larger one', () => {
  const history = createHistory(() => 0)
  history.resize(2, 0, false)
  for (const n of [1, 2, 3]) history.add(entry(n))
  history.resize(3, 0, false)
  expect(payloads(history)).toEqual([2, 3])
})

test('an entry that says the same time as the one before it, later, tells nothing more of the clock of the hub', () => {
  let now = 0
  const history = createHistory(() => now)
  const datetime = '2026-11-23T12:00:00.000Z'
  history.resize(10, 60, false)
  history.add(entry(1, datetime))
  now = 59_999
  history.add(entry(2, datetime))
  expect(payloads(history)).toEqual([1, 2])
  now = 60_000
  expect(payloads(history)).toEqual([])
})
