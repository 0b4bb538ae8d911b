import type { Entry } from '@hookbox/protocol'
import { expect, test } from 'vitest'
import { createHistory, type History } from '../src/history.ts'

const entry = (payload: number, datetime?: string): Entry => ['PUBLISH', { payload, ...(datetime && { datetime }) }]
const payloads = (history: History) => history.entries.map(([, what]) => (what as { payload: number }).payload)

test('at most historySize entries are kept, none where it is 0', () => {
  const history = createHistory(() => 0)
  history.add(entry(1))
  expect(history.entries).toEqual([])
  history.resize(2, 0, false)
  for (const n of [1, 2, 3]) history.add(entry(n))
  expect(payloads(history)).toEqual([2, 3])
  history.replace([4, 5, 6].map((n) => entry(n)))
  expect(payloads(history)).toEqual([5, 6])
  history.resize(0, 0, false)
  expect(history.entries).toEqual([])
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
  const { entries } = history
  expect(history.entries).toBe(entries)
  history.add(entry(2))
  expect(history.entries).not.toBe(entries)
  expect(entries).toHaveLength(1)
})

test('where it holds publishes only, joins and leaves are left out', () => {
  const history = createHistory(() => 0)
  const join: Entry = ['SUBSCRIBE', { user: 'bob', offset: 2 }]
  history.resize(5, 0, false)
  history.replace([entry(1), join])
  expect(history.entries).toHaveLength(2)
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
  const { entries } = history
  history.add(['PUBLISH', { payload: 1, offset: 7 }])
  history.replace([['PUBLISH', { payload: 1, offset: 7 }]])
  expect(history.entries).toBe(entries)
})
