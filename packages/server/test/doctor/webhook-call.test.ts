import { startWebApplication, TestClock, type WebhookReplies } from '@hookbox/testkit'
import { expect, onTestFinished, test } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { loadOptions } from '../../src/config/load.ts'
import { longest, type WebhookCall } from '../../src/doctor/webhook-call.ts'
import { createWebhookFeed, type WebhookFeed } from '../../src/doctor/webhook-feed.ts'
import { Feed } from '../../src/feed.ts'
import type { Ask, Question } from '../../src/webhooks/callbacks.ts'
import type { CallbackFunctions } from '../../src/webhooks/functions.ts'
import { createHttpAsk } from '../../src/webhooks/http.ts'
import { createInProcessAsk, refuse } from '../../src/webhooks/in-process.ts'
import { type SeenCall, weigh } from '../../src/webhooks/seen-call.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const secrets = { webhookSecret: '9f2c41d07be84a55b7d3a6e0', apiSecurityToken: 'c05d9b7713f64f3ea1e2d848' }
const session = '6d1c9f0b2a7e4853'

function question(
  fields: Question['fields'] = { conn_id: 'c1', payload: 'null' },
  more: Partial<Question> = {},
): Question {
  const caller = { cookies: `session=${session}; theme=dark`, address: '192.0.2.7', setCookies() {} }
  return { name: 'connect', fields, caller, id: 'the id', ...more }
}

/** A hub that asks an application, and the feed of its calls. */
async function hub(replies: Record<string, WebhookReplies>): Promise<{ ask: Ask; feed: WebhookFeed; config: Config }> {
  const app = await startWebApplication(replies)
  const { config } = loadOptions({ cbhost: '127.0.0.1', cbport: app.port, ...secrets })
  const { saw, feed } = feedOf(config)
  const { webhookSecret: secret, signingSecrets, webhooks, cookieIdentifier } = config
  const http = createHttpAsk({
    ...{ config: webhooks, secret, signingSecrets, cookieIdentifier, version: '1', saw },
    ...{ hidden: [], log: new RecordingLog(), clock: new TestClock() },
  })
  onTestFinished(async () => {
    await http.close()
    await app[Symbol.asyncDispose]()
  })
  return { ask: http.ask, feed, config }
}

function feedOf(config: Config) {
  const calls = new Feed<SeenCall>({ items: 100, bytes: 1_048_576 })
  return { feed: createWebhookFeed(calls, () => config), saw: (call: SeenCall) => calls.add(call, weigh(call)) }
}

async function only(feed: WebhookFeed): Promise<WebhookCall> {
  const [call, ...more] = await feed.after()
  expect(more).toEqual([])
  return call?.what ?? expect.unreachable()
}

const said = ({ findings }: WebhookCall) =>
  findings.map(({ kind, says }) => `${kind}: ${says.replace(/\d+ ms/, '… ms')}`)

test('a call is shown with all that went there and came back, but for secrets', async () => {
  const { ask, feed, config } = await hub({
    connect: () => ({
      headers: { 'set-cookie': 'cart=b5c1; HttpOnly', 'content-type': 'application/json' },
      body: JSON.stringify([true, { name: 'ann', override_payload: { token: 'e7f1c2' } }]),
    }),
  })
  await ask(question({ conn_id: 'c1', payload: '{"token":"abc\\"123","pin":4711,"Password": 99}' }))
  const call = await only(feed)
  expect(call).toEqual({
    at: new TestClock().now(),
    webhook: 'connect',
    id: 'the id',
    url: `http://127.0.0.1:${config.webhooks.port}/hookbox/connect`,
    address: '192.0.2.7',
    duration: expect.any(Number),
    fields: {
      action: 'connect',
      secret: '[redacted]',
      conn_id: 'c1',
      payload: '{"token":"[redacted]","pin":4711,"Password": "[redacted]"}',
    },
    cookies: ['session', 'theme'],
    status: 200,
    reply: '[true,{"name":"ann","override_payload":{"token":"[redacted]"}}]',
    setCookies: ['cart'],
    outcome: 'allowed',
    findings: expect.any(Array),
  })
  expect(said(call)).toEqual([
    'right: The application answers in … ms and admits the user "ann".',
    'note: The reply sets "cart" as HttpOnly: the hub sends it from then on, and the browser is never told.',
  ])
})

