import { TestClock } from '@hookbox/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Lists, type ListView, pageOf, pageSize } from '../../src/admin/lists.ts'
import type { ApplicationVerbs } from '../../src/hub/application-verbs.ts'

const view: ListView = { name: 'channels', search: '', sort: 'name', descending: false, from: 0 }

function items(count: number) {
  return Array.from({ length: count }, (_, index) => ({ name: `channel ${index}`, size: index % 7 }))
}

test('a page is what sorting everything would give', () => {
  const item = fc.record({ name: fc.string({ maxLength: 3 }), size: fc.nat(5) })
  const all = fc.uniqueArray(item, { maxLength: 400, selector: ({ name }) => name })
  const sort = fc.constantFrom('name' as const, 'size' as const)
  fc.assert(
    fc.property(
      all,
      sort,
      fc.boolean(),
      fc.nat(500),
      fc.string({ maxLength: 1 }),
      (found, by, descending, from, search) => {
        const wanted = { ...view, sort: by, descending, from, search }
        const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
        const matching = found.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()))
        const sorted = matching.sort((a, b) => {
          if (by === 'size') return (descending ? b.size - a.size : a.size - b.size) || byName(a, b)
          return descending ? byName(b, a) : byName(a, b)
        })
        const page = pageOf(found, wanted)
        expect(page.rows).toEqual(sorted.slice(page.from, page.from + pageSize))
        expect(page.found).toBe(sorted.length)
        expect(page.from <= from && (page.rows.length > 0 || sorted.length === 0)).toBe(true)
      },
    ),
  )
})

test('a page behind the last one is the last one', () => {
  expect(pageOf(items(120), { ...view, from: 5_000 })).toMatchObject({ from: 100, found: 120, all: 120 })
  expect(pageOf(items(100), { ...view, from: 100 })).toMatchObject({ from: 50 })
  expect(pageOf([], { ...view, from: 50 })).toEqual({ rows: [], from: 0, found: 0, all: 0 })
})

/** A hub with that many channels, which takes this long to list them. */
function begin(count: number, milliseconds: number) {
  const clock = new TestClock()
  let asked = 0
  const application = {
    channelNames: async () => {
      asked++
      await new Promise<void>((resolve) => clock.after(milliseconds, resolve))
      return items(count).map(({ name }) => name)
    },
    channelSizes: async (names: readonly string[]) => names.map((_, index) => index % 7),
    users: async () =>
      new Map([
        ['ann', ['1', '2']],
        ['bob', []],
      ]),
    userOf: async (id: string) => (id === 'a'.repeat(32) ? 'bob' : undefined),
  } as unknown as ApplicationVerbs
  return { clock, lists: new Lists(application, clock), asked: () => asked }
}

test('a list is read once for all who look, and anew after a second', async () => {
  const { clock, lists, asked } = begin(3, 0)
  const looks = [lists.channels(view), lists.channels({ ...view, descending: true })]
  await clock.advance(0)
  const [up, down] = await Promise.all(looks)
  expect(up?.rows.map(({ name }) => name)).toEqual(['channel 0', 'channel 1', 'channel 2'])
  expect(down?.rows).toEqual([...(up?.rows ?? [])].reverse())
  await lists.channels(view)
  expect(asked()).toBe(1)
  await clock.advance(1_000)
  const again = lists.channels(view)
  await clock.advance(0)
  await again
  expect(asked()).toBe(2)
})

test('reading a long list takes no more than a twentieth of the time', async () => {
  const { clock, lists, asked } = begin(3, 2_000)
  const first = lists.channels(view)
  await clock.advance(2_000)
  await first
  await clock.advance(39_000)
  await lists.channels(view)
  expect(asked()).toBe(1)
  await clock.advance(1_000)
  void lists.channels(view)
  expect(asked()).toBe(2)
})

test('users are listed with their live connections, and found by the id of one', async () => {
  const { lists } = begin(0, 0)
  const users: ListView = { ...view, name: 'users', sort: 'size', descending: true }
  expect(await lists.users(users)).toEqual({
    ...{ from: 0, all: 2, found: 2 },
    rows: [
      { name: 'ann', connections: 2 },
      { name: 'bob', connections: 0 },
    ],
  })
  expect(await lists.users({ ...users, search: 'a'.repeat(32) })).toMatchObject({
    all: 2,
    found: 1,
    rows: [{ name: 'bob' }],
  })
  expect(await lists.users({ ...users, search: 'b'.repeat(32) })).toMatchObject({ all: 2, found: 0, rows: [] })
})

test('a hundred thousand names are one page in a blink', () => {
  const many = items(100_000)
  const page = pageOf(many, { ...view, search: 'CHANNEL 9999', sort: 'size', descending: true })
  expect(page).toMatchObject({ all: 100_000, found: 11 })
})
