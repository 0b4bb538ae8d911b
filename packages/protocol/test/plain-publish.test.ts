import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decoded, decodeMessage, encodeFrame, limits } from '../src/index.ts'
import { plainPublish } from '../src/plain-publish.ts'

/** The same frame, which a space in front keeps off the short way. */
function theLongWay(frame: string): string {
  return frame.replace('[', '[ ')
}

function outcome([decoded]: Decoded[]): unknown {
  if (decoded === undefined || 'frame' in decoded) return decoded
  // Its message quotes the frame, with the space.
  if (decoded.error.code === 'malformed') return 'malformed'
  return { id: decoded.id, code: decoded.error.code, message: decoded.error.message }
}

function expectSameOnBothWays(frame: string): void {
  expect(plainPublish(theLongWay(frame))).toBeUndefined()
  expect(outcome(decodeMessage(frame))).toEqual(outcome(decodeMessage(theLongWay(frame))))
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', 'a', '"', '\\', '"}]', ',"message_id":"b'),
)
const space = fc.constantFrom('', '', '', ' ', '\t', '\r')
const json = fc.oneof(
  fc.tuple(space, fc.json(), space).map((parts) => parts.join('')),
  fc.integer({ min: 28, max: 36 }).map((levels) => '['.repeat(levels) + ']'.repeat(levels)),
  fc.jsonValue().map((value) => JSON.stringify(value, null, '\t').replaceAll('\n', '\r')),
  text.map((one) => JSON.stringify(one)),
)
const member = (name: string, value: fc.Arbitrary<string>) => value.map((one) => `"${name}":${one}`)
const members = fc.oneof(
  fc.tuple(
    member(
      'channel_name',
      text.map((one) => JSON.stringify(one)),
    ),
    member('payload', json),
  ),
  fc.tuple(
    member('channel_name', fc.constant('"chat"')),
    member('payload', json),
    member(
      'message_id',
      fc.oneof(
        text.map((one) => JSON.stringify(one)),
        json,
      ),
    ),
  ),
  fc.array(
    fc
      .tuple(fc.constantFrom('channel_name', 'payload', 'message_id', '__proto__', 'other'), json)
      .map(([name, value]) => `"${name}":${value}`),
  ),
)
const frame = fc
  .tuple(fc.oneof(fc.nat(), fc.constantFrom('01', '-1', '1e3', '999999999999999', '9007199254740993')), members)
  .map(([id, inside]) => `[${id},"PUBLISH",{${inside.join(',')}}]`)

describe('a PUBLISH as pages write it', () => {
  test.each([
    { what: 'a text', payload: 'hello' },
    { what: 'a text with what must be escaped', payload: '"}],"message_id":"x"}]\n\\' },
    { what: 'an object', payload: { text: 'hello', tags: ['a', 'b'], nested: { deep: null } } },
    { what: 'nothing much', payload: null },
  ])('is read on the short way where its payload is $what', ({ payload }) => {
    for (const more of [{}, { message_id: 'tab-17' }]) {
      const args = { channel_name: 'chat room', payload, ...more }
      const written = encodeFrame({ id: 17, name: 'PUBLISH', args })
      expect(plainPublish(written)).toEqual({ id: 17, name: 'PUBLISH', args, payload: JSON.stringify(payload) })
    }
  })

  test.each([
    { what: 'another frame', frame: '[1,"MESSAGE",{"name":"a","payload":1}]' },
    { what: 'a name with an escape', frame: '[1,"PUBLISH",{"channel_name":"\\u0061","payload":1}]' },
    { what: 'a name that is not ASCII', frame: '[1,"PUBLISH",{"channel_name":"ä","payload":1}]' },
    { what: 'two payloads', frame: '[1,"PUBLISH",{"channel_name":"a","payload":1,"payload":2}]' },
    { what: 'something behind the id', frame: '[1,"PUBLISH",{"channel_name":"a","payload":1,"message_id":"b","x":1}]' },
    { what: 'no payload', frame: '[1,"PUBLISH",{"channel_name":"a","payload":}]' },
    { what: 'no end', frame: '[1,"PUBLISH",{"channel_name":"a","payload":"}]' },
    { what: 'too much', frame: `[1,"PUBLISH",{"channel_name":"a","payload":"${'x'.repeat(limits.frame)}"}]` },
  ])('is left to the long way where there is $what', ({ frame }) => {
    expect(plainPublish(frame)).toBeUndefined()
    expectSameOnBothWays(frame)
  })

  test('comes out the same on both ways, whatever is in it', () => {
    fc.assert(fc.property(frame, expectSameOnBothWays), { numRuns: 2_000 })
  })

  test('comes out the same on both ways, whatever is changed in it', () => {
    const change = fc.record({
      frame,
      at: fc.nat(),
      out: fc.nat({ max: 3 }),
      put: fc.oneof(fc.constantFrom('"', '\\', '{', '}', '[', ']', ',', ':', '\r', ''), fc.string({ maxLength: 3 })),
    })
    const changed = fc.property(change, ({ frame, at, out, put }) => {
      const from = at % frame.length
      const other = `${frame.slice(0, from)}${put}${frame.slice(from + out)}`
      fc.pre(!other.includes('\n') && other.startsWith('['))
      expectSameOnBothWays(other)
    })
    fc.assert(changed, { numRuns: 2_000 })
  })
})
