import { expect, test } from 'vitest'
import { createPresence, type Presence } from '../src/presence.ts'
import { walks } from './kit/walks.ts'

function here(...users: string[]): Presence {
  const presence = createPresence()
  presence.replace(users, users.length)
  return presence
}

test('users are listed once, in the order they came', () => {
  const presence = here('ann', 'bob')
  expect([presence.change('cid', true), presence.snapshot, presence.count]).toEqual([true, ['ann', 'bob', 'cid'], 3])
  expect([presence.change('ann', true), presence.snapshot, presence.count]).toEqual([false, ['ann', 'bob', 'cid'], 3])
  expect([presence.change('bob', false), presence.snapshot, presence.count]).toEqual([true, ['ann', 'cid'], 2])
  expect([presence.change('bob', false), presence.snapshot, presence.count]).toEqual([false, ['ann', 'cid'], 2])
})

test('the list is the same one until somebody comes or goes, and then stays as it was', () => {
  const presence = here('ann')
  const before = presence.snapshot
  presence.change('ann', true)
  presence.change('bob', false)
  expect(presence.replace(['ann'], 1)).toBe(false)
  expect(presence.snapshot).toBe(before)
  presence.change('bob', true)
  expect(presence.snapshot).not.toBe(before)
  expect(before).toEqual(['ann'])
})

test('another list or number takes the place of the one before', () => {
  const presence = here('ann', 'bob')
  expect([presence.replace(['bob'], 1), presence.snapshot, presence.count]).toEqual([true, ['bob'], 1])
  expect([presence.replace(['bob'], 2), presence.snapshot, presence.count]).toEqual([true, ['bob'], 2])
})

test('where there are too many to be named, they are counted', () => {
  const presence = createPresence()
  presence.replace([], 12_000)
  const before = presence.snapshot
  const moves = [presence.change('ann', true), presence.change('bob', false), presence.change('cid', false)]
  expect(moves).toEqual([false, false, false])
  expect([presence.snapshot, presence.count]).toEqual([[], 11_999])
  expect(presence.snapshot).toBe(before)
})

test('while nobody reads it no list is made', () => {
  const users = Array.from({ length: 100 }, (_, index) => `user ${index}`)
  const presence = here(...users)
  const moves = () => {
    for (const came of [true, false, true]) presence.change('guest', came)
  }
  expect(walks(100, moves)).toBe(0)
  expect(walks(100, () => presence.snapshot)).toBe(1)
  expect(walks(100, () => presence.snapshot)).toBe(0)
  expect(presence.snapshot).toEqual([...users, 'guest'])
})
