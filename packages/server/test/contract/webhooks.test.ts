import { request } from 'node:http'
import type { Json } from '@hookbox/protocol'
import { deferred, openWirePage, settle, startWebApplication, type WirePage } from '@hookbox/testkit'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import type { HookboxOptions } from '../../src/config/options.ts'
import { version } from '../../src/config/version.ts'
import { createHookbox } from '../../src/hookbox.ts'
import { jsonFields, type WebhookName } from '../../src/webhooks/callbacks.ts'
import { refuse, TestHub } from '../kit/hub.ts'
import { RunningHub } from '../kit/running-hub.ts'
import { AskingHub, type Decision, ways } from './both-ways.ts'

/** What a row of the table needs of a hub, whichever way it asks. */
interface Stage {
  /** A page that has connected under this name, with the cookie `session=<name>`. */
  page(name: string): Promise<WirePage>
  call(method: string, fields: { readonly [field: string]: Json }): Promise<unknown>
}

interface Row {
  readonly action: WebhookName
  readonly when: string
  /** The form as it is sent, without `action` and `secret`. */
  readonly form: Record<string, unknown>
  /** Whose browser caused the call; nobody's where it is missing. */
  readonly by?: string
  /** What `create_channel` replies. */
  readonly channel?: Record<string, unknown>
  act(stage: Stage): Promise<unknown>
}

const hex = expect.stringMatching(/^[0-9a-f]{32}$/)
const chat = { channel_name: 'chat' }
const payload = { text: 'né "1"', n: [1, null] }
const payloadText = '{"text":"né \\"1\\"","n":[1,null]}'

async function inChat(stage: Stage, name = 'ann'): Promise<WirePage> {
  const page = await stage.page(name)
  await page.ask('SUBSCRIBE', chat)
  return page
}

const rows: Row[] = [
  {
    action: 'hub_started',
    when: 'a hub has started',
    form: { node: hex },
    act: async () => {},
  },
  {
    action: 'connect',
    when: 'a browser connects',
    form: { conn_id: hex, payload: '{"name":"ann"}' },
    by: 'ann',
    act: (stage) => stage.page('ann'),
  },
  {
    action: 'disconnect',
    when: 'the last connection of a user has been closed',
    form: { name: 'ann', channels: '["chat"]' },
    by: 'ann',
    act: async (stage) => (await inChat(stage)).close(),
  },
  {
    action: 'disconnect',
    when: 'the line of a user who was nowhere breaks off',
    form: { name: 'ann', channels: '[]' },
    by: 'ann',
    act: async (stage) => (await stage.page('ann')).drop(),
  },
  {
    action: 'create_channel',
    when: 'someone subscribes to a channel that does not exist',
    form: chat,
    by: 'ann',
    act: (stage) => inChat(stage),
  },
  {
    action: 'create_channel',
    when: 'someone publishes to a channel that does not exist',
    form: chat,
    by: 'ann',
    act: async (stage) => (await stage.page('ann')).ask('PUBLISH', { ...chat, payload }),
  },
  {
    action: 'create_channel',
    when: 'REST asks for it',
    form: chat,
    act: (stage) => stage.call('create_channel', { ...chat, send_hook: true }),
  },
  {
    action: 'destroy_channel',
    when: 'the last subscriber has left',
    form: chat,
    act: async (stage) => (await inChat(stage)).ask('UNSUBSCRIBE', chat),
  },
  {
    action: 'destroy_channel',
    when: 'REST asks for it',
    form: chat,
    async act(stage) {
      await inChat(stage)
      await stage.call('destroy_channel', { ...chat, send_hook: true })
    },
  },
  {
    action: 'subscribe',
    when: 'a user subscribes',
    form: { ...chat, user: 'ann' },
    by: 'ann',
    act: (stage) => inChat(stage),
  },
  {
    action: 'subscribe',
    when: 'REST asks for it',
    form: { ...chat, user: 'ann' },
    async act(stage) {
      await stage.page('ann')
      await stage.call('create_channel', chat)
      await stage.call('subscribe', { ...chat, name: 'ann', send_hook: true })
    },
  },
  {
    action: 'unsubscribe',
    when: 'a user unsubscribes',
    form: { ...chat, user: 'ann' },
    by: 'ann',
    act: async (stage) => (await inChat(stage)).ask('UNSUBSCRIBE', chat),
  },
  {
    action: 'unsubscribe',
    when: 'a user is dropped',
    form: { ...chat, user: 'ann' },
    by: 'ann',
    act: async (stage) => (await inChat(stage)).drop(),
  },
  {
    action: 'unsubscribe',
    when: 'REST asks for it',
    form: { ...chat, user: 'ann' },
    async act(stage) {
      await inChat(stage)
      await stage.call('unsubscribe', { ...chat, name: 'ann', send_hook: true })
    },
  },
  {
    action: 'publish',
    when: 'a user publishes',
    form: { ...chat, payload: payloadText, originator: 'ann' },
    by: 'ann',
    act: async (stage) => (await inChat(stage)).ask('PUBLISH', { ...chat, payload }),
  },
  {
    action: 'publish',
    when: 'a user publishes with an idempotency key',
    form: { ...chat, payload: 'null', originator: 'ann', message_id: 'm1' },
    by: 'ann',
    act: async (stage) => (await inChat(stage)).ask('PUBLISH', { ...chat, payload: null, message_id: 'm1' }),
  },
  {
    action: 'publish',
    when: 'a user publishes to an anonymous channel',
    form: { ...chat, payload: '"x"' },
    by: 'ann',
    channel: { anonymous: true },
    act: async (stage) => (await inChat(stage)).ask('PUBLISH', { ...chat, payload: 'x' }),
  },
  {
    action: 'publish',
    when: 'REST asks for it',
    form: { ...chat, payload: '1', originator: 'bot' },
    async act(stage) {
      await stage.call('create_channel', chat)
      await stage.call('publish', { ...chat, payload: 1, originator: 'bot', send_hook: true })
    },
  },
  {
    action: 'message',
    when: 'a user sends a private message',
    form: { sender: 'ann', recipient: 'bob', recipient_exists: 'true', payload: payloadText },
    by: 'ann',
    async act(stage) {
      await stage.page('bob')
      await (await stage.page('ann')).ask('MESSAGE', { name: 'bob', payload })
    },
  },
  {
    action: 'message',
    when: 'a user sends a private message to nobody',
    form: { sender: 'ann', recipient: 'eve', recipient_exists: 'false', payload: '0' },
    by: 'ann',
    act: async (stage) => (await stage.page('ann')).ask('MESSAGE', { name: 'eve', payload: 0 }),
  },
]

