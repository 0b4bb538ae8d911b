import { describe, expect, test } from 'vitest'
import { applyEdits } from '../src/bundle.ts'
import { slopeOf } from '../src/gauge.ts'
import { createRandom } from '../src/random.ts'

describe('chance', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed).next)

  test('the same seed gives the same, another one something else', () => {
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  test("a fork's choices do not depend on how often others were asked", () => {
    const [one, other] = [createRandom(7), createRandom(7)]
    other.next()
    expect(other.fork('ann').next()).toBe(one.fork('ann').next())
    expect(one.fork('ann').next()).not.toBe(one.fork('bob').next())
  })

  test('whole numbers reach both ends and nothing beyond', () => {
    const random = createRandom(7)
    const drawn = new Set(Array.from({ length: 200 }, () => random.int(2, 4)))
    expect([...drawn].sort()).toEqual([2, 3, 4])
  })

  test('from nothing nothing is picked', () => {
    expect(() => createRandom(7).pick([])).toThrow('nothing to pick from')
  })
})

describe('edits', () => {
  const edit = { file: 'a.ts', find: 'one', replace: '$&two' }

  test('a text is replaced as it stands', () => {
    expect(applyEdits('a one b', [edit])).toBe('a $&two b')
  })

  test.each([
    { name: 'missing', source: 'a b', times: 0 },
    { name: 'there twice', source: 'one one', times: 2 },
  ])('a text that is $name is an error that names it', ({ source, times }) => {
    expect(() => applyEdits(source, [edit])).toThrow(`a.ts: expected this text once, found ${times} times: one`)
  })
})

test('the slope of the heap is that of the line through the looks', () => {
  const looks = Array.from({ length: 12 }, (_, at) => ({ at, heap: 5 + 2 * at + (at % 2) }))
  expect(slopeOf(looks)).toBeCloseTo(2, 1)
  expect(slopeOf(looks.slice(0, 11))).toBeUndefined()
})
