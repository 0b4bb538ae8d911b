import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exceeds, utf8Length } from '../src/index.ts'

// Every code unit, so that halves of surrogate pairs come too, and many from the edges of the encoding's lengths.
const unit = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(0x00, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff),
)
const text = fc.array(unit, { maxLength: 40 }).map((units) => String.fromCharCode(...units))

test('a text has as many bytes as its UTF-8 encoding, lone surrogates included', () => {
  fc.assert(
    fc.property(text, (any) => {
      expect(utf8Length(any)).toBe(Buffer.byteLength(any))
    }),
    { numRuns: 2_000 },
  )
})

test('a text exceeds a limit exactly where its bytes do', () => {
  fc.assert(
    fc.property(text, fc.nat(130), (any, limit) => {
      expect(exceeds(any, limit)).toBe(Buffer.byteLength(any) > limit)
    }),
    { numRuns: 2_000 },
  )
})
