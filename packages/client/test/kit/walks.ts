/** How often, while something runs, whole collections of at least so many elements are gone through by whoever copies them. */
export function walks(length: number, run: () => void): number {
  const { prototype: array } = Array
  const places: [owner: object, names: (string | symbol)[]][] = [
    [array, ['slice', 'filter', 'concat', 'map', Symbol.iterator]],
    [Set.prototype, [Symbol.iterator]],
    [Map.prototype, [Symbol.iterator, 'entries', 'keys']],
  ]
  const before = places.map(([owner]) => Object.getOwnPropertyDescriptors(owner))
  let count = 0
  for (const [owner, names] of places) {
    for (const name of names) {
      const original = Reflect.get(owner, name) as (...args: unknown[]) => unknown
      Reflect.set(owner, name, function (this: { length?: number; size?: number }, ...args: unknown[]) {
        if (Number(this.length ?? this.size) >= length) count++
        return Reflect.apply(original, this, args)
      })
    }
  }
  try {
    run()
  } finally {
    for (const [index, [owner]] of places.entries()) Object.defineProperties(owner, before[index] ?? {})
  }
  return count
}
