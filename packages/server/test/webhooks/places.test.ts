import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mostCalls, Places } from '../../src/webhooks/places.ts'

/** Begins calls, and knows which are under way. */
class Calls {
  readonly underWay: string[] = []
  readonly places: Places

  constructor(count: number, most = mostCalls) {
    this.places = new Places(count, most)
  }

  /** Gives what gives up the last of them. */
  call(about: string, times = 1): () => void {
    let giveUp: (() => void) | undefined
    for (let n = 0; n < times; n++) giveUp = this.places.take(about, () => this.underWay.push(about))
    return giveUp ?? expect.fail(`there is no room for ${about}`)
  }

  end(about: string): void {
    this.underWay.splice(this.underWay.indexOf(about), 1)
    this.places.leave(about)
  }

  count(about: string): number {
    return this.underWay.filter((one) => one === about).length
  }
}

test('one thing takes half of the places at most, a second one half of the rest', () => {
  const calls = new Calls(128)
  calls.call('slow', 1_000)
  expect(calls.count('slow')).toBe(64)
  calls.call('slow too', 1_000)
  expect(calls.count('slow too')).toBe(32)
  calls.call('quick')
  expect(calls.count('quick')).toBe(1)
})

test('who waits takes turns', () => {
  const calls = new Calls(1)
  calls.call('a', 3)
  calls.call('b', 3)
  expect(calls.underWay).toEqual(['a'])
  const begun: string[] = []
  for (let n = 0; n < 5; n++) {
    calls.end(calls.underWay[0] ?? '')
    begun.push(...calls.underWay)
  }
  expect(begun).toEqual(['a', 'b', 'a', 'b', 'b'])
})

test('who has given up is passed over', () => {
  const calls = new Calls(2)
  calls.call('a')
  const giveUp = calls.call('a')
  giveUp()
  calls.call('a')
  calls.end('a')
  expect(calls.underWay).toEqual(['a'])
  calls.end('a')
  expect(calls.underWay).toEqual([])
})

test('calls that end while they begin leave their places to the next, however many wait', () => {
  const places = new Places(1, 20_000)
  const begun: number[] = []
  places.take('before', () => {})
  for (let n = 0; n < 9_000; n++) {
    places.take('a', () => {
      begun.push(n)
      places.leave('a')
    })
  }
  expect(begun).toEqual([])
  places.leave('before')
  expect(begun).toEqual(Array.from({ length: 9_000 }, (_, n) => n))
})

test('one thing may have half of what may be under way or wait, so that others still can', () => {
  const { places } = new Calls(4, 100)
  const taken = (about: string) => {
    let count = 0
    while (places.take(about, () => {})) count++
    return count
  }
  expect(taken('slow')).toBe(50)
  expect(taken('slow too')).toBe(25)
  expect(places.take('quick', () => {})).toBeDefined()
})

test('who has given up makes room for others that wait', () => {
  const calls = new Calls(2, 4)
  calls.call('a')
  const giveUp = calls.call('a')
  expect(calls.places.take('a', () => {})).toBeUndefined()
  giveUp()
  giveUp()
  calls.call('a')
  expect(calls.places.take('a', () => {})).toBeUndefined()
})

test('nobody waits once all have begun or given up', async () => {
  const calls = new Calls(2)
  await calls.places.nobodyWaits()
  calls.call('a', 2)
  const giveUp = calls.call('a')
  const quiet = calls.places.nobodyWaits()
  giveUp()
  calls.end('a')
  await quiet
})

test('whatever is called and ends: all begin in their order at last, and a place is free for a newcomer', () => {
  const step = fc.oneof(
    fc.constantFrom('a', 'b', 'c', 'd').map((about) => ({ about })),
    fc.nat().map((end) => ({ end })),
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.array(step, { maxLength: 200 }), (count, steps) => {
      const places = new Places(count, mostCalls)
      const underWay: { readonly about: string; readonly number: number }[] = []
      const begun = new Map<string, number>()
      const asked = new Map<string, number>()
      const end = (which: number) => {
        const [ended] = underWay.splice(which, 1)
        if (ended) places.leave(ended.about)
      }
      for (const one of steps) {
        if ('end' in one) {
          if (underWay.length > 0) end(one.end % underWay.length)
          continue
        }
        const number = asked.get(one.about) ?? 0
        asked.set(one.about, number + 1)
        places.take(one.about, () => {
          expect(begun.get(one.about) ?? 0).toBe(number)
          begun.set(one.about, number + 1)
          underWay.push({ about: one.about, number })
        })
        expect(underWay.length).toBeLessThanOrEqual(count)
      }
      if (count > 1 && underWay.length === count) {
        // All are taken only where no one thing has more than half of them.
        const most = Math.max(
          ...['a', 'b', 'c', 'd'].map((name) => underWay.filter((one) => one.about === name).length),
        )
        expect(most).toBeLessThanOrEqual(Math.ceil(count / 2))
      }
      while (underWay.length > 0) end(0)
      expect(begun).toEqual(asked)
    }),
  )
})
