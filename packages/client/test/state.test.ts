import { expect, test } from 'vitest'
import { changed, difference } from '../src/state.ts'

test('updates and deletes make another object, and leave the one before as it was', () => {
  const first = { a: 1, b: [2] }
  expect(changed(first, { updates: { a: 2 }, deletes: ['b', 'c'] })).toEqual({ a: 2 })
  expect(first).toEqual({ a: 1, b: [2] })
})

test('where nothing is different, there is no difference', () => {
  const state = { a: 1, b: [2], c: 3 }
  expect(difference(state, { a: 1, b: [2], c: 3 })).toBeUndefined()
  expect(difference(state, changed(state, { updates: { a: 1 }, deletes: ['d'] }))).toBeUndefined()
})

test('a difference says what is to be updated and deleted', () => {
  expect(difference({ a: 1, b: [2], c: 3 }, { a: 1, b: [3], d: 4 })).toEqual({
    updates: { b: [3], d: 4 },
    deletes: ['c'],
  })
})

test('a key may have the name of what every object inherits', () => {
  const updates = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}')
  const state = changed({}, { updates, deletes: [] })
  expect(Object.keys(state)).toEqual(['__proto__', 'constructor'])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(difference({}, state)).toEqual({ updates: state, deletes: [] })
  expect(Object.keys(changed(state, { updates: {}, deletes: ['__proto__', 'toString'] }))).toEqual(['constructor'])
  expect(difference(state, {})?.deletes).toEqual(['__proto__', 'constructor'])
})
