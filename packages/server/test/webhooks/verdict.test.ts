import { type HookboxError, jsonNull, jsonText, toJsonText } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import { Signals } from '../../src/signals/signals.ts'
import type { Callbacks, Caller, Question, Reply } from '../../src/webhooks/callbacks.ts'
import { createCallbacks } from '../../src/webhooks/verdict.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const url = 'http://app/hookbox'

function answering(reply: unknown, setCookies: string[] = []) {
  const questions: Question[] = []
  const log = new RecordingLog()
  const cookies: string[][] = []
  const caller: Caller = { cookies: 'a=1', address: '::1', setCookies: (lines) => void cookies.push([...lines]) }
  const callbacks = createCallbacks(
    async (question) => {
      questions.push(question)
      if (!Array.isArray(reply)) return reply as Reply
      return { kind: 'answer', success: reply[0], details: reply[1], setCookies, url }
    },
    log,
    { newId: () => 'new-id' },
  )
  return { callbacks, caller, questions, log, cookies }
}

const ask: { [name: string]: (callbacks: Callbacks, caller: Caller) => Promise<unknown> } = {
  connect: (callbacks, caller) => callbacks.connect(caller, { connId: 'c', payload: jsonNull }),
  create_channel: (callbacks, caller) => callbacks.createChannel(caller, { channelName: 'chat' }),
  subscribe: (callbacks, caller) => callbacks.subscribe(caller, { channelName: 'chat', user: 'ann' }),
  unsubscribe: (callbacks, caller) => callbacks.unsubscribe(caller, { channelName: 'chat', user: 'ann' }),
  publish: (callbacks, caller) => callbacks.publish(caller, { channelName: 'chat', payload: jsonNull }),
  message: (callbacks, caller) =>
    callbacks.message(caller, { sender: 'ann', recipient: 'bob', recipientExists: false, payload: jsonNull }),
  disconnect: (callbacks, caller) => callbacks.disconnect(caller, { name: 'ann', channels: [] }),
  destroy_channel: (callbacks) => callbacks.destroyChannel({ channelName: 'chat' }),
  hub_started: (callbacks) => callbacks.hubStarted({ node: 'n' }),
}

async function verdict(name: string, reply: unknown) {
  const { callbacks, caller, log, questions } = answering(reply)
  return { verdict: await ask[name]?.(callbacks, caller), log, questions }
}

describe('the form fields', () => {
  test.each<{
    name: string
    run: (callbacks: Callbacks, caller: Caller) => Promise<unknown>
    fields: object
    id?: string
  }>([
    {
      name: 'connect',
      run: (c, by) => c.connect(by, { connId: 'c1', payload: jsonText('{"a":1}', 'payload'), reason: 'expired' }),
      fields: { conn_id: 'c1', payload: '{"a":1}', reason: 'expired' },
    },
    {
      name: 'connect',
      run: (c, by) => c.connect(by, { connId: 'c1', payload: jsonNull }),
      fields: { conn_id: 'c1', payload: 'null' },
    },
    {
      name: 'create_channel',
      run: (c, by) => c.createChannel(by, { channelName: 'x' }),
      fields: { channel_name: 'x' },
    },
    {
      name: 'subscribe',
      run: (c, by) => c.subscribe(by, { channelName: 'x', user: 'ann' }),
      fields: { channel_name: 'x', user: 'ann' },
    },
    {
      name: 'publish',
      run: (c, by) => c.publish(by, { channelName: 'x', payload: toJsonText('hi'), originator: 'ann', messageId: 'm' }),
      fields: { channel_name: 'x', payload: '"hi"', originator: 'ann', message_id: 'm' },
    },
    {
      name: 'publish',
      run: (c, by) => c.publish(by, { channelName: 'x', payload: toJsonText('hi'), originator: undefined }),
      fields: { channel_name: 'x', payload: '"hi"' },
    },
    {
      name: 'message',
      run: (c, by) => c.message(by, { sender: 'a', recipient: 'b', recipientExists: true, payload: jsonNull }),
      fields: { sender: 'a', recipient: 'b', recipient_exists: 'true', payload: 'null' },
    },
    {
      name: 'unsubscribe',
      run: (c, by) => c.unsubscribe(by, { channelName: 'x', user: 'ann' }, 'again'),
      fields: { channel_name: 'x', user: 'ann' },
      id: 'again',
    },
    {
      name: 'disconnect',
      run: (c, by) => c.disconnect(by, { name: 'ann', channels: ['x', 'y"'] }, 'again'),
      fields: { name: 'ann', channels: '["x","y\\""]' },
      id: 'again',
    },
    {
      name: 'destroy_channel',
      run: (c) => c.destroyChannel({ channelName: 'x' }, 'again'),
      fields: { channel_name: 'x' },
      id: 'again',
    },
    { name: 'hub_started', run: (c) => c.hubStarted({ node: 'n1' }, 'again'), fields: { node: 'n1' }, id: 'again' },
  ])('of $name: $fields', async ({ name, run, fields, id = 'new-id' }) => {
    const { callbacks, caller, questions } = answering([true, { name: 'ann' }])
    await run(callbacks, caller)
    expect(questions).toMatchObject([{ name, id }])
    expect(questions[0]?.fields).toEqual(fields)
    const ofNobody = name === 'destroy_channel' || name === 'hub_started'
    expect(questions[0]?.caller.cookies).toBe(ofNobody ? undefined : 'a=1')
  })
})

