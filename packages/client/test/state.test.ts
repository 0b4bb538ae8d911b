import { expect, test } from 'vitest'
import { State } from '../src/state.ts'

test('updates and deletes make a new object, and only they do', () => {
  const state = new State()
  state.apply({ updates: { a: 1, b: [2] }, deletes: [] })
  const first = state.object
  state.apply({ updates: { a: 1 }, deletes: ['c'] })
  expect(state.object).toBe(first)
  state.apply({ updates: { a: 2 }, deletes: ['b'] })
  expect(state.object).toEqual({ a: 2 })
  expect(first).toEqual({ a: 1, b: [2] })
})

test('replacing says what is different', () => {
  const state = new State()
  state.apply({ updates: { a: 1, b: [2], c: 3 }, deletes: [] })
  expect(state.replace({ a: 1, b: [2], c: 3 })).toBeUndefined()
  expect(state.replace({ a: 1, b: [3], d: 4 })).toEqual({ updates: { b: [3], d: 4 }, deletes: ['c'] })
})

test('a key may have the name of what every object inherits', () => {
  const state = new State()
  state.apply({ updates: JSON.parse('{"__proto__": {"polluted": true}, "constructor": 1}'), deletes: [] })
  expect(Object.keys(state.object)).toEqual(['__proto__', 'constructor'])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})
