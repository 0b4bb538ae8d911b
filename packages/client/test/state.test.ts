import { expect, test } from 'vitest'
import { createState, type State } from '../src/state.ts'
import { walks } from './kit/walks.ts'

function having(values: State['snapshot']): State {
  const state = createState()
  state.replace(values)
  return state
}

test('updates and deletes make another object, and leave the one before as it was', () => {
  const state = having({ a: 1, b: [2] })
  const first = state.snapshot
  state.change({ updates: { a: 2 }, deletes: ['b', 'c'] })
  expect(state.snapshot).toEqual({ a: 2 })
  expect(first).toEqual({ a: 1, b: [2] })
})

test('where nothing is different, there is no difference, and the object is the same one', () => {
  const state = having({ a: 1, b: [2], c: 3 })
  const { snapshot } = state
  expect(state.replace({ a: 1, b: [2], c: 3 })).toBeUndefined()
  expect(state.change({ updates: { a: 1, b: [2] }, deletes: ['d'] })).toBeUndefined()
  expect(state.snapshot).toBe(snapshot)
})

test('a difference says what is to be updated and deleted', () => {
  const state = having({ a: 1, b: [2], c: 3 })
  expect(state.replace({ a: 1, b: [3], d: 4 })).toEqual({ updates: { b: [3], d: 4 }, deletes: ['c'] })
  expect(state.snapshot).toEqual({ a: 1, b: [3], d: 4 })
})

test('first keys go, then updates are written over what is left', () => {
  const state = having({ a: 1, b: 2 })
  state.change({ updates: { a: 1 }, deletes: ['a', 'b'] })
  expect(state.snapshot).toEqual({ a: 1 })
})

test('a key may have the name of what every object inherits', () => {
  const updates = JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}')
  const state = having({})
  expect(state.change({ updates, deletes: ['toString'] })).toEqual({ updates, deletes: [] })
  expect(Object.keys(state.snapshot)).toEqual(['__proto__', 'constructor'])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  expect(state.change({ updates: {}, deletes: ['__proto__', 'toString'] })?.deletes).toEqual(['__proto__'])
  expect(Object.keys(state.snapshot)).toEqual(['constructor'])
  expect(state.replace({})?.deletes).toEqual(['constructor'])
})

test('while nobody reads it no object is made', () => {
  const state = having(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`key ${index}`, index])))
  const changes = () => {
    for (const value of ['a', 'b']) state.change({ updates: { 'key 7': value }, deletes: ['key 8'] })
  }
  expect(walks(99, changes)).toBe(0)
  expect(walks(99, () => state.snapshot)).toBe(1)
  expect(walks(99, () => state.snapshot)).toBe(0)
  expect(state.snapshot['key 7']).toBe('b')
  expect(Object.keys(state.snapshot)).toHaveLength(99)
})