describe('a yes', () => {
  test.each([
    { name: 'connect', details: { name: 'ann' }, read: { name: 'ann', details: {} } },
    {
      name: 'connect',
      details: {
        name: 'ann',
        override_payload: null,
        expires_in: 1.5,
        auto_subscribe: ['a'],
        auto_unsubscribe: ['b'],
        reflective: false,
      },
      read: {
        name: 'ann',
        overridePayload: 'null',
        expiresIn: 1_500,
        details: { auto_subscribe: ['a'], reflective: false },
      },
    },
    { name: 'create_channel', details: { anything: [1] }, read: { anything: [1] } },
    { name: 'subscribe', details: {}, read: {} },
    { name: 'subscribe', details: { initial_data: { a: 'x\n' } }, read: { initialData: '{"a":"x\\n"}' } },
    { name: 'publish', details: { unknown: 1 }, read: { onlyToSender: false } },
    {
      name: 'publish',
      details: { override_payload: 0, only_to_sender: 1 },
      read: { overridePayload: '0', onlyToSender: true },
    },
    { name: 'message', details: {}, read: {} },
    {
      name: 'message',
      details: { override_payload: 'x', override_recipient_name: 'cy' },
      read: { overridePayload: '"x"', overrideRecipientName: 'cy' },
    },
  ])('to $name with $details', async ({ name, details, read }) => {
    const got = await verdict(name, [true, details])
    expect(got.verdict).toMatchObject({ ok: true })
    expect((got.verdict as { details: unknown }).details).toEqual(read)
    expect(got.log.complaints).toEqual([])
  })

  test.each(['connect', 'subscribe', 'unsubscribe', 'publish', 'message'])('to %s names channels', async (name) => {
    const lists = { name: 'ann', auto_subscribe: ['a', 'b'], auto_unsubscribe: ['c'] }
    expect((await verdict(name, [true, lists])).verdict).toMatchObject({
      ok: true,
      autoSubscribe: ['a', 'b'],
      autoUnsubscribe: ['c'],
    })
  })

  test.each(['disconnect', 'destroy_channel', 'create_channel', 'hub_started'])('to %s names none', async (name) => {
    expect((await verdict(name, [true, { auto_subscribe: 'nonsense' }])).verdict).toMatchObject({
      ok: true,
      autoSubscribe: [],
      autoUnsubscribe: [],
    })
  })
})

describe('a no', () => {
  test.each(Object.keys(ask).filter((name) => name !== 'hub_started'))('to %s is a refusal', async (name) => {
    const got = await verdict(name, [false, {}])
    const code = name === 'connect' ? 'unauthorized' : 'refused'
    expect(got.verdict).toMatchObject({ ok: false, autoSubscribe: [], autoUnsubscribe: [] })
    const { error } = got.verdict as { error: HookboxError }
    expect([error.code, error.message, error.temporary]).toEqual([code, `${name} refused by the application`, false])
    expect(got.log.complaints).toEqual([])
  })

  test.each([
    { name: 'error', details: { error: 'muted', msg: 'x' }, text: 'muted' },
    { name: 'msg', details: { msg: 'muted' }, text: 'muted' },
    { name: 'an error that is no text', details: { error: { a: 1 }, msg: 'muted' }, text: 'muted' },
    { name: 'an empty error', details: { error: ' ' }, text: 'publish refused by the application' },
    { name: 'a long one', details: { error: 'x'.repeat(501) }, text: 'x'.repeat(500) },
    { name: 'one cut within a character', details: { error: `${'x'.repeat(499)}😀` }, text: 'x'.repeat(499) },
  ])('says why: $name', async ({ details, text }) => {
    expect((await verdict('publish', [false, details])).verdict).toMatchObject({ error: { message: text } })
  })

  test.each(['publish', 'message'])('to %s may name channels', async (name) => {
    const lists = { auto_subscribe: ['a'], auto_unsubscribe: ['c'] }
    expect((await verdict(name, [false, lists])).verdict).toMatchObject({
      ok: false,
      autoSubscribe: ['a'],
      autoUnsubscribe: ['c'],
    })
  })

  test.each(['connect', 'subscribe', 'unsubscribe'])('to %s names none', async (name) => {
    expect((await verdict(name, [false, { auto_subscribe: ['a'] }])).verdict).toMatchObject({ autoSubscribe: [] })
  })
})

