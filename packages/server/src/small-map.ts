/** A `Map` of texts that mostly holds one: then it takes a sixth of the memory, as it has no table. */
export class SmallMap<V> implements Iterable<readonly [string, V]> {
  #key: string | undefined
  #value: V | undefined
  /** All of them, once there were two. */
  #table: Map<string, V> | undefined

  constructor(entries: Iterable<readonly [string, V]> = []) {
    for (const [key, value] of entries) this.set(key, value)
  }

  get size(): number {
    return this.#table?.size ?? (this.#key === undefined ? 0 : 1)
  }

  has(key: string): boolean {
    return this.#table?.has(key) ?? this.#key === key
  }

  get(key: string): V | undefined {
    if (this.#table) return this.#table.get(key)
    return this.#key === key ? this.#value : undefined
  }

  set(key: string, value: V): void {
    if (this.#table) this.#table.set(key, value)
    else if (this.#key === undefined || this.#key === key) this.#hold(key, value)
    else {
      this.#table = new Map([[this.#key, this.#value as V]]).set(key, value)
      this.#hold(undefined, undefined)
    }
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    if (this.#table) {
      const wasThere = this.#table.delete(key)
      if (this.#table.size === 0) this.#table = undefined
      return wasThere
    }
    if (this.#key !== key) return false
    this.#hold(undefined, undefined)
    return true
  }

  clear(): void {
    this.#table = undefined
    this.#hold(undefined, undefined)
  }

  /** In the order in which they came, as those of a `Map`. */
  [Symbol.iterator](): Iterator<readonly [string, V]> {
    return this.#table?.entries() ?? this.#entries().values()
  }

  keys(): Iterable<string> {
    return this.#table?.keys() ?? this.#entries().map(([key]) => key)
  }

  values(): Iterable<V> {
    return this.#table?.values() ?? this.#entries().map(([, value]) => value)
  }

  #entries(): (readonly [string, V])[] {
    return this.#key === undefined ? [] : [[this.#key, this.#value as V]]
  }

  #hold(key: string | undefined, value: V | undefined): void {
    this.#key = key
    this.#value = value
  }
}
