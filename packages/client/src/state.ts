import type { Json } from '@hookbox/protocol'
import { same } from './same.ts'

/** What changed in a state. */
export interface StateChange<Values = Readonly<Record<string, Json>>> {
  readonly updates: Values
  readonly deletes: readonly (keyof Values & string)[]
}

/** What a state is after a change. A spread, as a key may have the name of something that every object inherits. */
export function changed(state: StateChange['updates'], { updates, deletes }: StateChange): StateChange['updates'] {
  const next = { ...state, ...updates }
  for (const key of deletes) delete next[key]
  return next
}

/** What is different in another state, or nothing. */
export function difference(state: StateChange['updates'], next: StateChange['updates']): StateChange | undefined {
  const values = new Map(Object.entries(state))
  const updates = Object.entries(next).filter(([key, value]) => !same(values.get(key), value))
  const deletes = Object.keys(state).filter((key) => !Object.hasOwn(next, key))
  return updates.length + deletes.length > 0 ? { updates: Object.fromEntries(updates), deletes } : undefined
}
