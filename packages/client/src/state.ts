import type { Json } from '@hookbox/protocol'

/** What changed in a state. */
export interface StateChange<Values = Readonly<Record<string, Json>>> {
  readonly updates: Values
  readonly deletes: readonly (keyof Values & string)[]
}

/** A channel's state. A map inside, as a key may have the name of something that every object inherits. */
export class State {
  readonly #values = new Map<string, Json>()
  #object: Readonly<Record<string, Json>> | undefined

  /** Stays the same object until a value changes. */
  get object(): Readonly<Record<string, Json>> {
    this.#object ??= Object.fromEntries(this.#values)
    return this.#object
  }

  apply({ updates, deletes }: StateChange): void {
    for (const [key, value] of Object.entries(updates)) {
      if (this.#values.get(key) === value) continue
      this.#values.set(key, value)
      this.#object = undefined
    }
    for (const key of deletes) if (this.#values.delete(key)) this.#object = undefined
  }

  /** What is different then, or nothing. */
  replace(state: Readonly<Record<string, Json>>): StateChange | undefined {
    const updates = Object.entries(state).filter(
      ([key, value]) => JSON.stringify(this.#values.get(key)) !== JSON.stringify(value),
    )
    const deletes = [...this.#values.keys()].filter((key) => !Object.hasOwn(state, key))
    if (updates.length + deletes.length === 0) return undefined
    const change = { updates: Object.fromEntries(updates), deletes }
    this.apply(change)
    return change
  }
}
