import { formatPosition } from '@hookbox/protocol'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { positionJson } from '../src/position-json.ts'

test('as JSON, every position is its text', () => {
  const position = fc.record({ epoch: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), offset: fc.maxSafeNat() })
  fc.assert(
    fc.property(position, (one) => {
      const text = formatPosition(one)
      expect(positionJson(text)).toBe(JSON.stringify(text))
    }),
  )
})
