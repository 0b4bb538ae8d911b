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
