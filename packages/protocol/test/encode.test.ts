import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ClientFrame,
  decodeMessage,
  decodeServerMessage,
  encodeFrame,
  joinFrames,
  jsonText,
  members,
  spliceFrame,
  toJsonText,
} from '../src/index.ts'

const name = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 })
const payload = fc.jsonValue({ maxDepth: 4, noUnicodeString: false })
const frames: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ id: fc.nat(), name: fc.constant('SUBSCRIBE' as const), args: fc.record({ channel_name: name }) }),
  fc.record({ id: fc.nat(), name: fc.constant('PONG' as const), args: fc.constant({}) }),
  fc.record({
    id: fc.nat(),
    name: fc.constant('PUBLISH' as const),
    args: fc.record({ channel_name: name, payload: payload as fc.Arbitrary<never>, message_id: name }),
  }),
)

describe('what a page writes', () => {
  test('the hub reads it as it was meant, alone or with others', () => {
    fc.assert(
      fc.property(fc.array(frames, { minLength: 1, maxLength: 5 }), (many) => {
        const decoded = decodeMessage(joinFrames(many.map(encodeFrame)))
        const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown
        const payload = ({ args }: ClientFrame) => ('payload' in args ? JSON.stringify(args.payload) : undefined)
        expect(decoded).toEqual(many.map((one) => ({ frame: { ...(plain(one) as object), payload: payload(one) } })))
      }),
    )
  })

  test('the form is a list of number, name and args', () => {
    expect(encodeFrame({ id: 3, name: 'UNSUBSCRIBE', args: { channel_name: 'a"b' } })).toBe(
      '[3,"UNSUBSCRIBE",{"channel_name":"a\\"b"}]',
    )
  })
})

describe('what the hub splices', () => {
  test('values that are text already stand in the frame as they are', () => {
    const inside = members({ channel_name: toJsonText('chat'), payload: jsonText('{"n": 1.0}', 'payload') })
    expect(spliceFrame(0, 'PUBLISH', inside)).toBe('[0,"PUBLISH",{"channel_name":"chat","payload":{"n": 1.0}}]')
  })

  test('what is undefined is left out', () => {
    expect(members({ a: undefined, b: toJsonText(1), c: undefined, d: toJsonText(2) })).toBe('"b":1,"d":2')
    expect(members({})).toBe('')
    expect(spliceFrame(7, 'RESULT', '')).toBe('[7,"RESULT",{}]')
  })

  test('a text is written as JSON has it, whatever it holds', () => {
    const pieces = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('"', '\\', '\x7f', '\ud800'),
    )
    fc.assert(
      fc.property(fc.array(pieces), (some) => {
        const text = some.join('')
        expect(toJsonText(text)).toBe(JSON.stringify(text))
      }),
    )
  })

  test('however many names there are, each stands before its value', () => {
    const many = Array.from({ length: 600 }, (_, n) => [`name ${n}`, toJsonText(n)] as const)
    for (let twice = 0; twice < 2; twice++) {
      expect(JSON.parse(`{${members(Object.fromEntries(many))}}`)).toEqual(
        Object.fromEntries(many.map(([name], n) => [name, n])),
      )
    }
  })

  test('names of members are escaped', () => {
    expect(members({ 'a"\n': toJsonText(1) })).toBe('"a\\"\\n":1')
  })

  test('whatever a payload holds, a page reads exactly the frames that were written', () => {
    fc.assert(
      fc.property(fc.array(payload, { minLength: 1, maxLength: 4 }), (payloads) => {
        // Indented, as somebody's JSON may be: line breaks stand between its tokens.
        const texts = payloads.map((value) => jsonText(JSON.stringify(value, null, 2), 'payload'))
        const message = joinFrames(
          texts.map((text, i) => spliceFrame(0, 'PUBLISH', members({ n: toJsonText(i), payload: text }))),
        )
        expect(decodeServerMessage(message).map(({ args }) => args)).toEqual(
          payloads.map((value, n) => ({ n, payload: JSON.parse(JSON.stringify(value)) as unknown })),
        )
      }),
    )
  })
})
