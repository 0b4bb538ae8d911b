import { describe, expect, test } from 'vitest'
import { SmallMap } from '../src/small-map.ts'
import { SmallSet } from '../src/small-set.ts'
import { mulberry32 } from './kit/random.ts'

const names = ['a', 'b', 'c']

describe('a small map', () => {
  test('is what a Map is, whatever is done to it', () => {
    const random = mulberry32(1)
    const small = new SmallMap<number>()
    const map = new Map<string, number>()
    for (let step = 0; step < 2_000; step++) {
      const key = names[Math.floor(random() * names.length)] ?? ''
      const what = random()
      if (what < 0.02) {
        small.clear()
        map.clear()
      } else if (what < 0.5) {
        small.set(key, step)
        map.set(key, step)
      } else expect(small.delete(key)).toBe(map.delete(key))
      const [has, get] = [names.map((name) => small.has(name)), names.map((name) => small.get(name))]
      expect({ has, get, size: small.size, entries: [...small] }).toEqual({
        has: names.map((name) => map.has(name)),
        get: names.map((name) => map.get(name)),
        size: map.size,
        entries: [...map],
      })
      expect([[...small.keys()], [...small.values()]]).toEqual([[...map.keys()], [...map.values()]])
    }
  })

  test('begins with what it is given', () => {
    expect([...new SmallMap([['a', 1]])]).toEqual([['a', 1]])
    const two = new Map([
      ['a', 1],
      ['b', 2],
    ])
    expect([...new SmallMap(two)]).toEqual([...two])
  })
})

describe('a small set', () => {
  test('is what a Set is, whatever is done to it', () => {
    const random = mulberry32(2)
    const small = new SmallSet<string>()
    const set = new Set<string>()
    for (let step = 0; step < 2_000; step++) {
      const item = names[Math.floor(random() * names.length)] ?? ''
      const what = random()
      if (what < 0.02) {
        small.clear()
        set.clear()
      } else if (what < 0.5) {
        small.add(item)
        set.add(item)
      } else expect(small.delete(item)).toBe(set.delete(item))
      const has = names.map((name) => small.has(name))
      expect({ has, size: small.size, items: [...small] }).toEqual({
        has: names.map((name) => set.has(name)),
        size: set.size,
        items: [...set],
      })
    }
  })

  test('begins with what it is given', () => {
    expect([...new SmallSet(['a'])]).toEqual(['a'])
    expect([...new SmallSet(['b', 'a', 'b'])]).toEqual(['b', 'a'])
  })
})