describe('a wrong detail is a fault that names it', () => {
  const long = 'x'.repeat(65_535)
  test.each([
    { name: 'connect', details: {}, fault: 'connect: expected name, got nothing' },
    { name: 'connect', details: { name: 42 }, fault: 'connect: name: expected a text, got 42' },
    { name: 'connect', details: { name: '' }, fault: 'connect: name: expected 1 to 128 bytes, got ""' },
    {
      name: 'connect',
      details: { name: 'a', expires_in: '5' },
      fault: 'expires_in: expected a number of seconds above 0, got "5"',
    },
    {
      name: 'connect',
      details: { name: 'a', expires_in: 0 },
      fault: 'expires_in: expected a number of seconds above 0, got 0',
    },
    {
      name: 'connect',
      details: { name: 'a', auto_subscribe: 'chat' },
      fault: 'auto_subscribe: expected a list of channel names, got "chat"',
    },
    { name: 'subscribe', details: { auto_subscribe: [1] }, fault: 'auto_subscribe: expected a text, got 1' },
    {
      name: 'publish',
      details: { auto_unsubscribe: {} },
      fault: 'auto_unsubscribe: expected a list of channel names, got {}',
    },
    { name: 'publish', details: { only_to_sender: 'yes' }, fault: 'only_to_sender: expected true or false, got "yes"' },
    { name: 'publish', details: { override_payload: long }, fault: 'override_payload: expected at most 65536 bytes' },
    {
      name: 'message',
      details: { override_recipient_name: [] },
      fault: 'override_recipient_name: expected a text, got []',
    },
  ])('$name: $fault', async ({ name, details, fault }) => {
    const got = await verdict(name, [true, details])
    expect(got.verdict).toMatchObject({
      ok: false,
      error: { code: 'webhook_failed', message: 'the application could not be asked', temporary: true },
      autoSubscribe: [],
    })
    expect(got.log.lines).toEqual([
      { level: 'error', message: 'webhook failed', fields: { webhook: name, id: 'new-id', url, fault } },
    ])
  })
})

test.each([
  ['a no', [false, {}]],
  ['something that is no reply', { kind: 'fault', fault: 'HTML', why: 'form', url }],
] as const)('%s is answer enough to hub_started', async (_name, reply) => {
  const got = await verdict('hub_started', reply)
  expect(got.verdict).toMatchObject({ ok: true })
  expect(got.log.complaints).toEqual([])
})

test.each(Object.keys(ask))('a fault of %s allows nothing and is logged', async (name) => {
  const cause = new Error('boom')
  const got = await verdict(name, { kind: 'fault', why: 'connection', fault: 'gone', cause, url })
  const { error } = got.verdict as { error: HookboxError }
  expect([error.code, error.message]).toEqual(['webhook_failed', 'the application could not be asked'])
  expect(got.log.lines).toEqual([
    {
      level: name === 'hub_started' ? 'debug' : 'error',
      message: 'webhook failed',
      fields: { webhook: name, id: 'new-id', url, fault: 'gone', err: cause },
    },
  ])
})

test('what was not asked is no complaint of its own, and counts as no time', async () => {
  const signals = new Signals()
  const log = new RecordingLog()
  const reply: Reply = { kind: 'fault', why: 'unasked', fault: 'away', url }
  const callbacks = createCallbacks(async () => reply, log, { signals })
  const caller: Caller = { cookies: undefined, address: undefined, setCookies() {} }
  const verdict = await callbacks.publish(caller, { channelName: 'chat', payload: jsonNull })
  expect(verdict).toMatchObject({ ok: false, error: { code: 'webhook_failed', temporary: true } })
  expect(log.complaints).toEqual([])
  const counted = signals.webhook('publish')
  expect([counted.durations.count, counted.underWay]).toEqual([0, 0])
  expect(counted.faults.get('unasked')).toBe(1)
})

test.each([
  { name: 'a yes', reply: [true, {}] },
  { name: 'a no', reply: [false, {}] },
  { name: 'a wrong detail', reply: [true, { auto_subscribe: 1 }] },
])('cookies that $name sets are handed to the caller', async ({ reply }) => {
  const { callbacks, caller, cookies } = answering(reply, ['a=2; Path=/'])
  await ask.publish?.(callbacks, caller)
  expect(cookies).toEqual([['a=2; Path=/']])
})