function stageOf(hub: RunningHub): Stage {
  return {
    page: (name) => hub.page(name, { cookies: { session: name } }),
    call: (method, fields) => hub.hookbox.call(method, fields),
  }
}

const titles = rows.map((row): [title: string, row: Row] => [`${row.action}, as ${row.when}`, row])

describe('over HTTP', () => {
  test.each(titles)(
    '%s, is a POST of exactly these form fields',
    async (_title, { action, form, by, channel, act }) => {
      const secret = 'the secret that the application expects'
      await using hub = await RunningHub.start({ create_channel: [true, channel ?? {}] }, { webhookSecret: secret })
      await act(stageOf(hub))
      const { fields, headers, method, path } = await nextBy(hub, action, by)
      expect({ ...fields }).toEqual({ action, secret, ...form })
      expect({ method, path }).toEqual({ method: 'POST', path: `/hookbox/${action}` })
      expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
      expect(headers['webhook-id']).toEqual(hex)
      expect(headers.cookie).toBe(by && `session=${by}`)
      expect(headers['x-real-ip']).toBe(by && '127.0.0.1')
      expect(headers).not.toHaveProperty('x-hookbox-version')
      expect(headers).not.toHaveProperty('webhook-signature')
    },
  )

  test('conn_id is the id that the page is told', async () => {
    await using hub = await RunningHub.start()
    const { id } = await (await hub.stranger()).connect({ payload: { name: 'ann' } })
    expect((await hub.app.next('connect')).fields.conn_id).toBe(id)
  })

  test('a page that passes nothing to connect has the payload null', async () => {
    await using hub = await RunningHub.start({ connect: [true, { name: 'ann' }] })
    await (await hub.stranger()).connect()
    expect((await hub.app.next('connect')).fields.payload).toBe('null')
  })

  test('no secret is sent where none is set', async () => {
    await using hub = await RunningHub.start()
    await hub.page('ann')
    expect((await hub.app.next('connect')).fields).not.toHaveProperty('secret')
  })

  test('every call has a webhook-id of its own', async () => {
    await using hub = await RunningHub.start()
    await (await inChat(stageOf(hub))).ask('PUBLISH', { ...chat, payload: 1 })
    const ids = hub.app.calls().map(({ headers }) => headers['webhook-id'])
    expect(ids.length).toBeGreaterThan(3)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('X-Hookbox-Version is sent where it is switched on', async () => {
    await using hub = await RunningHub.start({}, { cbsendhookboxversion: true })
    await hub.page('ann')
    expect((await hub.app.next('connect')).headers['x-hookbox-version']).toBe(version)
  })

  test('X-Real-IP is the address that a trusted proxy forwards', async () => {
    await using hub = await RunningHub.start({}, { trustProxy: 1 })
    await hub.page('ann', { headers: { 'x-forwarded-for': '198.51.100.7' } })
    expect((await hub.app.next('connect')).headers['x-real-ip']).toBe('198.51.100.7')
  })

  test('X-Real-IP is not what a browser says that it forwards', async () => {
    await using hub = await RunningHub.start()
    await hub.page('ann', { headers: { 'x-forwarded-for': '198.51.100.7', 'x-real-ip': '198.51.100.8' } })
    expect((await hub.app.next('connect')).headers['x-real-ip']).toBe('127.0.0.1')
  })
})

/** The oldest call of this webhook that this browser caused; `undefined` stands for no browser. */
async function nextBy(hub: RunningHub, action: string, by: string | undefined) {
  for (;;) {
    const call = await hub.app.next(action)
    if (call.cookies.session === by) return call
  }
}

describe('the URL of a webhook', () => {
  test.each<[options: HookboxOptions, path: string]>([
    [{}, '/hookbox/connect'],
    [{ cbpath: '/' }, '/connect'],
    [{ cbpath: '/api/hooks/' }, '/api/hooks/connect'],
    [{ cbtrailingslash: true }, '/hookbox/connect/'],
    [{ cbConnect: 'who' }, '/hookbox/who'],
    [{ cbConnect: 'who', cbtrailingslash: true, cbpath: '/api' }, '/api/who/'],
  ])('with %j is %s', async (options, path) => {
    await using hub = await RunningHub.start({}, options)
    await hub.page('ann')
    const call = await hub.app.next('connect')
    expect([call.path, call.fields.action]).toEqual([path, 'connect'])
  })

  test('ends with a name of its own for each webhook, while action stays', async () => {
    await using hub = await RunningHub.start(
      {},
      {
        cbConnect: 'who',
        cbDisconnect: 'gone',
        cbCreateChannel: 'make',
        cbDestroyChannel: 'break.php',
        cbSubscribe: 'enter',
        cbUnsubscribe: 'leave',
        cbPublish: 'say',
        cbMessage: 'whisper',
      },
    )
    const ann = await inChat(stageOf(hub))
    await ann.ask('PUBLISH', { ...chat, payload: 1 })
    await ann.ask('MESSAGE', { name: 'bob', payload: 1 })
    await ann.ask('UNSUBSCRIBE', chat)
    await ann.close()
    await Promise.all([hub.app.next('disconnect'), hub.app.next('destroy_channel')])
    const paths = Object.fromEntries(hub.app.calls().map(({ action, path }) => [action, path]))
    expect(paths).toEqual({
      hub_started: '/hookbox/hub_started',
      connect: '/hookbox/who',
      disconnect: '/hookbox/gone',
      create_channel: '/hookbox/make',
      destroy_channel: '/hookbox/break.php',
      subscribe: '/hookbox/enter',
      unsubscribe: '/hookbox/leave',
      publish: '/hookbox/say',
      message: '/hookbox/whisper',
    })
  })

  test('is a single one for all where that is set; action tells them apart', async () => {
    await using app = await startWebApplication()
    const options = { cbSingleUrl: `${app.url}/hook.php?site=1`, cbtrailingslash: true, cbConnect: 'who' }
    await using hub = await RunningHub.start({}, options)
    const ann = await inChat(stageOf(hub))
    await ann.ask('PUBLISH', { ...chat, payload: 1 })
    await ann.ask('UNSUBSCRIBE', chat)
    await app.next('destroy_channel')
    expect(new Set(app.calls().map(({ path }) => path))).toEqual(new Set(['/hook.php']))
    const actions = app.calls().map(({ fields }) => fields.action)
    expect(actions).toEqual([
      'hub_started',
      'connect',
      'create_channel',
      'subscribe',
      'publish',
      'unsubscribe',
      'destroy_channel',
    ])
    expect(hub.app.calls()).toEqual([])
  })
})

describe('the cookies of a webhook', () => {
  const cookies = { session: 'abc', theme: 'dark' }

  test('are all that the browser sent, as it sent them', async () => {
    await using hub = await RunningHub.start()
    await hub.page('ann', { cookies: { session: 'a%20b=c', theme: '"dark"' } })
    expect((await hub.app.next('connect')).headers.cookie).toBe('session=a%20b=c; theme="dark"')
  })

  test('are only the one named by the cookie identifier', async () => {
    await using hub = await RunningHub.start({}, { cookieIdentifier: 'session' })
    const ann = await hub.page('ann', { cookies: { ...cookies, session2: 'no' } })
    await ann.ask('SUBSCRIBE', chat)
    for (const action of ['connect', 'create_channel', 'subscribe']) {
      expect((await hub.app.next(action)).headers.cookie).toBe('session=abc')
    }
  })

  test('are none where the browser has no cookie of that name', async () => {
    await using hub = await RunningHub.start({}, { cookieIdentifier: 'other' })
    await hub.page('ann', { cookies })
    expect((await hub.app.next('connect')).headers).not.toHaveProperty('cookie')
  })

  test('gain by the cookie_string of the connect frame the names that the handshake lacks', async () => {
    await using hub = await RunningHub.start()
    const page = await hub.stranger({ cookies })
    await page.connect({ payload: { name: 'ann' }, cookie_string: 'theme=light; lang=de' })
    await page.ask('SUBSCRIBE', chat)
    for (const action of ['connect', 'subscribe']) {
      expect((await hub.app.next(action)).cookies).toEqual({ ...cookies, lang: 'de' })
    }
  })

  test('may all come by the cookie_string, up to 8 KiB', async () => {
    await using hub = await RunningHub.start()
    const value = 'x'.repeat(8_192 - 'session='.length)
    await (await hub.stranger()).connect({ payload: { name: 'ann' }, cookie_string: `session=${value}` })
    expect((await hub.app.next('connect')).cookies).toEqual({ session: value })
  })

  test.each([
    ['beyond 8 KiB', `session=${'x'.repeat(8_192)}`],
    ['with a CR', 'session=a\rb'],
    ['with an LF', 'session=a\nX-Evil: 1'],
  ])('by a cookie_string %s are a mistake of the page, and nothing is asked', async (_name, cookieString) => {
    await using hub = await RunningHub.start()
    const page = await hub.stranger()
    await expect(page.connect({ payload: { name: 'ann' }, cookie_string: cookieString })).rejects.toMatchObject({
      code: 'bad_request',
    })
    expect(hub.app.calls('connect')).toEqual([])
  })

  test('are those of the last connection when a user leaves', async () => {
    await using hub = await RunningHub.start()
    const first = await hub.page('ann', { cookies: { session: 'first' } })
    const last = await hub.page('ann', { cookies: { session: 'last' } })
    for (const page of [first, last]) await page.ask('SUBSCRIBE', chat)
    await first.close()
    await last.close()
    expect((await hub.app.next('disconnect')).cookies).toEqual({ session: 'last' })
    expect(hub.app.calls('disconnect')).toHaveLength(1)
    expect(hub.app.calls('unsubscribe').map((call) => call.cookies)).toEqual([{ session: 'last' }])
  })
})

describe('Set-Cookie in a reply', () => {
  const setting = (...lines: string[]) => ({ headers: { 'set-cookie': lines }, body: '[true, {"name": "ann"}]' })

  test.each<[action: 'connect' | 'create_channel' | 'subscribe' | 'publish' | 'message']>([
    ['connect'],
    ['create_channel'],
    ['subscribe'],
    ['publish'],
    ['message'],
  ])('to %s is handed to the page as it came, and sent from then on', async (action) => {
    const line = 'session=new; Path=/; Max-Age=60; SameSite=Lax'
    const body = action === 'create_channel' ? '[true, {}]' : undefined
    await using hub = await RunningHub.start({
      [action]: { ...setting(line), ...(body && { body }) },
    })
    const ann = await hub.page('ann', { cookies: { session: 'old', theme: 'dark' } })
    await ann.ask('SUBSCRIBE', chat)
    await ann.ask('PUBLISH', { ...chat, payload: 1 })
    await ann.ask('MESSAGE', { name: 'bob', payload: 1 })
    expect((await ann.next('SET_COOKIE')).args).toEqual({ cookie: line })
    await ann.ask('UNSUBSCRIBE', chat)
    expect((await hub.app.next('unsubscribe')).cookies).toEqual({ session: 'new', theme: 'dark' })
    expect((await hub.app.next(action)).cookies).toEqual({ session: 'old', theme: 'dark' })
  })

  test('counts in a refusal too', async () => {
    await using hub = await RunningHub.start({
      publish: { headers: { 'set-cookie': 'tries=1' }, body: '[false, {}]' },
    })
    const ann = await hub.page('ann')
    await expect(ann.ask('PUBLISH', { ...chat, payload: 1 })).rejects.toMatchObject({ code: 'refused' })
    expect((await ann.next('SET_COOKIE')).args).toEqual({ cookie: 'tries=1' })
  })

  test('that takes a cookie away is handed on, and the cookie is sent no more', async () => {
    const line = 'session=; Max-Age=0'
    await using hub = await RunningHub.start({ connect: setting(line) })
    const ann = await hub.page('ann', { cookies: { session: 'old', theme: 'dark' } })
    expect((await ann.next('SET_COOKIE')).args).toEqual({ cookie: line })
    await ann.ask('SUBSCRIBE', chat)
    expect((await hub.app.next('subscribe')).cookies).toEqual({ theme: 'dark' })
  })

  test('marked HttpOnly stays in the hub: sent from then on, never handed to the page', async () => {
    await using hub = await RunningHub.start({ connect: setting('session=new; HttpOnly', 'seen=1', 'id=7; httponly') })
    const ann = await hub.page('ann', { cookies: { session: 'old' } })
    await ann.ask('SUBSCRIBE', chat)
    expect((await hub.app.next('subscribe')).cookies).toEqual({ session: 'new', seen: '1', id: '7' })
    const handed = ann.frames.filter(({ name }) => name === 'SET_COOKIE').map(({ args }) => args)
    expect(handed).toEqual([{ cookie: 'seen=1' }])
    expect(ann.messages.join()).not.toMatch(/session=new|id=7/)
  })

  test('marked HttpOnly is logged once, as the browser could not be told', async () => {
    await using hub = await RunningHub.start({ publish: setting('session=new; HttpOnly') })
    const ann = await hub.page('ann')
    for (const payload of [1, 2, 3]) await ann.ask('PUBLISH', { ...chat, payload })
    expect(hub.log.match(/the browser cannot be told/g)).toHaveLength(1)
  })

  test('for one connection is not sent for another', async () => {
    await using hub = await RunningHub.start({ connect: ({ payload = '' }) => setting(`session=${payload.length}`) })
    await hub.page('ann')
    const other = await hub.stranger({ cookies: { session: 'own' } })
    hub.app.reply('connect', [true, { name: 'ann' }])
    await other.connect()
    await other.ask('SUBSCRIBE', chat)
    expect((await hub.app.next('subscribe')).cookies).toEqual({ session: 'own' })
  })
})

describe('a signed webhook', () => {
  const secrets = ['old', 'new'].map((name) => `whsec_${Buffer.from(name.padEnd(24, '.')).toString('base64')}`)

  test('is verified by the library of Standard Webhooks with either of two secrets', async () => {
    await using hub = await RunningHub.start({}, { signingSecret: secrets })
    await (await inChat(stageOf(hub))).ask('PUBLISH', { ...chat, payload })
    for (const call of hub.app.calls()) {
      const headers = {
        'webhook-id': String(call.headers['webhook-id']),
        'webhook-timestamp': String(call.headers['webhook-timestamp']),
        'webhook-signature': String(call.headers['webhook-signature']),
      }
      for (const secret of secrets) {
        expect(() => verify(secret, call.body, headers)).not.toThrow()
        expect(() => verify(secret, `${call.body}&x=1`, headers)).toThrow()
      }
      expect(() => verify(`whsec_${Buffer.from('x'.repeat(24)).toString('base64')}`, call.body, headers)).toThrow()
    }
    expect(hub.app.calls('publish')).toHaveLength(1)
  })
})

/** The library reads what it has verified as JSON, which a form is not. */
function verify(secret: string, body: string, headers: Record<string, string>): void {
  try {
    new Webhook(secret).verify(body, headers)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
}

describe.each(ways)('asked by %s', (way) => {
  test.each(titles)(
    '%s, gets these fields, cookies and address',
    async (_title, { action, form, by, channel, act }) => {
      await using hub = await AskingHub.start(way, { create_channel: [true, channel ?? {}] })
      await act(hub)
      let asked = await hub.next(action)
      while (asked.cookies.session !== by) asked = await hub.next(action)
      const fields = Object.entries(form).map(([field, text]) => [
        field,
        jsonFields.has(field) ? JSON.parse(String(text)) : text,
      ])
      expect(asked).toEqual({
        action,
        fields: Object.fromEntries(fields),
        cookies: by ? { session: by } : {},
        address: by && '127.0.0.1',
        id: hex,
      })
    },
  )

  describe('a refusal', () => {
    const actions: [action: WebhookName, act: (page: WirePage) => Promise<unknown>][] = [
      ['create_channel', (page) => page.ask('SUBSCRIBE', { channel_name: 'new' })],
      ['create_channel', (page) => page.ask('PUBLISH', { channel_name: 'new', payload: 1 })],
      ['subscribe', (page) => page.ask('SUBSCRIBE', { channel_name: 'new' })],
      ['unsubscribe', (page) => page.ask('UNSUBSCRIBE', chat)],
      ['publish', (page) => page.ask('PUBLISH', { ...chat, payload: 1 })],
      ['message', (page) => page.ask('MESSAGE', { name: 'ann', payload: 1 })],
    ]

    test.each(actions)('of %s says in error or msg why, which the page reads', async (action, act) => {
      await using hub = await AskingHub.start(way)
      const ann = await inChat(hub)
      for (const detail of ['error', 'msg']) {
        hub.decide(action, [false, { [detail]: `no: ${detail} “é”` }])
        await expect(act(ann)).rejects.toMatchObject({
          code: 'refused',
          message: `no: ${detail} “é”`,
          temporary: false,
        })
      }
    })

    test.each(actions)('of %s may be [false, []], as PHP writes it', async (action, act) => {
      await using hub = await AskingHub.start(way)
      const ann = await inChat(hub)
      hub.decide(action, [false, []])
      await expect(act(ann)).rejects.toMatchObject({ code: 'refused', temporary: false })
      hub.decide(action, [true, []])
      await expect(act(ann)).resolves.toBeDefined()
    })

    test('of connect says why and closes with 4401', async () => {
      await using hub = await AskingHub.start(way, { connect: [false, { error: 'log in first' }] })
      const page = await hub.stranger()
      await expect(page.connect({ payload: { name: 'ann' } })).rejects.toMatchObject({
        code: 'unauthorized',
        message: 'log in first',
        temporary: false,
      })
      expect(await page.closed).toEqual({ code: 4401, reason: 'log in first' })
      expect(await hub.call('get_server_info')).toMatchObject({ users: [], connections: [] })
    })

    test('of unsubscribe keeps the user subscribed, unless the connection is gone', async () => {
      await using hub = await AskingHub.start(way, {
        create_channel: [true, { presenceful: true }],
        unsubscribe: [false, {}],
      })
      const ann = await inChat(hub)
      const bob = await inChat(hub, 'bob')
      await expect(bob.ask('UNSUBSCRIBE', chat)).rejects.toMatchObject({ code: 'refused' })
      await ann.ask('PUBLISH', { ...chat, payload: 1 })
      expect((await bob.next('PUBLISH')).args.payload).toBe(1)
      await bob.drop()
      expect((await ann.next('UNSUBSCRIBE')).args).toMatchObject({ ...chat, user: 'bob' })
      expect(await hub.call('get_channel_info', chat)).toMatchObject({ subscribers: ['ann'] })
    })

    test('of destroy_channel keeps the channel and its history', async () => {
      await using hub = await AskingHub.start(way, {
        create_channel: [true, { history_size: 5, history_publish_only: true }],
        destroy_channel: [false, {}],
      })
      const ann = await inChat(hub)
      await ann.ask('PUBLISH', { ...chat, payload: 'kept' })
      await ann.ask('UNSUBSCRIBE', chat)
      await hub.next('destroy_channel')
      expect((await ann.ask('SUBSCRIBE', chat)).args.history).toMatchObject([['PUBLISH', { payload: 'kept' }]])
      expect(hub.asked('create_channel')).toHaveLength(1)
    })
  })

  describe('reply details', () => {
    test('name and override_payload of connect are what the page is told', async () => {
      await using hub = await AskingHub.start(way, {
        connect: [true, { name: 'Ann Ⅱ', override_payload: { seat: [3] } }],
      })
      const connected = await (await hub.stranger()).connect({ payload: { name: 'x' } })
      expect(connected).toMatchObject({ name: 'Ann Ⅱ', payload: { seat: [3] } })
    })

    test('without override_payload the page is told its own payload', async () => {
      await using hub = await AskingHub.start(way)
      const connected = await (await hub.stranger()).connect({ payload: { name: 'ann', n: 1 } })
      expect(connected).toMatchObject({ name: 'ann', payload: { name: 'ann', n: 1 } })
    })

    test('override_payload of connect may be null', async () => {
      await using hub = await AskingHub.start(way, { connect: [true, { name: 'ann', override_payload: null }] })
      expect(await (await hub.stranger()).connect({ payload: 1 })).toMatchObject({ payload: null })
    })

    test('that nobody knows are passed over', async () => {
      const decision: Decision = [true, { unheard_of: 1 }]
      await using hub = await AskingHub.start(way, {
        connect: [true, { name: 'ann', unheard_of: 1 }],
        subscribe: decision,
        publish: decision,
        message: decision,
        unsubscribe: decision,
      })
      const ann = await inChat(hub)
      await ann.ask('PUBLISH', { ...chat, payload: 1 })
      await ann.ask('MESSAGE', { name: 'bob', payload: 1 })
      await ann.ask('UNSUBSCRIBE', chat)
    })

    test('expires_in of connect lets it be asked again with reason=expired, again and again', async () => {
      await using hub = await AskingHub.start(way, { connect: [true, { name: 'ann', expires_in: 0.01 }] })
      const page = await hub.stranger({ cookies: { session: 'ann' } })
      const { id } = await page.connect({ payload: { n: 1 } })
      const first = await hub.next('connect')
      expect(first.fields).toEqual({ conn_id: id, payload: { n: 1 } })
      for (let time = 0; time < 2; time++) {
        const again = await hub.next('connect')
        expect(again.fields).toEqual({ conn_id: id, payload: { n: 1 }, reason: 'expired' })
        expect(again.cookies).toEqual({ session: 'ann' })
      }
      hub.decide('connect', [false, { error: 'the session has ended' }])
      expect(await page.closed).toEqual({ code: 4401, reason: 'the session has ended' })
    })

    test('initial_data of subscribe is handed to that subscriber', async () => {
      await using hub = await AskingHub.start(way, {
        subscribe: ({ user }) => [true, user === 'ann' ? { initial_data: { cards: [1, 2] } } : {}],
      })
      const ann = await hub.page('ann')
      const bob = await hub.page('bob')
      expect((await ann.ask('SUBSCRIBE', chat)).args.initial_data).toEqual({ cards: [1, 2] })
      expect((await bob.ask('SUBSCRIBE', chat)).args).not.toHaveProperty('initial_data')
      const tab = await hub.page('ann')
      expect((await tab.ask('SUBSCRIBE', chat)).args.initial_data).toEqual({ cards: [1, 2] })
      expect(hub.asked('subscribe')).toHaveLength(2)
    })

    test('override_payload of publish is what everybody gets, and what the history holds', async () => {
      await using hub = await AskingHub.start(way, {
        create_channel: [true, { history_size: 5, history_publish_only: true }],
        publish: [true, { override_payload: { text: '***' } }],
      })
      const ann = await inChat(hub)
      const bob = await inChat(hub, 'bob')
      await ann.ask('PUBLISH', { ...chat, payload: { text: 'damn' } })
      for (const page of [ann, bob]) expect((await page.next('PUBLISH')).args.payload).toEqual({ text: '***' })
      expect(await hub.call('get_channel_info', chat)).toMatchObject({
        options: { history: [['PUBLISH', { user: 'ann', payload: { text: '***' } }]] },
      })
    })

    test('only_to_sender of publish: the acting connection alone gets it, without offset, and no history', async () => {
      await using hub = await AskingHub.start(way, {
        create_channel: [true, { history_size: 5, history_publish_only: true, reflective: false }],
        publish: ({ payload }) => [true, payload === 'mine' ? { only_to_sender: true, override_payload: 'yours' } : {}],
      })
      const ann = await inChat(hub)
      const tab = await inChat(hub)
      const bob = await inChat(hub, 'bob')
      expect((await ann.ask('PUBLISH', { ...chat, payload: 'mine' })).args).toEqual({})
      await bob.ask('PUBLISH', { ...chat, payload: 'ours' })
      const mine = (await ann.next('PUBLISH')).args
      expect(mine).toEqual({ ...chat, user: 'ann', payload: 'yours', datetime: expect.any(String) })
      for (const page of [ann, tab]) expect((await page.next('PUBLISH')).args.payload).toBe('ours')
      expect(bob.frames.filter(({ name }) => name === 'PUBLISH')).toEqual([])
      expect(await hub.call('get_channel_info', chat)).toMatchObject({
        options: { history: [['PUBLISH', { payload: 'ours' }]] },
      })
    })

    test('override_payload and override_recipient_name of message say what goes where', async () => {
      await using hub = await AskingHub.start(way, {
        message: [true, { override_payload: 'hush', override_recipient_name: 'cid' }],
      })
      const [ann, bob, cid] = [await hub.page('ann'), await hub.page('bob'), await hub.page('cid')]
      await ann.ask('MESSAGE', { name: 'bob', payload: 'psst' })
      const message = { sender: 'ann', recipient: 'cid', payload: 'hush', datetime: expect.any(String) }
      for (const page of [ann, cid]) expect((await page.next('MESSAGE')).args).toMatchObject(message)
      await hub.call('message', { sender_name: 'ann', recipient_name: 'bob', payload: 'the next' })
      expect((await bob.next('MESSAGE')).args.payload).toBe('the next')
    })

    test('a datetime is UTC in ISO 8601 with milliseconds', async () => {
      await using hub = await AskingHub.start(way)
      const ann = await inChat(hub)
      await ann.ask('PUBLISH', { ...chat, payload: 1 })
      expect((await ann.next('PUBLISH')).args.datetime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    })
  })

  describe('auto_subscribe and auto_unsubscribe', () => {
    const auto = { auto_subscribe: ['games'], auto_unsubscribe: ['lobby'] }
    const acts: [action: WebhookName, act: (page: WirePage) => Promise<unknown>][] = [
      ['subscribe', (page) => page.ask('SUBSCRIBE', { channel_name: 'new' })],
      ['unsubscribe', (page) => page.ask('UNSUBSCRIBE', chat)],
      ['publish', (page) => page.ask('PUBLISH', { ...chat, payload: 1 })],
      ['message', (page) => page.ask('MESSAGE', { name: 'bob', payload: 1 })],
    ]

    async function inLobby(hub: AskingHub): Promise<WirePage> {
      const ann = await inChat(hub)
      await ann.ask('SUBSCRIBE', { channel_name: 'lobby' })
      return ann
    }

    async function expectMoved(hub: AskingHub, page: WirePage): Promise<void> {
      await page.next('UNSUBSCRIBED', ({ channel_name }) => channel_name === 'lobby')
      await page.next('SUBSCRIBED', ({ channel_name }) => channel_name === 'games')
      const named = (action: WebhookName) => hub.asked(action).map(({ fields }) => fields.channel_name)
      expect(named('create_channel')).toContain('games')
      expect(named('subscribe')).not.toContain('games')
      expect(named('unsubscribe')).not.toContain('lobby')
      expect(hub.asked('create_channel').at(-1)?.cookies).toEqual({ session: 'ann' })
    }

    test.each(acts)('of %s act for the user without asking again', async (action, act) => {
      await using hub = await AskingHub.start(way)
      const ann = await inLobby(hub)
      hub.decide(action, [true, auto])
      await act(ann)
      await expectMoved(hub, ann)
    })

    test.each(acts.slice(2))('of %s are honoured in a refusal too', async (action, act) => {
      await using hub = await AskingHub.start(way)
      const ann = await inLobby(hub)
      hub.decide(action, [false, auto])
      await expect(act(ann)).rejects.toMatchObject({ code: 'refused' })
      await expectMoved(hub, ann)
    })

    test.each(acts.slice(0, 2))('of %s mean nothing in a refusal', async (action, act) => {
      await using hub = await AskingHub.start(way)
      const ann = await inLobby(hub)
      hub.decide(action, [false, auto])
      await expect(act(ann)).rejects.toMatchObject({ code: 'refused' })
      await ann.ask('PUBLISH', { channel_name: 'other', payload: 1 })
      expect(await hub.call('get_user_info', { user_name: 'ann' })).toMatchObject({ channels: ['chat', 'lobby'] })
    })

    test('auto_subscribe of connect is heard by the page unasked', async () => {
      await using hub = await AskingHub.start(way, { connect: [true, { name: 'ann', auto_subscribe: ['games'] }] })
      const ann = await hub.page('ann')
      const { id, args } = await ann.next('SUBSCRIBED')
      expect([id, args.channel_name]).toEqual([0, 'games'])
      expect(hub.asked('create_channel')).toMatchObject([{ cookies: { session: 'ann' } }])
      expect(hub.asked('subscribe')).toEqual([])
    })

    test('auto_unsubscribe of connect takes the user out', async () => {
      await using hub = await AskingHub.start(way)
      const ann = await inLobby(hub)
      hub.decide('connect', [true, { name: 'ann', ...auto }])
      const tab = await hub.page('ann')
      await tab.next('SUBSCRIBED', ({ channel_name }) => channel_name === 'games')
      await ann.next('UNSUBSCRIBED', ({ channel_name }) => channel_name === 'lobby')
      expect(hub.asked('unsubscribe')).toEqual([])
    })

    test('a refused create_channel keeps the user out of a missing channel', async () => {
      await using hub = await AskingHub.start(way)
      const ann = await inLobby(hub)
      hub.decide('create_channel', ({ channel_name }) => [channel_name !== 'games', {}])
      hub.decide('publish', [true, { auto_subscribe: ['games', 'dice'] }])
      await ann.ask('PUBLISH', { ...chat, payload: 1 })
      await ann.next('SUBSCRIBED', ({ channel_name }) => channel_name === 'dice')
      const { channels } = await hub.call('get_user_info', { user_name: 'ann' })
      expect(channels).toEqual(['chat', 'lobby', 'dice'])
    })
  })

  test('create_channel is asked once for many who arrive at the same moment, by whatever way', async () => {
    const held = deferred<void>()
    await using hub = await AskingHub.start(way, {
      async create_channel({ channel_name }) {
        if (channel_name === 'chat') await held.promise
        return [true, { moderated: false }]
      },
    })
    const pages = await Promise.all(['ann', 'bob', 'cid', 'dot'].map((name) => hub.page(name)))
    const arrivals = pages.map((page, i) =>
      i % 2 === 0 ? page.ask('SUBSCRIBE', chat) : page.ask('PUBLISH', { ...chat, payload: i }),
    )
    // Whoever has an answer to this has been heard about the other channel too.
    await Promise.all(pages.map((page, i) => page.ask('SUBSCRIBE', { channel_name: `own ${i}` })))
    held.resolve()
    await Promise.all(arrivals)
    expect(hub.asked('create_channel').filter(({ fields }) => fields.channel_name === 'chat')).toHaveLength(1)
  })

  test('a refused create_channel concerns only the one whose cookies were shown', async () => {
    const held = deferred<void>()
    const refused: unknown[] = []
    await using hub = await AskingHub.start(way, {
      async create_channel({ channel_name }) {
        if (channel_name !== 'chat') return [true, {}]
        await held.promise
        refused.push(channel_name)
        return [refused.length > 1, { ...(refused.length === 1 && { error: 'not you' }) }]
      },
    })
    const pages = await Promise.all(['ann', 'bob', 'cid'].map((name) => hub.page(name)))
    const arrivals = pages.map((page) => page.ask('SUBSCRIBE', chat))
    const outcomes = Promise.allSettled(arrivals)
    await Promise.all(pages.map((page, i) => page.ask('SUBSCRIBE', { channel_name: `own ${i}` })))
    held.resolve()
    expect((await outcomes).filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'refused', message: 'not you' } },
    ])
    const sessions = hub.asked('create_channel').filter(({ fields }) => fields.channel_name === 'chat')
    expect(sessions).toHaveLength(2)
    expect(sessions[0]?.cookies).not.toEqual(sessions[1]?.cookies)
  })

  test('a leave is announced, then comes unsubscribe, then destroy_channel, then disconnect', async () => {
    await using hub = await AskingHub.start(way, { create_channel: [true, { presenceful: true }] })
    const ann = await inChat(hub)
    const bob = await inChat(hub, 'bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'table' })
    const announced = ann.next('UNSUBSCRIBE')
    hub.decide('unsubscribe', async () => {
      await announced
      return [true, {}]
    })
    const before = hub.calls.length
    await bob.close()
    await Promise.all([hub.next('disconnect'), hub.next('destroy_channel')])
    expect((await announced).args).toMatchObject({ ...chat, user: 'bob' })
    const calls = hub.calls.slice(before).map(({ action }) => action)
    expect(calls.slice(0, 2)).toEqual(['unsubscribe', 'unsubscribe'])
    const rest = calls.slice(2)
    // By HTTP two calls that are made right after each other may arrive in any order.
    expect(way === 'HTTP' ? rest.toSorted() : rest).toEqual(['destroy_channel', 'disconnect'])
  })

  test('a second tab is no new arrival, and its going no leave', async () => {
    await using hub = await AskingHub.start(way)
    const first = await inChat(hub)
    const second = await inChat(hub)
    await second.close()
    await first.ask('UNSUBSCRIBE', chat)
    expect(hub.asked('subscribe')).toHaveLength(1)
    expect(hub.asked('unsubscribe')).toHaveLength(1)
    expect(hub.asked('disconnect')).toEqual([])
  })

  test('a callback may call REST while it is asked', async () => {
    let hub: AskingHub | undefined
    await using running = await AskingHub.start(way, {
      async create_channel() {
        await expect(hub?.call('publish', { ...chat, payload: 1 })).rejects.toMatchObject({ code: 'unknown_channel' })
        return [true, {}]
      },
      async subscribe() {
        await hub?.call('publish', { ...chat, payload: 'from the callback' })
        return [true, { initial_data: 1 }]
      },
    })
    hub = running
    const ann = await inChat(running)
    expect(ann.frames.map(({ name }) => name)).toContain('SUBSCRIBED')
  })
})

test('what hub_started is answered does not matter', async () => {
  for (const reply of [[false, { error: 'unknown action' }], { status: 404, body: 'not found' }] as const) {
    await using hub = await RunningHub.start({ hub_started: reply })
    await hub.app.next('hub_started')
    await hub.page('ann')
    expect(hub.app.calls('hub_started')).toHaveLength(1)
  }
})

test('a refused destroy_channel keeps the polling alive', async () => {
  await using app = await startWebApplication({ '/points': { body: '7' } })
  const polling = { mode: 'simple', url: `${app.url}/points`, interval: 0.1 }
  await using hub = await RunningHub.start({ create_channel: [true, { polling }], destroy_channel: [false, {}] })
  const ann = await inChat(stageOf(hub))
  await ann.ask('UNSUBSCRIBE', chat)
  await hub.app.next('destroy_channel')
  const before = app.calls('/points').length
  for (let poll = 0; poll <= before + 1; poll++) await app.next('/points')
})

test('the reply to the connect of expires_in is honoured as the first one was', async () => {
  await using hub = new TestHub({ connect: { name: 'ann', expires_in: 60 } })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  const again = { auto_subscribe: ['games'], auto_unsubscribe: ['chat'], moderated_message: false }
  hub.answers.connect = { name: 'ann', ...again }
  await hub.clock.advance(60_000)
  expect(await hub.hub.application.userInfo('ann')).toMatchObject({
    channels: ['games'],
    options: { moderated_message: false },
  })
  await hub.clock.advance(3_600_000)
  expect(hub.asked('connect')).toHaveLength(2)
})

describe('an application that cannot be told', () => {
  const leaves = ['unsubscribe', 'destroy_channel', 'disconnect'] as const

  async function leave(hub: TestHub) {
    const ann = hub.stranger('session=ann')
    await ann.ask('CONNECT', { payload: { name: 'ann' } })
    await ann.ask('SUBSCRIBE', chat)
    ann.cut(1000)
    await settle()
  }

  test.each(leaves)('of %s is told again with the same id, less and less often, for a bounded time', async (action) => {
    const times: number[] = []
    await using hub: TestHub = new TestHub({
      [action]: () => {
        times.push(hub.clock.now())
        return new Error('down')
      },
    })
    await leave(hub)
    await hub.clock.advance(3_600_000)
    const calls = hub.asked(action)
    const pauses = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    expect(calls.length).toBeGreaterThan(3)
    expect(new Set(calls.map(({ id }) => id)).size).toBe(1)
    expect(new Set(calls.map(({ fields }) => JSON.stringify(fields))).size).toBe(1)
    expect(new Set(calls.map(({ cookies }) => cookies))).toEqual(
      new Set([action === 'destroy_channel' ? undefined : 'session=ann']),
    )
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    await hub.clock.advance(3_600_000)
    expect(hub.asked(action)).toHaveLength(calls.length)
  })

  test.each(leaves)('of %s is told no more once it has answered', async (action) => {
    const answers: unknown[] = [new Error('down'), new Error('down'), {}]
    await using hub = new TestHub({ [action]: () => answers.shift() })
    await leave(hub)
    await hub.clock.advance(3_600_000)
    expect(hub.asked(action)).toHaveLength(3)
    expect(await hub.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
  })

  test.each(leaves)('a refusal of %s is an answer, and is not repeated', async (action) => {
    await using hub = new TestHub({ [action]: refuse('no') })
    await leave(hub)
    await hub.clock.advance(3_600_000)
    expect(hub.asked(action)).toHaveLength(1)
  })

  test('of destroy_channel keeps the channel meanwhile', async () => {
    await using hub = new TestHub({ destroy_channel: new Error('down') })
    await leave(hub)
    await hub.clock.advance(5_000)
    expect((await hub.hub.application.info()).channels).toEqual(['chat'])
  })
})

describe('open mode', () => {
  async function start(options: HookboxOptions = {}) {
    const hookbox = createHookbox({ port: 0, logLevel: 'silent', ...options })
    const { url } = await hookbox.listen()
    return { hookbox, url, wsUrl: `${url.replace('http', 'ws')}/ws`, [Symbol.asyncDispose]: () => hookbox.close() }
  }

  /** The status of `/health` when it is asked for under this host name. */
  function statusFor(url: string, host: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(`${url}/health`, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .on('error', reject)
        .end()
    })
  }

  test('is on where nothing but port, interface and log options is set, and listens on 127.0.0.1', async () => {
    await using hub = await start()
    expect(new URL(hub.url).hostname).toBe('127.0.0.1')
    await using page = await openWirePage(hub.wsUrl)
    expect(await page.connect({ payload: { name: 'ann' } })).toMatchObject({ name: 'ann', payload: { name: 'ann' } })
  })

  test('names guests by themselves, each by another name', async () => {
    await using hub = await start()
    const names: string[] = []
    for (const payload of [undefined, {}, { name: 7 }, 'ann']) {
      const page = await openWirePage(hub.wsUrl)
      names.push((await page.connect(payload === undefined ? {} : { payload })).name)
    }
    for (const name of names) expect(name).toMatch(/^guest-.+$/)
    expect(new Set(names).size).toBe(names.length)
  })

  test('makes every channel presenceful, reflective, with a history of 50', async () => {
    await using hub = await start({ open: true, rate: 0 })
    await using page = await openWirePage(hub.wsUrl)
    await page.connect({ payload: { name: 'ann' } })
    const { args } = await page.ask('SUBSCRIBE', chat)
    expect(args).toMatchObject({ presenceful: true, reflective: true, history_size: 50, presence: ['ann'] })
    for (let n = 1; n <= 51; n++) await page.ask('PUBLISH', { ...chat, payload: n })
    expect((await page.next('PUBLISH')).args).toMatchObject({ user: 'ann', payload: 1 })
    const { options } = (await hub.hookbox.call('get_channel_info', chat)) as { options: { history: unknown[] } }
    expect(options.history).toHaveLength(50)
    expect(options.history.at(-1)).toMatchObject(['PUBLISH', { payload: 51 }])
  })

  test.each(['localhost', 'localhost:8001', 'LOCALHOST', '127.0.0.1', '127.0.0.2:80', '[::1]:8001'])(
    'answers to the host %s',
    async (host) => {
      await using hub = await start()
      expect(await statusFor(hub.url, host)).toBe(200)
      await using page = await openWirePage(hub.wsUrl, { headers: { host } })
      await page.connect()
    },
  )

  test.each(['evil.example', 'localhost.evil.example', '192.0.2.1:8001', '0.0.0.0', '127.0.0.1.evil.example'])(
    'refuses the host %s with 403',
    async (host) => {
      await using hub = await start()
      expect(await statusFor(hub.url, host)).toBe(403)
      await expect(openWirePage(hub.wsUrl, { headers: { host } })).rejects.toThrow('403')
    },
  )

  test('answers to any host where --open and -i say so', async () => {
    await using hub = await start({ open: true, interface: '127.0.0.1' })
    expect(await statusFor(hub.url, 'lan.example')).toBe(200)
  })

  test.each<[option: keyof HookboxOptions, options: HookboxOptions]>([
    ['cbhost', { cbhost: 'app.example' }],
    ['cbConnect', { cbConnect: 'who' }],
    ['cbSingleUrl', { cbSingleUrl: 'http://app.example/' }],
  ])('cannot go with %s', (option, options) => {
    expect(() => createHookbox({ open: true, ...options })).toThrow(option)
  })
})

describe('a page', () => {
  test.each([
    ['of another origin', 'https://evil.example', 'https://partner.example'],
    ['of a listed name with another scheme', 'http://partner.example', 'https://partner.example'],
    ['of a sandbox', 'null', 'https://partner.example'],
  ])('%s is refused with 403 before any webhook', async (_name, origin, listed) => {
    await using hub = await RunningHub.start({}, { origin: listed })
    await expect(hub.stranger({ origin })).rejects.toThrow('403')
    expect(hub.app.calls('connect')).toEqual([])
  })

  test.each([
    ['of the own host name on another port', 'http://127.0.0.1:3000'],
    ['of a listed origin', 'https://partner.example'],
  ])('%s may connect', async (_name, origin) => {
    await using hub = await RunningHub.start({}, { origin: ['https://partner.example'] })
    await expect(hub.page('ann', { origin })).resolves.toBeDefined()
  })

  test('that is no browser sends no origin, and may connect', async () => {
    await using hub = await RunningHub.start()
    await expect(hub.page('ann')).resolves.toBeDefined()
  })
})
