import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatPosition, type Position, parsePosition } from '../src/index.ts'
import { build, read, type Text } from './vectors.ts'

interface Row {
  readonly name: string
  readonly text: Text
  /** Null where the text is no position. */
  readonly position: Position | null
}

describe('positions', () => {
  test.each(read<Row>('positions'))('$name', ({ text, position }) => {
    expect(parsePosition(build(text)) ?? null).toEqual(position)
  })

  test('every position reads back from its text', () => {
    const position = fc.record({ epoch: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), offset: fc.maxSafeNat() })
    fc.assert(
      fc.property(position, (one) => {
        expect(parsePosition(formatPosition(one))).toEqual(one)
      }),
    )
  })

  test('every text that is one is written in no other way', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,3}:[0-9]{1,17}$/), (text) => {
        const position = parsePosition(text)
        if (position) expect(formatPosition(position)).toBe(text)
      }),
    )
  })
})
