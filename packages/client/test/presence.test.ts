import { expect, test } from 'vitest'
import { Presence } from '../src/presence.ts'

test('users are listed once, in the order they came', () => {
  const presence = new Presence()
  expect(presence.replace(['ann', 'bob'])).toBe(true)
  expect(presence.join('cid')).toBe(true)
  expect(presence.join('ann')).toBe(false)
  expect(presence.leave('bob')).toBe(true)
  expect(presence.leave('bob')).toBe(false)
  expect(presence.list).toEqual(['ann', 'cid'])
  expect(presence.count).toBe(2)
})

test('the list is the same one until somebody comes or goes', () => {
  const presence = new Presence()
  presence.replace(['ann'])
  const { list } = presence
  expect(presence.replace(['ann'])).toBe(false)
  presence.join('ann')
  expect(presence.list).toBe(list)
})

test('where there are too many to be named, they are counted', () => {
  const presence = new Presence()
  presence.replace([], 12_000)
  presence.join('ann')
  presence.leave('bob')
  presence.leave('cid')
  expect(presence.list).toEqual([])
  expect(presence.count).toBe(11_999)
})
