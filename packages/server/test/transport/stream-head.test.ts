import { describe, expect, test } from 'vitest'
import { readHead, sendHead } from '../../src/transport/stream-head.ts'

const session = '0123456789abcdef'.repeat(4)
const sending = (fields: object) => JSON.stringify({ session, seq: 1, ...fields })

describe('a page that reads', () => {
  test.each([
    ['', { session: undefined, ack: 0, poll: false, protocol: 'hookbox.v1' }],
    ['{}', { session: undefined, ack: 0, poll: false, protocol: 'hookbox.v1' }],
    ['{"poll":true,"unknown":1}\n', { session: undefined, ack: 0, poll: true, protocol: 'hookbox.v1' }],
    [
      JSON.stringify({ session, ack: 7, protocol: 'hookbox.v9' }),
      { session, ack: 7, poll: false, protocol: 'hookbox.v9' },
    ],
  ])('may say %j', (body, head) => {
    expect(readHead(body)).toEqual(head)
  })

  test.each([
    ['[]', 'head: expected a JSON object in the first line'],
    ['nonsense', 'head: expected a JSON object in the first line'],
    [`{"x":"${'x'.repeat(1_024)}"}`, 'head: expected less than 1024 characters'],
    ['{"session":7}', 'session: expected the 64 hex digits of the first event'],
    ['{"session":"__proto__"}', 'session: expected the 64 hex digits of the first event'],
    ['{"ack":-1}', 'ack: expected a whole number from 0'],
    ['{"ack":1.5}', 'ack: expected a whole number from 0'],
    ['{"ack":9007199254740992}', 'ack: expected a whole number from 0'],
    ['{"poll":1}', 'poll: expected true or false'],
    ['{"protocol":1}', 'protocol: expected text'],
  ])('is corrected: %s', (body, message) => {
    expect(() => readHead(body)).toThrow(expect.objectContaining({ code: 'bad_request', message }))
  })
})

describe('a page that says something', () => {
  test('says what stands behind the first line feed', () => {
    const head = { session, seq: 1, ack: 0, close: undefined }
    expect(sendHead(`${sending({})}\n[1,"PONG"]\n[2,"PONG"]`)).toEqual({ head, message: '[1,"PONG"]\n[2,"PONG"]' })
    expect(sendHead(sending({}))).toEqual({ head, message: '' })
  })

  test.each([1000, 3000, 4001, 4999])('may close with %i', (close) => {
    expect(sendHead(sending({ close, reason: 'bye' })).head.close).toEqual({ code: close, reason: 'bye' })
    expect(sendHead(sending({ close })).head.close).toEqual({ code: close, reason: '' })
  })

  test.each([
    ['', 'session: expected the 64 hex digits of the first event'],
    [JSON.stringify({ session }), 'seq: expected a whole number from 1'],
    [sending({ seq: 0 }), 'seq: expected a whole number from 1'],
    [sending({ ack: '1' }), 'ack: expected a whole number from 0'],
    [sending({ close: 999 }), 'close: expected a whole number from 1000'],
    [sending({ close: 1001 }), 'close: expected 1000 or a code from 3000 to 4999'],
    [sending({ close: 5000 }), 'close: expected 1000 or a code from 3000 to 4999'],
    [sending({ close: 1000, reason: 1 }), 'reason: expected text'],
  ])('is corrected: %s', (body, message) => {
    expect(() => sendHead(body)).toThrow(expect.objectContaining({ code: 'bad_request', message }))
  })

  test('may say 1 MiB, and no byte more', () => {
    expect(sendHead(`${sending({})}\n${'x'.repeat(1_048_576)}`).message).toHaveLength(1_048_576)
    expect(() => sendHead(`${sending({})}\n${'x'.repeat(1_048_574)}é€`)).toThrow(
      expect.objectContaining({ code: 'too_large' }),
    )
  })
})
