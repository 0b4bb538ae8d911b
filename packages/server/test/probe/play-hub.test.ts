import { startWebApplication } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { webhookWords } from '../../../../scripts/reference-words.ts'
import { playHub } from '../../src/probe/play-hub.ts'
import { webhookFields } from '../../src/webhooks/fields.ts'

const webhookSecret = '9f2c41d07be84a55b7d3a6e0'

/** What every call tells besides its outcome. */
const seen = { status: 200, duration: expect.any(Number), auto_subscribe: [], auto_unsubscribe: [] }

async function play(replies: Parameters<typeof startWebApplication>[0] = {}) {
  const app = await startWebApplication(replies)
  return Object.assign(app, { hub: playHub({ url: `${app.url}/hookbox`, webhookSecret }) })
}

describe('what a hub does when it is allowed', () => {
  test('connect: the user with all options, the payload that the page gets', async () => {
    await using app = await play({
      connect: [true, { name: 'ann', override_payload: 7, expires_in: 60, auto_subscribe: ['news'], reflective: 0 }],
    })
    expect(await app.hub.connect({ payload: { room: 7 } })).toEqual({
      ...seen,
      outcome: 'allowed',
      details: {
        name: 'ann',
        payload: 7,
        expires_in: 60,
        options: {
          reflective: false,
          moderated_message: true,
          per_connection_subscriptions: true,
          global_unsubscriptions: false,
          auto_subscribe: ['news'],
        },
      },
      auto_subscribe: ['news'],
      cookies: undefined,
      pageCookies: [],
    })
    expect(app.calls()[0]).toMatchObject({
      path: '/hookbox/connect',
      headers: { 'x-hookbox-probe': 'test' },
      fields: { action: 'connect', secret: webhookSecret, payload: '{"room":7}' },
    })
  })

  test('create_channel: every option', async () => {
    const history = [['PUBLISH', { user: 'ann', payload: 'hi' }]]
    await using app = await play({ create_channel: [true, { history_size: 20, history, state: { open: true } }] })
    expect(await app.hub.create_channel({ channel_name: 'chat' })).toMatchObject({
      outcome: 'allowed',
      details: { history_size: 20, reflective: true, moderated: true, polling: null, history, state: { open: true } },
    })
  })

  test('publish and message: what is sent in the end, to whom', async () => {
    await using app = await play({
      publish: [true, { override_payload: { text: 'hi' }, only_to_sender: 1 }],
      message: [true, { override_recipient_name: 'cat' }],
    })
    expect(await app.hub.publish({ channel_name: 'chat', payload: 'hi', originator: 'ann' })).toMatchObject({
      details: { payload: { text: 'hi' }, only_to_sender: true },
    })
    expect(await app.hub.message({ sender: 'ann', recipient: 'bob', payload: 1 })).toMatchObject({
      details: { recipient: 'cat', payload: 1 },
    })
    expect(app.calls('message')[0]?.fields).toMatchObject({ recipient_exists: 'true', payload: '1' })
  })

  test('subscribe: what is handed over; the others: nothing', async () => {
    await using app = await play({ subscribe: [true, { initial_data: [1], auto_unsubscribe: ['lobby'] }] })
    const { hub } = app
    const about = { channel_name: 'chat', user: 'ann' }
    expect(await hub.subscribe(about)).toMatchObject({ details: { initial_data: [1] }, auto_unsubscribe: ['lobby'] })
    expect(await hub.unsubscribe(about)).toMatchObject({ outcome: 'allowed', details: {} })
    expect(await hub.disconnect({ name: 'ann', channels: ['chat'] })).toMatchObject({ outcome: 'allowed', details: {} })
    expect(await hub.destroy_channel({ channel_name: 'chat' })).toMatchObject({ outcome: 'allowed', details: {} })
    expect(await hub.hub_started({})).toMatchObject({ outcome: 'allowed', details: {} })
    expect(app.calls('disconnect')[0]?.fields.channels).toBe('["chat"]')
  })
})

test('a refusal tells what the page reads, and what is honoured all the same', async () => {
  await using app = await play({
    connect: [false, { msg: 'sign in first' }],
    publish: [false, { error: 'no spam', auto_unsubscribe: ['chat'] }],
    subscribe: [false, []],
  })
  expect(await app.hub.connect()).toMatchObject({ outcome: 'refused', error: 'sign in first' })
  expect(await app.hub.publish({ channel_name: 'chat', payload: 'spam' })).toMatchObject({
    outcome: 'refused',
    error: 'no spam',
    auto_unsubscribe: ['chat'],
  })
  expect(await app.hub.subscribe({ channel_name: 'chat', user: 'ann' })).toMatchObject({
    error: 'subscribe refused by the application',
  })
})