test.each<{ name: string; reply: WebhookReplies; outcome: string; says: string }>([
  {
    name: 'a refusal',
    reply: [false, { error: 'sign in first' }],
    outcome: 'refused',
    says: 'note: connect is refused, “sign in first”, in … ms.',
  },
  {
    name: 'no name',
    reply: [true, { username: 'ann' }],
    outcome: 'fault',
    says: 'wrong: The application admits somebody without a name; there is "username", which the hub does not know.',
  },
  {
    name: 'a wrong user option',
    reply: [true, { name: 'ann', reflective: 'yes' }],
    outcome: 'fault',
    says: 'wrong: The reply to connect cannot be used: reflective: expected true or false, got "yes".',
  },
  {
    name: 'a page of the site',
    reply: () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html><title>Shop</title></html>' }),
    outcome: 'fault',
    says: 'wrong: The reply is an HTML page, “Shop”, instead of JSON.',
  },
])('$name is explained in the words of the doctor', async ({ reply, outcome, says }) => {
  const { ask, feed } = await hub({ connect: reply })
  await ask(question())
  const call = await only(feed)
  expect([call.outcome, said(call)[0]]).toEqual([outcome, says])
})

test('what the application repeats of its secrets is shown nowhere', async () => {
  const { ask, feed } = await hub({
    connect: ({ secret }, { cookies }) => ({
      status: 500,
      body: `stack: ${secret} ${cookies.session} ${secrets.apiSecurityToken}`,
    }),
  })
  await ask(question())
  const call = await only(feed)
  expect(call.reply).toBe('stack: … … …')
  expect(JSON.stringify(call)).not.toMatch(new RegExp([...Object.values(secrets), session].join('|')))
})

test('an application that is not there is explained, too', async () => {
  const { config } = loadOptions({ cbhost: '127.0.0.1', cbport: 9 })
  const { feed, saw } = feedOf(config)
  const problem = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9'), { code: 'ECONNREFUSED' })
  const { name, id, fields, caller } = question()
  const call = { at: 0, name, id, fields, ...caller, url: 'http://127.0.0.1:9/hookbox/connect', duration: 1 }
  saw({ ...call, answer: undefined, problem, late: false })
  saw({ ...call, answer: undefined, problem: new Error('aborted'), late: true })
  const shown = (await feed.after()).map(({ what }) => [what.outcome, what.status, what.reply, said(what)[0]])
  expect(shown).toEqual([
    ['fault', undefined, undefined, 'wrong: Nobody listens at 127.0.0.1:9.'],
    ['fault', undefined, undefined, expect.stringMatching(/^wrong: .*… ms|^wrong: .*within/)],
  ])
})

test('what is long is cut', async () => {
  const { ask, feed } = await hub({ connect: [false, { error: 'x'.repeat(10_000) }] })
  await ask(question({ conn_id: 'c1', payload: JSON.stringify('y'.repeat(10_000)) }))
  const { fields, reply } = await only(feed)
  expect([fields.payload?.length, reply?.length]).toEqual([longest, longest])
  expect(fields.payload?.endsWith('y…')).toBe(true)
})

test('functions are watched in the same way', async () => {
  const { config } = loadOptions({ cbport: 9, ...secrets })
  const { feed, saw } = feedOf(config)
  const functions: CallbackFunctions = {
    connect: () => ({ name: 'ann' }),
    publish: () => refuse('muted'),
    message: () => Promise.reject(new RangeError('boom')),
  }
  const ask = createInProcessAsk({ functions, timeout: 5_000, clock: new TestClock(), saw })
  await ask(question())
  await ask(question({ channel_name: 'chat', payload: '1' }, { name: 'publish' }))
  const message = { sender: 'ann', recipient: 'bob', recipient_exists: 'true', payload: '1' }
  await ask(question(message, { name: 'message' }))
  const shown = (await feed.after()).map(({ what }) => [
    what.url,
    what.status,
    what.reply,
    what.fields.secret,
    said(what),
  ])
  expect(shown).toEqual([
    [undefined, undefined, '[true,{"name":"ann"}]', undefined, ['right: connect is allowed.']],
    [undefined, undefined, '[false,{"error":"muted"}]', undefined, ['note: publish is refused, “muted”.']],
    [
      undefined,
      undefined,
      undefined,
      undefined,
      ['wrong: The reply of the function message cannot be used: threw RangeError: boom.'],
    ],
  ])
})

test('whoever has seen some asks for those after', async () => {
  const { ask, feed } = await hub({ connect: [true, { name: 'ann' }] })
  for (const id of ['a', 'b']) await ask(question(undefined, { id }))
  expect((await feed.after(1)).map(({ number, what }) => [number, what.id])).toEqual([[2, 'b']])
})
