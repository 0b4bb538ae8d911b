import { expect, test } from 'vitest'
import { cameOrWent, type Presence } from '../src/presence.ts'

const named = (...presence: string[]): Presence => ({ presence, present: presence.length })

test('users are listed once, in the order they came', () => {
  const three = cameOrWent(named('ann', 'bob'), 'cid', true)
  expect(three).toEqual(named('ann', 'bob', 'cid'))
  expect(cameOrWent(three, 'ann', true)).toEqual(three)
  const two = cameOrWent(three, 'bob', false)
  expect(two).toEqual(named('ann', 'cid'))
  expect(cameOrWent(two, 'bob', false)).toEqual(two)
})

test('the list is the same one until somebody comes or goes', () => {
  const before = named('ann')
  expect(cameOrWent(before, 'ann', true).presence).toBe(before.presence)
  expect(cameOrWent(before, 'bob', false).presence).toBe(before.presence)
  expect(cameOrWent(before, 'bob', true).presence).not.toBe(before.presence)
  expect(before).toEqual(named('ann'))
})

test('where there are too many to be named, they are counted', () => {
  let presence: Presence = { presence: [], present: 12_000 }
  presence = cameOrWent(presence, 'ann', true)
  presence = cameOrWent(presence, 'bob', false)
  presence = cameOrWent(presence, 'cid', false)
  expect(presence).toEqual({ presence: [], present: 11_999 })
})
