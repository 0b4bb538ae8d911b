import { expect, test } from 'vitest'
import type { CallShown, EntryShown, LineShown, Observation, Told } from '../../../packages/server/src/admin/told.ts'
import { chartTime, type Event, nothingSeen, see } from '../src/seen.ts'

function seen(...events: Event[]) {
  return events.reduce(see, nothingSeen)
}

const figures = (at: number): Told => ({ of: 'figures', figures: { at } as Observation })
const entry = (offset: number) => ({ name: 'PUBLISH', offset }) as EntryShown
const call = (node: string, number: number, at: number) => ({ node, number, at }) as CallShown
const line = (number: number, time: number): LineShown => ({ node: 'a', number, line: `{"time":${time}}` })

test('figures of the last minutes are kept, each moment once, and outlive the view', () => {
  const late = chartTime * 1_000 + 1_000
  const { figures: kept } = seen(
    figures(0),
    figures(500),
    figures(500),
    figures(1_000),
    { of: 'another view' },
    figures(late),
  )
  expect(kept.map(({ at }) => at)).toEqual([1_000, late])
})

test('entries stand newest first, as many as one can read, and how many were left out is added up', () => {
  const entries = Array.from({ length: 150 }, (_, index) => entry(index + 1))
  const { view } = seen(
    { of: 'entries', entries, skipped: 2 },
    { of: 'entries', entries: entries.map(({ offset }) => entry((offset ?? 0) + 150)), skipped: 3 },
  )
  expect(view.entries).toHaveLength(200)
  expect([view.entries[0]?.offset, view.entries.at(-1)?.offset, view.skipped]).toEqual([300, 101, 5])
})

test('calls of several nodes stand by their time, those of one node in its own order', () => {
  const { view } = seen(
    { of: 'webhooks', calls: [call('a', 1, 10), call('a', 2, 20), call('a', 3, 20)] },
    { of: 'webhooks', calls: [call('b', 1, 15)] },
  )
  expect(view.calls?.map(({ node, number }) => `${node}${number}`)).toEqual(['a3', 'a2', 'b1', 'a1'])
})

test('a feed that begins anew tells calls and lines from the beginning, and everything else goes on', () => {
  const before: Event[] = [
    { of: 'log', lines: [line(1, 1), line(2, 2)] },
    { of: 'entries', entries: [entry(1)], skipped: 0 },
  ]
  const { view } = seen(...before, { of: 'opened' }, { of: 'log', lines: [line(2, 2), line(3, 3)] })
  expect(view.lines?.map(({ number }) => number)).toEqual([3, 2])
  expect(view.entries).toHaveLength(1)
})

test('what is gone may come back, and who signs out leaves nothing behind', () => {
  const user = { name: 'ann' } as Extract<Told, { of: 'user' }>['user']
  expect(seen({ of: 'gone' }).view.gone).toBe(true)
  expect(seen({ of: 'gone' }, { of: 'user', user }).view).toEqual({ ...nothingSeen.view, user })
  expect(seen(figures(1), { of: 'user', user }, { of: 'signed out' })).toEqual(nothingSeen)
})
