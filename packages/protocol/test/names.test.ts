import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { channelName, messageId, userName } from '../src/index.ts'
import { build, read, type Text } from './vectors.ts'

interface Row {
  readonly name: string
  readonly kind: 'channel' | 'user' | 'message_id'
  /** JSON text of the value, as a value with half a character in it cannot be written in every language. */
  readonly json: Text
  readonly valid: boolean
}

const checks = { channel: channelName, user: userName, message_id: messageId }

describe('names', () => {
  test.each(read<Row>('names'))('$name', ({ kind, json, valid }) => {
    const value: unknown = JSON.parse(build(json))
    const check = () => checks[kind](value)
    if (valid) expect(check()).toBe(value)
    else expect(check).toThrow(expect.objectContaining({ code: 'bad_request' }))
  })

  test.each([
    { name: 'a wrong type', value: 7, message: 'channel_name: expected a text, got 7' },
    { name: 'nothing', value: '', message: 'channel_name: expected 1 to 200 bytes, got ""' },
    { name: 'a line break', value: 'a\nb', message: 'channel_name: expected no control characters, got "a\\nb"' },
    {
      name: 'normal form D',
      value: 'e\u0301',
      message: 'channel_name: expected Unicode in normal form C, got "e\u0301"',
    },
  ])('the error says what was expected instead of $name', ({ value, message }) => {
    expect(() => channelName(value)).toThrow(expect.objectContaining({ message }))
  })

  test('the error names the field that the caller means', () => {
    expect(() => userName(null, 'recipient_name')).toThrow(/^recipient_name: /)
  })

  test('whatever is accepted is unchanged by encoding and by normalising', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }), (text) => {
        let name: string
        try {
          name = channelName(text)
        } catch {
          return // Refused names are the rows above.
        }
        expect(Buffer.from(name).toString()).toBe(name)
        expect(name.normalize('NFC')).toBe(name)
      }),
    )
  })
})