test('a fault is a value, and says what was wrong without repeating a secret', async () => {
  await using app = await play({
    connect: (_fields, { body }) => ({ status: 500, body: `KeyError in ${body} with f81d4fae7dec11d0` }),
    create_channel: [true, { history_sze: 1 }],
    publish: [true, { override_payload: 1, only_to_sender: 'no' }],
  })
  const cookies = { session: 'f81d4fae7dec11d0' }
  expect(await app.hub.connect({ conn_id: 'x', cookies })).toEqual({
    ...seen,
    status: 500,
    outcome: 'fault',
    fault:
      'expected status 200, got 500 (status 500): KeyError in action=connect&secret=…&conn_id=x&payload=null with …',
    cookies: 'session=f81d4fae7dec11d0',
    pageCookies: [],
  })
  expect(await app.hub.create_channel({ channel_name: 'chat' })).toMatchObject({
    outcome: 'fault',
    fault: expect.stringMatching(/^history_sze: unknown channel option/),
  })
  expect(await app.hub.publish({ channel_name: 'chat', payload: 1 })).toMatchObject({
    outcome: 'fault',
    fault: 'only_to_sender: expected true or false, got "no"',
  })
  await app[Symbol.asyncDispose]()
  expect(await app.hub.connect()).toMatchObject({
    outcome: 'fault',
    status: undefined,
    fault: `no answer: connect ECONNREFUSED 127.0.0.1:${app.port}`,
  })
})

test('an application that hangs is given up after the time that was set', async () => {
  await using app = await startWebApplication({ connect: 'hang' })
  const hub = playHub({ url: app.url, timeout: 50 })
  expect(await hub.connect()).toMatchObject({ outcome: 'fault', fault: 'no complete answer within 50 ms' })
})

test('cookies go out as a browser has them, and what the reply sets counts from then on', async () => {
  await using app = await play({
    connect: {
      headers: { 'set-cookie': ['session=new; HttpOnly', 'theme=dark'] },
      body: '[true, {"name": "ann"}]',
    },
  })
  const ann = await app.hub.connect({ cookies: { session: 'old' } })
  expect(ann).toMatchObject({ cookies: 'session=new; theme=dark', pageCookies: ['theme=dark'] })
  await app.hub.create_channel({ channel_name: 'chat', cookies: ann.cookies })
  expect(app.calls().map(({ cookies }) => cookies)).toEqual([{ session: 'old' }, { session: 'new', theme: 'dark' }])
})

test('how the hub is configured shows in its calls', async () => {
  await using app = await startWebApplication()
  const hub = playHub({
    url: `${app.url}/hooks/`,
    trailingSlash: true,
    names: { connect: 'sign_in' },
    signingSecret: ['whsec_YQ==', 'whsec_Yg=='],
    cookieIdentifier: 'session',
    address: '192.0.2.7',
  })
  await hub.connect({ payload: 'ann', cookies: 'a=1; session=2' })
  expect(app.calls()[0]).toMatchObject({
    path: '/hooks/sign_in/',
    cookies: { session: '2' },
    headers: { 'x-real-ip': '192.0.2.7', 'webhook-signature': expect.stringMatching(/^v1,\S+ v1,\S+$/) },
  })
  expect(app.calls()[0]?.fields).not.toHaveProperty('secret')
  await playHub({ url: `${app.url}/cb.php?x=1`, singleUrl: true }).connect({ payload: 'ann' })
  expect(app.calls()[1]).toMatchObject({ path: '/cb.php', action: 'connect' })
})

describe('a mistake of whoever plays is thrown', () => {
  test.each([
    {
      name: 'a field that is missing',
      fields: { channel_name: 'chat' },
      says: 'payload: publish needs it, got nothing',
    },
    {
      name: 'a field that is none',
      fields: { channel: 'chat', payload: 1 },
      says: 'channel: no field of publish; expected one of channel_name, payload, originator, message_id',
    },
    {
      name: 'a name that is none',
      fields: { channel_name: '', payload: 1 },
      says: 'channel_name: expected 1 to 200 bytes, got ""',
    },
  ])('$name', async ({ fields, says }) => {
    const { publish } = playHub({ url: 'http://127.0.0.1:1' })
    await expect(publish(fields as never)).rejects.toMatchObject({ code: 'bad_request', message: says })
  })

  test.each([
    { url: 'app', says: 'url: expected an http or https URL' },
    { url: 'ftp://app', says: 'url: expected an http or https URL' },
    { url: 'http://app/?a=1', says: 'url: expected no query, except with singleUrl' },
  ])('the URL $url', ({ url, says }) => {
    expect(() => playHub({ url })).toThrow(says)
  })
})

test('the fields of each webhook are those of the reference', () => {
  const fields = (table: Readonly<Record<string, object>>) =>
    Object.fromEntries(Object.entries(table).map(([name, of]) => [name, Object.keys(of).sort()]))
  const words = Object.fromEntries(Object.entries(webhookWords).map(([name, of]) => [name, of.fields]))
  expect(fields(webhookFields)).toEqual(fields(words))
})
