import type { Json } from '@hookbox/protocol'
import { same } from './same.ts'

/** What changed in a state. */
export interface StateChange<Values = Readonly<Record<string, Json>>> {
  readonly updates: Values
  readonly deletes: readonly (keyof Values & string)[]
}

/** The state of a channel. */
export interface State {
  /** Made when it is read. Stays the same object until a value changes. */
  readonly snapshot: StateChange['updates']
  /** What is different after a change, if anything is. */
  change(change: StateChange): StateChange | undefined
  /** The same for another state in its place. */
  replace(next: StateChange['updates']): StateChange | undefined
}

export function createState(): State {
  // a map, as a key may have the name of something that every object inherits
  const values = new Map<string, Json>()
  /** What was read last, where it is so still. */
  let given: StateChange['updates'] | undefined

  const state: State = {
    get snapshot() {
      given ??= Object.fromEntries(values)
      return given
    },
    change(change) {
      const deletes = change.deletes.filter((key) => values.delete(key))
      const updates = Object.entries(change.updates).filter(([key, value]) => !same(values.get(key), value))
      if (deletes.length + updates.length === 0) return undefined
      for (const [key, value] of updates) values.set(key, value)
      given = undefined
      return { updates: Object.fromEntries(updates), deletes }
    },
    replace(next) {
      const deletes = [...values.keys()].filter((key) => !Object.hasOwn(next, key))
      return state.change({ updates: next, deletes })
    },
  }
  return state
}
