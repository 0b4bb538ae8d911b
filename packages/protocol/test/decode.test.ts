import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Decoded, decodeMessage, decodeServerMessage, HookboxError, type Json } from '../src/index.ts'
import { build, read, type Text } from './vectors.ts'

interface Frame {
  readonly id: number
  readonly frame: string
  /** Not compared where it is missing. */
  readonly args?: Json
}

interface Failure {
  readonly id: number
  readonly error: string
  /** The field that the message names. */
  readonly field?: string
}

interface ClientRow {
  readonly name: string
  readonly message: Text
  readonly frames: readonly (Frame | Failure)[]
}

interface ServerRow {
  readonly name: string
  readonly message: Text
  readonly frames?: readonly Frame[]
  readonly error?: 'malformed'
}

function plain(decoded: Decoded, expected: Frame | Failure | undefined): Frame | Failure {
  if ('error' in decoded) {
    const { code, message } = decoded.error
    const field = expected && 'field' in expected ? { field: message.match(/^[a-z_]+/)?.[0] } : {}
    return { id: decoded.id, error: code, ...(field as { field?: string }) }
  }
  const { id, name, args } = decoded.frame
  return { id, frame: name, ...(expected && 'args' in expected ? { args: args as Json } : {}) }
}

describe('what a page sends', () => {
  test.each(read<ClientRow>('client-frames'))('$name', ({ message, frames }) => {
    const decoded = decodeMessage(build(message))
    expect(decoded.map((one, i) => plain(one, frames[i]))).toEqual(frames)
  })

  test('reading never throws, whatever comes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (message) => void decodeMessage(message)))
    const value = fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.double())
    const field = fc.constantFrom(
      'channel_name',
      'name',
      'payload',
      'since',
      'message_id',
      'limit',
      '__proto__',
      'ticket',
    )
    const name = fc.constantFrom('CONNECT', 'SUBSCRIBE', 'UNSUBSCRIBE', 'PUBLISH', 'MESSAGE', 'HISTORY', 'PONG', 'X')
    const frame = fc.tuple(
      fc.oneof(fc.nat(), value),
      fc.oneof(name, value),
      fc.oneof(fc.dictionary(field, value), value),
    )
    fc.assert(
      fc.property(fc.array(frame, { minLength: 1 }), (frames) => {
        decodeMessage(frames.map((one) => JSON.stringify(one)).join('\n'))
      }),
    )
  })

  describe('the payload as it stands there', () => {
    const texts = (message: string) =>
      decodeMessage(message).map((one) => ('frame' in one ? one.frame.payload : one.error.code))

    test.each([
      ['a value', '[1,"PUBLISH",{"channel_name":"c","payload":{"b":1,"a":[2]},"message_id":"m"}]', '{"b":1,"a":[2]}'],
      [
        'digits that no number here holds',
        '[1,"PUBLISH",{"payload":12345678901234567890.10,"channel_name":"c"}]',
        '12345678901234567890.10',
      ],
      ['white space around it', '[1,"PUBLISH",{"channel_name":"c","payload" :\t[ 1 ] }]', '[ 1 ]'],
      ['a line break between tokens', '[1,"PUBLISH",{"channel_name":"c","payload":[1,\r2]}]', '[1, 2]'],
      [
        'its own name inside',
        '[1,"PUBLISH",{"channel_name":"c","payload":{"payload":"\\"payload\\":2}"}}]',
        '{"payload":"\\"payload\\":2}"}',
      ],
      ['a string that ends in a backslash', '[1,"PUBLISH",{"channel_name":"c\\\\","payload":"\\\\"}]', '"\\\\"'],
      ['the name given twice', '[1,"PUBLISH",{"payload":1,"channel_name":"c","payload":2}]', '2'],
      ['the name in disguise', '[1,"PUBLISH",{"payload":1,"channel_name":"c","p\\u0061yload":[2]}]', '[2]'],
      ['the name as a value', '[1,"PUBLISH",{"channel_name":"payload","payload":3}]', '3'],
      ['null', '[1,"MESSAGE",{"name":"ann","payload":null}]', 'null'],
      ['no payload', '[1,"SUBSCRIBE",{"channel_name":"c"}]', undefined],
    ])('%s', (_, message, text) => {
      expect(texts(message)).toEqual([text])
    })

    test('is the same value, whatever stands around it and between its tokens', () => {
      const pairs = fc.array(fc.tuple(fc.string(), fc.jsonValue({ maxDepth: 3 })))
      const space = fc.constantFrom(undefined, ' ', '\t')
      fc.assert(
        fc.property(pairs, fc.jsonValue({ maxDepth: 5 }), pairs, space, (before, payload, after, indent) => {
          const others = (all: typeof before) => all.filter(([name]) => name !== 'payload' && name !== 'channel_name')
          const members = [['channel_name', 'c'], ...others(before), ['payload', payload], ...others(after)]
          const args = members.map(([name, value]) => {
            return `${JSON.stringify(name)}:${JSON.stringify(value, null, indent).replace(/\n/g, '\r')}`
          })
          const [text] = texts(`[1,"PUBLISH",{${args.join(',')}}]`)
          expect(JSON.parse(text ?? '')).toEqual(JSON.parse(JSON.stringify(payload)))
          expect(text).not.toMatch(/[\r\n]/)
        }),
      )
    })
  })

  test('an error says what was expected and shows a little of what came', () => {
    const [decoded] = decodeMessage(`[1,"SUBSCRIBE",{"channel_name":["${'x'.repeat(1000)}"]}]`)
    expect(decoded && 'error' in decoded ? decoded.error.message : '').toBe(
      `channel_name: expected a text, got ["${'x'.repeat(55)}…`,
    )
  })
})

describe('what the hub sends', () => {
  test.each(read<ServerRow>('server-frames'))('$name', ({ message, frames, error }) => {
    if (error) {
      expect(() => decodeServerMessage(build(message))).toThrow(
        expect.objectContaining({ name: 'HookboxError', code: error }),
      )
    } else {
      const decoded = decodeServerMessage(build(message)).map((frame) => ({ frame }) as unknown as Decoded)
      expect(decoded.map((one, i) => plain(one, frames?.[i]))).toEqual(frames)
    }
  })

  test('reading throws nothing but a HookboxError', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (message) => {
        try {
          decodeServerMessage(message)
        } catch (error) {
          expect(error).toBeInstanceOf(HookboxError)
        }
      }),
    )
  })
})
