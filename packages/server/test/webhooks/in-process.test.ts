import { TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { nobody, type Question } from '../../src/webhooks/callbacks.ts'
import type { CallbackCall, CallbackFunctions } from '../../src/webhooks/functions.ts'
import { createInProcessAsk, refuse } from '../../src/webhooks/in-process.ts'
import { parseCookies } from '../../src/webhooks/parse-cookies.ts'

const connect = () => ({ name: 'ann' })

function asking(functions: Partial<CallbackFunctions>, clock = new TestClock()) {
  return createInProcessAsk({ functions: { connect, ...functions }, timeout: 5_000, clock })
}

function question(more: Partial<Question> = {}): Question {
  return { name: 'publish', fields: { channel_name: 'chat', payload: '{"a":[1]}' }, id: 'id1', caller: nobody, ...more }
}

test('a function gets the fields of the webhook, JSON parsed, and whose call it is', async () => {
  const got: unknown[] = []
  const clock = new TestClock()
  const ask = asking(
    {
      message: (fields, call) => {
        got.push(fields, call)
        return { override_payload: 'x' }
      },
    },
    clock,
  )
  const reply = await ask(
    question({
      name: 'message',
      fields: { sender: 'ann', recipient: 'bob', recipient_exists: 'false', payload: '{"a":[1]}' },
      caller: { ...nobody, cookies: 'session=x%20y; b=2', address: '::1' },
    }),
  )
  expect(reply).toEqual({ kind: 'answer', success: true, details: { override_payload: 'x' }, setCookies: [] })
  expect(got).toEqual([
    { sender: 'ann', recipient: 'bob', recipient_exists: false, payload: { a: [1] } },
    {
      cookies: Object.assign(Object.create(null), { session: 'x y', b: '2' }),
      cookieHeader: 'session=x%20y; b=2',
      address: '::1',
      id: 'id1',
    },
  ])
  expect(clock.pending).toBe(0)
})

test('the channels of a disconnect are a list', async () => {
  let channels: unknown
  const ask = asking({
    disconnect: (fields) => {
      channels = fields.channels
    },
  })
  await ask(question({ name: 'disconnect', fields: { name: 'ann', channels: '["a"]' } }))
  expect(channels).toEqual(['a'])
})

test('functions of a class keep their this', async () => {
  class Rules {
    muted = true
    connect() {
      return { name: 'ann' }
    }
    publish(_fields: unknown, _call: CallbackCall) {
      return this.muted ? refuse('muted') : undefined
    }
  }
  const ask = createInProcessAsk({ functions: new Rules(), timeout: 1, clock: new TestClock() })
  expect(await ask(question())).toMatchObject({ success: false, details: { error: 'muted' } })
})

describe('what a function returns', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular

  test.each<{ name: string; run: () => unknown; reply: object }>([
    { name: 'nothing', run: () => undefined, reply: { success: true, details: {} } },
    { name: 'nothing, later', run: async () => {}, reply: { success: true, details: {} } },
    { name: 'details', run: () => ({ a: 1 }), reply: { success: true, details: { a: 1 } } },
    { name: 'details, later', run: async () => ({ a: 1 }), reply: { success: true, details: { a: 1 } } },
    { name: 'an empty list', run: () => [], reply: { success: true, details: {} } },
    {
      name: 'what JSON cannot carry',
      run: () => ({ a: undefined, b: () => 1 }),
      reply: { success: true, details: {} },
    },
    { name: 'a refusal', run: () => refuse(), reply: { success: false, details: {} } },
    {
      name: 'a refusal with a text',
      run: async () => refuse('why'),
      reply: { success: false, details: { error: 'why' } },
    },
    {
      name: 'a refusal with details',
      run: () => refuse('why', { auto_unsubscribe: ['a'] }),
      reply: { success: false, details: { error: 'why', auto_unsubscribe: ['a'] } },
    },
    {
      name: 'a refusal that is thrown',
      run: () => {
        throw refuse('why')
      },
      reply: { success: false, details: { error: 'why' } },
    },
    {
      name: 'false',
      run: () => false,
      reply: { fault: 'expected an object of details, nothing or refuse(…), got false' },
    },
    {
      name: 'true',
      run: () => true,
      reply: { fault: 'expected an object of details, nothing or refuse(…), got true' },
    },
    {
      name: 'null',
      run: () => null,
      reply: { fault: 'expected an object of details, nothing or refuse(…), got null' },
    },
    {
      name: 'a list',
      run: () => [true, {}],
      reply: { fault: 'expected an object of details, nothing or refuse(…), got [object Array]' },
    },
    { name: 'a circle', run: () => circular, reply: { fault: expect.stringMatching(/^threw TypeError: /) } },
    { name: 'a bigint', run: () => ({ a: 1n }), reply: { fault: expect.stringMatching(/^threw TypeError: /) } },
    {
      name: 'a text that is thrown',
      run: () => {
        throw 'boom'
      },
      reply: { fault: 'threw "boom"', cause: 'boom' },
    },
  ])('$name', async ({ run, reply }) => {
    const ask = asking({ publish: run as () => undefined })
    expect(await ask(question())).toMatchObject(reply)
  })

  test('what it throws is a fault with the stack', async () => {
    const boom = new RangeError('boom')
    for (const publish of [() => Promise.reject(boom), throwing(boom)]) {
      expect(await asking({ publish })(question())).toEqual({
        kind: 'fault',
        why: 'threw',
        fault: 'threw RangeError: boom',
        cause: boom,
      })
    }
  })

  test('what it changes later is not seen', async () => {
    const details = { auto_subscribe: ['a'] }
    const reply = await asking({ publish: () => details })(question())
    details.auto_subscribe.push('b')
    expect(reply).toMatchObject({ details: { auto_subscribe: ['a'] } })
  })
})

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}

