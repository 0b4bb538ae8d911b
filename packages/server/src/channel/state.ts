import { HookboxError, isObject, type Json, type JsonText, quote, toJsonText, utf8Length } from '@hookbox/protocol'
import type { StateChange } from '../broker/broker.ts'

/** A channel's state: key → value. */
export type State = ReadonlyMap<string, JsonText>

/** Bytes and keys of one channel's state; a change beyond them is refused with `too_large`. */
export const stateLimits = { bytes: 65_536, keys: 1_000 } as const

/** Reads a state from a JSON object; `[]` stands for `{}`, as PHP writes an empty array so. */
export function readState(value: unknown, field: string): State {
  if (Array.isArray(value) && value.length === 0) return new Map()
  if (!isObject(value)) throw new HookboxError('bad_request', `${field}: expected an object, got ${quote(value)}`)
  const state = new Map<string, JsonText>()
  for (const [key, item] of Object.entries(value)) {
    state.set(stateKey(key, field), toJsonText(item as Json, `${field}.${key}`))
  }
  checkSize(state, field)
  return state
}

/** Checks a key. `__proto__` is refused because a page that copies keys carelessly would change its object's prototype. */
export function stateKey(key: string, field: string): string {
  if (key === '__proto__') throw new HookboxError('bad_request', `${field}: expected another key than "__proto__"`)
  return key
}

/** What must happen to `now` so that it becomes `next`; undefined when they are the same. */
export function difference(now: State, next: State): StateChange | undefined {
  const deletes = [...now.keys()].filter((key) => !next.has(key))
  const updates = new Map([...next].filter(([key, value]) => now.get(key) !== value))
  return deletes.length + updates.size > 0 ? { updates, deletes } : undefined
}

/** @throws HookboxError `too_large` */
export function checkSize(state: State, field: string): void {
  let bytes = 2
  for (const [key, value] of state) bytes += utf8Length(key) + utf8Length(value) + 4
  if (state.size > stateLimits.keys) {
    throw new HookboxError('too_large', `${field}: expected at most ${stateLimits.keys} keys, got ${state.size}`)
  }
  if (bytes > stateLimits.bytes) {
    throw new HookboxError('too_large', `${field}: expected at most ${stateLimits.bytes} bytes, got ${bytes}`)
  }
}

/** The state as JSON text. */
export function stateText(state: State): JsonText {
  return `{${[...state].map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}` as JsonText
}