test('one that is not given allows', async () => {
  expect(await asking({})(question())).toEqual({ kind: 'answer', success: true, details: {}, setCookies: [] })
})

test('one that answers too late is a fault, whatever it does afterwards', async () => {
  const clock = new TestClock()
  let fail = (_error: Error): void => {}
  const publish = () =>
    new Promise<undefined>((_resolve, reject) => {
      fail = reject
    })
  const reply = asking({ publish }, clock)(question())
  await clock.advance(4_999)
  expect(clock.pending).toBe(1)
  await clock.advance(1)
  expect(await reply).toEqual({ kind: 'fault', why: 'time', fault: 'no answer within 5000 ms' })
  fail(new Error('late'))
  await clock.advance(1)
})

test('a refusal made by another copy of this package is still one', async () => {
  const other = Object.defineProperty({ details: { error: 'why' } }, Symbol.for('hookbox.refusal'), { value: true })
  expect(await asking({ publish: () => other })(question())).toMatchObject({
    success: false,
    details: { error: 'why' },
  })
})

test.each<{ header: string | undefined; cookies: { [name: string]: string } }>([
  { header: undefined, cookies: {} },
  { header: '', cookies: {} },
  { header: 'a=1;b=2 ;  c = 3', cookies: { a: '1', b: '2', c: '3' } },
  { header: 'a=1; a=2', cookies: { a: '1' } },
  { header: 'a="x=y"; b=%C3%A9; c=%E9; d=', cookies: { a: 'x=y', b: 'é', c: '%E9', d: '' } },
  { header: 'alone; =x; __proto__=1; toString=2', cookies: { ['__proto__']: '1', toString: '2' } },
])('cookies of $header', ({ header, cookies }) => {
  const parsed = parseCookies(header)
  expect(Object.getPrototypeOf(parsed)).toBe(null)
  expect(Object.entries(parsed)).toEqual(Object.entries(cookies))
})
