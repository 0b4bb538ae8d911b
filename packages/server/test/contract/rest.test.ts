import type { Json } from '@hookbox/protocol'
import { deferred, startWebApplication, type WebhookReply, type WirePage, within } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { createHookbox } from '../../src/hookbox.ts'
import { type RestReply, RunningHub, restSecret } from '../kit/running-hub.ts'
import { type Asking, ask, type Fields, read, ways } from './rest-ways.ts'

const bases = ['/rest/', '/web/'] as const

/** A hub with the channel `chat`, which REST has made. */
async function withChat(options: Fields = {}, ...start: Parameters<typeof RunningHub.start>): Promise<RunningHub> {
  const hub = await RunningHub.start(...start)
  await done(hub, 'create_channel', { channel_name: 'chat', ...options })
  return hub
}

/** Calls a method that must succeed, and gives the details. */
async function done(hub: RunningHub, method: string, fields: Fields, asking?: Asking): Promise<RestReply['details']> {
  const reply = await ask(hub.url, method, fields, asking)
  expect(reply, method).toMatchObject({ status: 200, ok: true })
  return reply.details
}

async function subscribed(hub: RunningHub, name: string, channelName = 'chat'): Promise<WirePage> {
  const page = await hub.page(name)
  await page.ask('SUBSCRIBE', { channel_name: channelName })
  return page
}

async function optionsOf(hub: RunningHub, channelName = 'chat'): Promise<Record<string, unknown>> {
  const { options } = await done(hub, 'get_channel_info', { channel_name: channelName })
  return options as Record<string, unknown>
}

/** The names of everything that came, without what keeps a line alive. */
function came(page: WirePage): string[] {
  return page.frames.map((frame) => frame.name as string).filter((name) => name !== 'PING')
}

/** Publishes, and waits until it has come: whatever was told before has come too. */
async function mark(hub: RunningHub, page: WirePage, channelName = 'chat'): Promise<void> {
  await done(hub, 'publish', { channel_name: channelName, payload: 'the mark' })
  await page.next('PUBLISH', ({ payload }) => payload === 'the mark')
}

const defaults = {
  reflective: true,
  history_size: 0,
  history_duration: 0,
  history_publish_only: false,
  history: [],
  moderated: true,
  moderated_publish: false,
  moderated_subscribe: false,
  moderated_unsubscribe: false,
  presenceful: false,
  anonymous: false,
  state: {},
  polling: null,
  server_presenceful: false,
  server_user_presence: [],
}

const userDefaults = {
  reflective: true,
  moderated_message: true,
  per_connection_subscriptions: true,
  global_unsubscriptions: false,
  auto_subscribe: [],
}

const everyWay = ways.flatMap((way) => bases.map((base) => ({ way, base })))

describe.each(everyWay)('asked by $way at $base', ({ way, base }) => {
  test('publish reaches every subscriber', async () => {
    await using hub = await withChat()
    const pages = [await subscribed(hub, 'ann'), await subscribed(hub, 'bob')]
    const payload = { text: 'hällo', n: [1, null, true] }
    await done(hub, 'publish', { channel_name: 'chat', payload, originator: 'the web application' }, { way, base })
    for (const page of pages) {
      const { args } = await page.next('PUBLISH')
      expect(args).toMatchObject({ channel_name: 'chat', payload, user: 'the web application' })
      expect(args.datetime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
    expect(hub.app.calls('publish')).toEqual([])
  })

  test.each<Json>(['a text', '42', 42, null, false, [], {}])(
    'publish carries the payload %j as it is',
    async (payload) => {
      await using hub = await withChat()
      const page = await subscribed(hub, 'ann')
      await done(hub, 'publish', { channel_name: 'chat', payload }, { way, base })
      expect((await page.next('PUBLISH')).args.payload).toEqual(payload)
    },
  )

  test('publish without payload and originator carries null for both', async () => {
    await using hub = await withChat()
    const page = await subscribed(hub, 'ann')
    await done(hub, 'publish', { channel_name: 'chat' }, { way, base })
    expect((await page.next('PUBLISH')).args).toMatchObject({ payload: null, user: null })
  })

  test('publish with a message_id is made once, however often it is repeated', async () => {
    await using hub = await withChat({ history_size: 10 })
    const page = await subscribed(hub, 'ann')
    const fields = { channel_name: 'chat', payload: 1, message_id: 'order 66' }
    await done(hub, 'publish', fields, { way, base })
    await done(hub, 'publish', { ...fields, payload: 2 }, { way, base })
    await mark(hub, page)
    expect(page.frames.filter(({ name }) => name === 'PUBLISH')).toMatchObject([
      { args: { payload: 1, message_id: 'order 66' } },
      { args: { payload: 'the mark' } },
    ])
    expect((await optionsOf(hub)).history).toMatchObject([
      expect.anything(),
      ['PUBLISH', { payload: 1 }],
      ['PUBLISH', { payload: 'the mark' }],
    ])
  })

  test.each<[string, Json]>([
    ['a comma list', 'chat,missing,news'],
    ['a comma list with spaces', ' chat, missing, news'],
    ['a JSON list', ['chat', 'missing', 'news']],
  ])('publish_multi to %s reaches all of them, and skips what is missing', async (_name, channel_names) => {
    await using hub = await withChat()
    await done(hub, 'create_channel', { channel_name: 'news' })
    const page = await subscribed(hub, 'ann')
    await page.ask('SUBSCRIBE', { channel_name: 'news' })
    await done(hub, 'publish_multi', { channel_names, payload: { n: 1 }, originator: 'bob' }, { way, base })
    const args = { payload: { n: 1 }, user: 'bob' }
    await expect(page.next('PUBLISH', ({ channel_name }) => channel_name === 'chat')).resolves.toMatchObject({ args })
    await expect(page.next('PUBLISH', ({ channel_name }) => channel_name === 'news')).resolves.toMatchObject({ args })
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: ['chat', 'news'] })
    expect(hub.app.calls('publish')).toEqual([])
  })

  test('publish_multi takes a channel with a comma in its name out of a JSON list', async () => {
    await using hub = await withChat()
    await done(hub, 'create_channel', { channel_name: 'a,b' })
    const page = await subscribed(hub, 'ann', 'a,b')
    await done(hub, 'publish_multi', { channel_names: ['a,b'] }, { way, base })
    expect((await page.next('PUBLISH')).args).toMatchObject({ channel_name: 'a,b', payload: null, user: null })
  })

  test.each(['name', 'user'])('subscribe lets in the user that %s names, through all connections', async (field) => {
    await using hub = await withChat({ presenceful: true })
    const pages = [await hub.page('ann'), await hub.page('ann')]
    const bob = await subscribed(hub, 'bob')
    await done(hub, 'subscribe', { channel_name: 'chat', [field]: 'ann' }, { way, base })
    for (const page of pages) {
      const frame = await page.next('SUBSCRIBED')
      expect(frame).toMatchObject({ id: 0, args: { channel_name: 'chat', presence: ['bob', 'ann'] } })
    }
    expect((await bob.next('SUBSCRIBE', ({ user }) => user === 'ann')).args).toMatchObject({ channel_name: 'chat' })
    expect(hub.app.calls('subscribe').map(({ fields }) => fields.user)).toEqual(['bob'])
    await mark(hub, bob)
    expect(bob.frames.filter(({ name }) => name === 'SUBSCRIBE')).toHaveLength(1)
  })

  test.each(['name', 'user'])('unsubscribe takes out the user that %s names, on all connections', async (field) => {
    await using hub = await withChat({ presenceful: true })
    const pages = [await subscribed(hub, 'ann'), await subscribed(hub, 'ann')]
    const bob = await subscribed(hub, 'bob')
    await done(hub, 'unsubscribe', { channel_name: 'chat', [field]: 'ann' }, { way, base })
    for (const page of pages) {
      expect((await page.next('UNSUBSCRIBED')).args).toEqual({ channel_name: 'chat', reason: 'removed' })
    }
    expect((await bob.next('UNSUBSCRIBE')).args).toMatchObject({ channel_name: 'chat', user: 'ann' })
    expect(hub.app.calls('unsubscribe')).toEqual([])
    expect(await done(hub, 'get_channel_info', { channel_name: 'chat' })).toMatchObject({ subscribers: ['bob'] })
  })

  test('message reaches all connections of its recipient, and says how many', async () => {
    await using hub = await RunningHub.start()
    const pages = [await hub.page('ann'), await hub.page('ann')]
    const fields = { sender_name: 'the dealer', recipient_name: 'ann', payload: ['K♥', 'A♠'] }
    expect(await done(hub, 'message', fields, { way, base })).toMatchObject({ delivered: 2 })
    for (const page of pages) {
      expect((await page.next('MESSAGE')).args).toMatchObject({
        sender: 'the dealer',
        recipient: 'ann',
        payload: ['K♥', 'A♠'],
      })
    }
    expect(hub.app.calls('message')).toEqual([])
  })

  test('message to nobody was delivered to nobody, and its payload may be missing', async () => {
    await using hub = await RunningHub.start()
    const page = await hub.page('ann')
    const fields = { sender_name: 'ann', recipient_name: 'nobody' }
    expect(await done(hub, 'message', fields, { way, base })).toMatchObject({ delivered: 0 })
    // The sender has the user option `reflective`.
    expect((await page.next('MESSAGE')).args).toMatchObject({ recipient: 'nobody', payload: null })
  })

  test('create_channel makes a channel with all of its options', async () => {
    await using hub = await RunningHub.start()
    const options = {
      reflective: false,
      history_size: 7,
      history_duration: 3600,
      history_publish_only: true,
      history: [
        ['PUBLISH', { payload: { n: 1 }, datetime: new Date(Date.now() - 60_000).toISOString() }],
        ['PUBLISH', { payload: 'more' }],
      ],
      moderated: false,
      moderated_publish: true,
      moderated_subscribe: true,
      moderated_unsubscribe: true,
      presenceful: true,
      anonymous: true,
      state: { turn: 'ann', table: [1, 2], bob: false },
      polling: {
        mode: 'persistent',
        url: `${hub.app.url}/points`,
        interval: 3600,
        form: { key: 'k' },
        originator: 'points',
      },
      server_presenceful: true,
      server_user_presence: ['bob'],
    }
    await done(hub, 'create_channel', { channel_name: 'chat', ...options }, { way, base })
    expect(hub.app.calls('create_channel')).toEqual([])
    const written = await optionsOf(hub)
    expect(written).toEqual(options)
    await done(hub, 'create_channel', { channel_name: 'the same', ...(written as Fields) }, { way, base })
    expect(await optionsOf(hub, 'the same')).toEqual(options)
  })

  test('create_channel of a channel that exists is a conflict, and leaves it alone', async () => {
    await using hub = await withChat({ history_size: 3 })
    const reply = await ask(hub.url, 'create_channel', { channel_name: 'chat', history_size: 9 }, { way, base })
    expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 409, ok: false })
    expect(await optionsOf(hub)).toMatchObject({ history_size: 3 })
  })

  test('destroy_channel ends the channel and tells every page', async () => {
    await using hub = await withChat()
    const pages = [await subscribed(hub, 'ann'), await subscribed(hub, 'bob')]
    await done(hub, 'destroy_channel', { channel_name: 'chat' }, { way, base })
    for (const page of pages) {
      expect((await page.next('UNSUBSCRIBED')).args).toEqual({ channel_name: 'chat', reason: 'destroyed' })
    }
    expect(await ask(hub.url, 'get_channel_info', { channel_name: 'chat' })).toMatchObject({ status: 404 })
    expect(hub.app.calls('destroy_channel')).toEqual([])
  })

  test('get_channel_info tells all options with history and state, and the subscribers', async () => {
    await using hub = await withChat({ history_size: 20, state: { turn: 'ann' } })
    await subscribed(hub, 'ann')
    await subscribed(hub, 'ann')
    await subscribed(hub, 'bob')
    await done(hub, 'publish', { channel_name: 'chat', payload: 'hello', originator: 'ann' })
    const info = await done(hub, 'get_channel_info', { channel_name: 'chat' }, { way, base })
    const datetime = expect.stringMatching(/Z$/)
    expect(info).toEqual({
      name: 'chat',
      options: {
        ...defaults,
        history_size: 20,
        state: { turn: 'ann' },
        history: [
          ['SUBSCRIBE', expect.objectContaining({ user: 'ann', datetime })],
          ['SUBSCRIBE', expect.objectContaining({ user: 'bob', datetime })],
          ['PUBLISH', expect.objectContaining({ user: 'ann', payload: 'hello', datetime })],
        ],
      },
      subscribers: ['ann', 'bob'],
    })
  })

  test('set_channel_options changes what is given, and tells subscribers how the state differs', async () => {
    await using hub = await withChat({ presenceful: true, state: { kept: 1, changed: { n: 1 }, gone: true } })
    const page = await subscribed(hub, 'ann')
    const changes = { reflective: false, state: { kept: 1, changed: { n: 2 }, added: null } }
    await done(hub, 'set_channel_options', { channel_name: 'chat', ...changes }, { way, base })
    const { args } = await page.next('STATE_UPDATE')
    expect(args).toMatchObject({ channel_name: 'chat', updates: { changed: { n: 2 }, added: null }, deletes: ['gone'] })
    expect(args.updates).not.toHaveProperty('kept')
    expect(await optionsOf(hub)).toEqual({ ...defaults, presenceful: true, ...changes })
  })

  test('state_set_key tells subscribers, and says nothing where nothing changes', async () => {
    await using hub = await withChat({ state: { a: 1 } })
    const page = await subscribed(hub, 'ann')
    const fields = { channel_name: 'chat', key: 'turn', val: { of: 'bob' } }
    await done(hub, 'state_set_key', fields, { way, base })
    await done(hub, 'state_set_key', fields, { way, base })
    expect((await page.next('STATE_UPDATE')).args).toMatchObject({ updates: { turn: { of: 'bob' } }, deletes: [] })
    await mark(hub, page)
    expect(page.frames.filter(({ name }) => name === 'STATE_UPDATE')).toHaveLength(1)
    expect(await optionsOf(hub)).toMatchObject({ state: { a: 1, turn: { of: 'bob' } } })
  })

  test('state_set_key takes a text as JSON', async () => {
    await using hub = await withChat()
    await done(hub, 'state_set_key', { channel_name: 'chat', key: '1', val: 'one' }, { way, base })
    expect(await optionsOf(hub)).toMatchObject({ state: { 1: 'one' } })
  })

  test('state_delete_key tells subscribers, and says nothing where nothing changes', async () => {
    await using hub = await withChat({ state: { a: 1, turn: 'ann' } })
    const page = await subscribed(hub, 'ann')
    await done(hub, 'state_delete_key', { channel_name: 'chat', key: 'turn' }, { way, base })
    await done(hub, 'state_delete_key', { channel_name: 'chat', key: 'turn' }, { way, base })
    expect((await page.next('STATE_UPDATE')).args).toMatchObject({ updates: {}, deletes: ['turn'] })
    await mark(hub, page)
    expect(page.frames.filter(({ name }) => name === 'STATE_UPDATE')).toHaveLength(1)
    expect((await optionsOf(hub)).state).toEqual({ a: 1 })
  })

  test('get_user_info tells name, channels, connections and options', async () => {
    await using hub = await withChat()
    await done(hub, 'create_channel', { channel_name: 'news' })
    const first = await hub.stranger()
    const second = await hub.stranger()
    const ids = [
      (await first.connect({ payload: { name: 'ann' } })).id,
      (await second.connect({ payload: { name: 'ann' } })).id,
    ]
    for (const page of [first, second]) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    await second.ask('SUBSCRIBE', { channel_name: 'news' })
    const info = await done(hub, 'get_user_info', { user_name: 'ann' }, { way, base })
    expect(info).toEqual({ name: 'ann', channels: ['chat', 'news'], connections: ids, options: userDefaults })
    for (const id of ids) expect(id).toMatch(/^[\da-f]{32}$/)
  })

  test('set_user_options changes what is given', async () => {
    await using hub = await RunningHub.start()
    const ann = await hub.page('ann')
    const bob = await hub.page('bob')
    const changes = { reflective: false, moderated_message: false }
    await done(hub, 'set_user_options', { user_name: 'ann', ...changes }, { way, base })
    expect(await done(hub, 'get_user_info', { user_name: 'ann' })).toMatchObject({
      options: { ...userDefaults, ...changes },
    })
    await ann.ask('MESSAGE', { name: 'bob', payload: 'psst' })
    await bob.next('MESSAGE')
    expect(hub.app.calls('message')).toEqual([])
    expect(came(ann)).not.toContain('MESSAGE')
  })

  test('get_server_info tells channels, connections and users', async () => {
    await using hub = await withChat()
    const pages = [await hub.stranger(), await hub.stranger(), await hub.stranger()]
    const connections: string[] = []
    for (const [i, page] of pages.entries()) {
      connections.push((await page.connect({ payload: { name: i < 2 ? 'ann' : 'bob' } })).id)
    }
    const info = await done(hub, 'get_server_info', {}, { way, base })
    expect(info).toMatchObject({ channels: ['chat'], connections, users: ['ann', 'bob'] })
  })

  test.each(['user_name', 'name'])('disconnect_user closes all connections of the user in %s', async (field) => {
    await using hub = await withChat()
    const pages = [await subscribed(hub, 'ann'), await subscribed(hub, 'ann')]
    const bob = await hub.page('bob')
    await done(hub, 'disconnect_user', { [field]: 'ann' }, { way, base })
    for (const page of pages) expect((await page.closed).code).toBe(4403)
    expect((await hub.app.next('unsubscribe')).fields).toMatchObject({ channel_name: 'chat', user: 'ann' })
    expect((await hub.app.next('disconnect')).fields).toMatchObject({ name: 'ann', channels: '["chat"]' })
    await expect(bob.ask('SUBSCRIBE', { channel_name: 'chat' })).resolves.toBeDefined()
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ users: ['bob'] })
  })

  test('disconnect closes the one connection of that identifier', async () => {
    await using hub = await RunningHub.start()
    const page = await hub.stranger()
    const { id } = await page.connect({ payload: { name: 'ann' } })
    const other = await hub.page('ann')
    await done(hub, 'disconnect', { identifier: id }, { way, base })
    expect((await page.closed).code).toBe(4403)
    await expect(other.ask('SUBSCRIBE', { channel_name: 'chat' })).resolves.toBeDefined()
    expect(hub.app.calls('disconnect')).toEqual([])
  })

  test.each<[string, Asking]>([
    ['the field security_token', {}],
    ['the field secret', { secret: null }],
    ['Authorization: Bearer', { secret: null, headers: { authorization: `Bearer ${restSecret}` } }],
  ])('the secret may come by %s', async (name, asking) => {
    await using hub = await withChat()
    const fields = { channel_name: 'chat', ...(name === 'the field secret' && { secret: restSecret }) }
    await expect(ask(hub.url, 'get_channel_info', fields, { way, base, ...asking })).resolves.toMatchObject({
      ok: true,
    })
  })

  test.each<[string, Asking, Fields]>([
    ['no secret', { secret: null }, {}],
    ['an empty secret', { secret: '' }, {}],
    ['a wrong security_token', { secret: 'guessed' }, {}],
    ['a wrong secret', { secret: null }, { secret: `${restSecret}!` }],
    ['a wrong Bearer', { secret: null, headers: { authorization: 'Bearer guessed' } }, {}],
    ['the secret as Basic', { secret: null, headers: { authorization: `Basic ${restSecret}` } }, {}],
  ])('%s changes nothing and is not let in', async (_name, asking, fields) => {
    await using hub = await withChat()
    const reply = await ask(hub.url, 'destroy_channel', { channel_name: 'chat', ...fields }, { way, base, ...asking })
    expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 401, ok: false })
    expect(reply.details.msg).toContain('secret')
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: ['chat'] })
  })

  test('without a configured secret the interface is off and says so', async () => {
    const hookbox = createHookbox({ port: 0, interface: '127.0.0.1', basePath: '/', cbport: 9, logLevel: 'silent' })
    try {
      const { url } = await hookbox.listen()
      for (const secret of [null, '', restSecret]) {
        const reply = await ask(url, 'get_server_info', {}, { way, base, secret })
        expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 503, ok: false })
        expect(reply.details.error).toMatch(/off.*--api-security-token/)
      }
    } finally {
      await hookbox.close()
    }
  })

  test.each(['no_such_method', 'constructor', '__proto__', 'publish/', ''])('there is no method %j', async (method) => {
    await using hub = await RunningHub.start()
    const reply = await ask(hub.url, method, {}, { way, base })
    expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 404, ok: false })
  })

  const mistakes: [method: string, fields: Fields, error: RegExp][] = [
    ['publish', {}, /^channel_name: expected a text, got nothing/],
    ['publish', { channel_name: '' }, /^channel_name: expected 1 to 200 bytes/],
    ['publish', { channel_name: 'a\nb' }, /^channel_name: expected no control characters/],
    ['publish', { channel_name: 'chat', originator: 'x'.repeat(129) }, /^originator: expected 1 to 128 bytes/],
    ['publish', { channel_name: 'chat', send_hook: 'perhaps' }, /^send_hook: expected 1, 0, true or false/],
    ['publish', { channel_name: 'chat', message_id: '' }, /^message_id: expected 1 to 128 bytes/],
    ['publish_multi', { payload: 1 }, /^channel_names: expected a list of channel names, got nothing/],
    ['publish_multi', { channel_names: ['chat', 5] }, /^channel_names: expected a text/],
    ['subscribe', { channel_name: 'chat' }, /^name: expected a text, got nothing/],
    ['subscribe', { name: 'ann' }, /^channel_name: expected a text, got nothing/],
    ['unsubscribe', { channel_name: 'chat' }, /^name: expected a text, got nothing/],
    ['message', { sender_name: 'ann' }, /^recipient_name: expected a text, got nothing/],
    ['message', { recipient_name: 'ann' }, /^sender_name: expected a text, got nothing/],
    ['create_channel', {}, /^channel_name: expected a text, got nothing/],
    ['create_channel', { channel_name: 'new', history_size: -1 }, /^history_size: expected a whole number from 0/],
    ['create_channel', { channel_name: 'new', presenceful: 'perhaps' }, /^presenceful: expected true or false/],
    ['create_channel', { channel_name: 'new', history: [['SHOUT', {}]] }, /^history\[0\]: expected "PUBLISH"/],
    ['create_channel', { channel_name: 'new', state: [1] }, /^state: expected an object/],
    ['create_channel', { channel_name: 'new', colour: 'red' }, /^colour: unknown channel option; expected one of /],
    ['destroy_channel', {}, /^channel_name: expected a text, got nothing/],
    ['get_channel_info', {}, /^channel_name: expected a text, got nothing/],
    ['set_channel_options', { history_size: 1 }, /^channel_name: expected a text, got nothing/],
    ['set_channel_options', { channel_name: 'chat', history_duration: -1 }, /^history_duration: expected a number/],
    ['set_channel_options', { channel_name: 'chat', colour: 'red' }, /^colour: unknown channel option/],
    ['state_set_key', { channel_name: 'chat', val: 1 }, /^key: expected a text, got nothing/],
    ['state_set_key', { channel_name: 'chat', key: 'turn' }, /^val: expected JSON, got nothing/],
    ['state_delete_key', { channel_name: 'chat' }, /^key: expected a text, got nothing/],
    ['get_user_info', {}, /^user_name: expected a text, got nothing/],
    ['set_user_options', { reflective: true }, /^user_name: expected a text, got nothing/],
    ['set_user_options', { user_name: 'ann', reflective: 'perhaps' }, /^reflective: expected true or false/],
    ['set_user_options', { user_name: 'ann', auto_subscribe: 'chat' }, /^auto_subscribe: expected a list of channel/],
    ['set_user_options', { user_name: 'ann', colour: 'red' }, /^colour: unknown user option; expected one of /],
    ['disconnect_user', {}, /^user_name: expected a text, got nothing/],
    ['disconnect', {}, /^identifier: expected a text, got nothing/],
  ]
  test('a field that is missing or wrong is named, and what was expected', async () => {
    await using hub = await withChat()
    await hub.page('ann')
    for (const [method, fields, error] of mistakes) {
      const reply = await ask(hub.url, method, fields, { way, base })
      expect(reply, method).toMatchObject({ status: base === '/web/' ? 200 : 400, ok: false })
      expect(reply.details.error).toMatch(error)
      expect(reply.details.msg).toBe(reply.details.error)
    }
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: ['chat'], users: ['ann'] })
    expect(await optionsOf(hub)).toEqual(defaults)
    expect(await done(hub, 'get_user_info', { user_name: 'ann' })).toMatchObject({ options: userDefaults })
  })

  test('what does not exist is not found', async () => {
    await using hub = await withChat()
    await hub.page('ann')
    const missing: [method: string, fields: Fields][] = [
      ['publish', { channel_name: 'missing' }],
      ['subscribe', { channel_name: 'missing', name: 'ann' }],
      ['subscribe', { channel_name: 'chat', name: 'nobody' }],
      ['unsubscribe', { channel_name: 'missing', name: 'ann' }],
      ['unsubscribe', { channel_name: 'chat', name: 'ann' }],
      ['destroy_channel', { channel_name: 'missing' }],
      ['get_channel_info', { channel_name: 'missing' }],
      ['set_channel_options', { channel_name: 'missing', history_size: 1 }],
      ['state_set_key', { channel_name: 'missing', key: 'turn', val: 1 }],
      ['state_delete_key', { channel_name: 'missing', key: 'turn' }],
      ['get_user_info', { user_name: 'nobody' }],
      ['set_user_options', { user_name: 'nobody', reflective: false }],
      ['disconnect_user', { user_name: 'nobody' }],
      ['disconnect', { identifier: '0'.repeat(32) }],
    ]
    for (const [method, fields] of missing) {
      const reply = await ask(hub.url, method, fields, { way, base })
      expect(reply, method).toMatchObject({ status: base === '/web/' ? 200 : 404, ok: false })
      expect(reply.details.msg).toMatch(/missing|nobody|"ann"|"0{32}"/)
    }
    expect(hub.app.calls().map(({ action }) => action)).not.toContain('create_channel')
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: ['chat'] })
  })

  test('a publish into a missing channel is ignored where the hub was told so, and only that', async () => {
    await using hub = await RunningHub.start({}, { ignorePublishNonExistingChannels: true })
    await done(hub, 'publish', { channel_name: 'missing', payload: 1 }, { way, base })
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: [] })
    await expect(ask(hub.url, 'publish', { payload: 1 }, { way, base })).resolves.toMatchObject({ ok: false })
    const other = await ask(hub.url, 'get_channel_info', { channel_name: 'missing' }, { way, base })
    expect(other).toMatchObject({ ok: false })
  })

  test.each([1, true])('send_hook=%j asks the webhook too', async (send_hook) => {
    await using hub = await withChat()
    await done(hub, 'publish', { channel_name: 'chat', send_hook }, { way, base })
    expect(hub.app.calls('publish')).toHaveLength(1)
  })

  test.each([0, false])('send_hook=%j asks nobody', async (send_hook) => {
    await using hub = await withChat()
    await done(hub, 'publish', { channel_name: 'chat', send_hook }, { way, base })
    expect(hub.app.calls('publish')).toEqual([])
  })
})

/** What a call with `send_hook` asks, and what it shows that the call was made. */
const hooked: { method: string; fields: Fields; asked: Record<string, string> }[] = [
  {
    method: 'publish',
    fields: { channel_name: 'chat', payload: { n: 1 }, originator: 'carl', message_id: 'm1' },
    asked: { channel_name: 'chat', payload: '{"n":1}', originator: 'carl', message_id: 'm1' },
  },
  { method: 'subscribe', fields: { channel_name: 'chat', name: 'bob' }, asked: { channel_name: 'chat', user: 'bob' } },
  {
    method: 'unsubscribe',
    fields: { channel_name: 'chat', name: 'ann' },
    asked: { channel_name: 'chat', user: 'ann' },
  },
  { method: 'create_channel', fields: { channel_name: 'new', history_size: 2 }, asked: { channel_name: 'new' } },
  { method: 'destroy_channel', fields: { channel_name: 'chat' }, asked: { channel_name: 'chat' } },
]

describe.each(hooked)('$method with send_hook', ({ method, fields, asked }) => {
  /** Everything that the call may change. */
  async function seen(hub: RunningHub): Promise<unknown> {
    return [
      await ask(hub.url, 'get_channel_info', { channel_name: 'chat' }),
      await ask(hub.url, 'get_channel_info', { channel_name: 'new' }),
      await ask(hub.url, 'get_server_info'),
    ]
  }

  async function started(): Promise<RunningHub> {
    const hub = await withChat({ history_size: 20 }, {}, { webhookSecret: 'the secret of the webhooks' })
    const cookies = { session: '17' }
    const ann = await hub.page('ann', { cookies })
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    await hub.app.next('subscribe')
    await hub.page('bob', { cookies })
    return hub
  }

  test('asks the webhook, without cookies, and goes on when it agrees', async () => {
    await using hub = await started()
    const before = await seen(hub)
    await done(hub, method, { ...fields, send_hook: 1 })
    const call = await hub.app.next(method)
    expect(call.fields).toEqual({ action: method, secret: 'the secret of the webhooks', ...asked })
    expect(call.headers.cookie).toBeUndefined()
    expect(await seen(hub)).not.toEqual(before)
  })

  test.each([
    ['error', 'not today'],
    ['msg', 'nicht heute'],
  ])("a refusal is 403 with the application's text out of %s, and changes nothing", async (field, text) => {
    await using hub = await started()
    const before = await seen(hub)
    hub.app.reply(method, [false, { [field]: text }])
    const reply = await ask(hub.url, method, { ...fields, send_hook: 1 })
    expect(reply).toMatchObject({ status: 403, ok: false, details: { error: text, msg: text } })
    const web = await ask(hub.url, method, { ...fields, send_hook: 1 }, { base: '/web/' })
    expect(web).toMatchObject({ status: 200, ok: false, details: { error: text, msg: text } })
    expect(await seen(hub)).toEqual(before)
  })

  test.each<[string, WebhookReply]>([
    ['500', { status: 500, body: '[true, {}]' }],
    ['no JSON', { body: '<!doctype html>' }],
    ['a connection that is closed', 'close'],
  ])('a fault is 502, and changes nothing: %s', async (_name, fault) => {
    await using hub = await started()
    const before = await seen(hub)
    hub.app.reply(method, fault)
    const reply = await ask(hub.url, method, { ...fields, send_hook: 1 })
    expect(reply).toMatchObject({ status: 502, ok: false, details: { error: expect.any(String) } })
    const web = await ask(hub.url, method, { ...fields, send_hook: 1 }, { base: '/web/' })
    expect(web).toMatchObject({ status: 200, ok: false })
    expect(await seen(hub)).toEqual(before)
  })
})

describe('what the asked webhook replies counts:', () => {
  test('override_payload of publish', async () => {
    await using hub = await withChat({}, { publish: [true, { override_payload: 'checked' }] })
    const page = await subscribed(hub, 'ann')
    await done(hub, 'publish', { channel_name: 'chat', payload: 'raw', send_hook: 1 })
    expect((await page.next('PUBLISH')).args.payload).toBe('checked')
  })

  test('initial_data of subscribe', async () => {
    await using hub = await withChat({}, { subscribe: [true, { initial_data: { score: 3 } }] })
    const page = await hub.page('ann')
    await done(hub, 'subscribe', { channel_name: 'chat', name: 'ann', send_hook: 1 })
    expect((await page.next('SUBSCRIBED')).args.initial_data).toEqual({ score: 3 })
  })

  test('auto_subscribe of unsubscribe', async () => {
    await using hub = await withChat({}, { unsubscribe: [true, { auto_subscribe: ['lobby'] }] })
    const page = await subscribed(hub, 'ann')
    await done(hub, 'unsubscribe', { channel_name: 'chat', name: 'ann', send_hook: 1 })
    expect((await page.next('SUBSCRIBED')).args.channel_name).toBe('lobby')
  })

  test('the options of create_channel', async () => {
    await using hub = await RunningHub.start({ create_channel: [true, { history_size: 20, presenceful: true }] })
    await done(hub, 'create_channel', { channel_name: 'new', send_hook: 1 })
    expect(await optionsOf(hub, 'new')).toMatchObject({ history_size: 20, presenceful: true })
  })

  test('an unknown option of create_channel, which is refused by name', async () => {
    await using hub = await RunningHub.start({ create_channel: [true, { colour: 'red' }] })
    const reply = await ask(hub.url, 'create_channel', { channel_name: 'new', send_hook: 1 })
    expect(reply).toMatchObject({ ok: false, details: { error: expect.stringContaining('colour') } })
    expect(await done(hub, 'get_server_info', {})).toMatchObject({ channels: [] })
  })
})

describe('set_channel_options is all or nothing:', () => {
  test.each<[string, Fields, number, RegExp]>([
    ['an option is wrong', { presenceful: 'perhaps' }, 400, /^presenceful: expected true or false/],
    ['an option is unknown', { colour: 'red' }, 400, /^colour: unknown channel option; expected one of /],
    ['the history is wrong', { history: [['PUBLISH', { user: 5 }]] }, 400, /^history\[0\]\.user: expected a text/],
    ['the state is wrong', { state: 'open' }, 400, /^state: expected an object/],
    ['the state is too large', { state: { big: 'x'.repeat(65_536) } }, 413, /^state: expected at most \d+ bytes/],
    ['the polling is wrong', { polling: { mode: 'often' } }, 400, /^polling\.mode: expected "simple"/],
  ])('nothing is changed or told where %s', async (_name, wrong, status, error) => {
    const before = { history_size: 5, state: { turn: 'ann' }, history: [['PUBLISH', { payload: 'first' }]] }
    await using hub = await withChat(before)
    const page = await subscribed(hub, 'ann')
    const options = await optionsOf(hub)
    const right = { reflective: false, history_size: 9, state: { turn: 'bob' }, history: [] }
    for (const changes of [
      { ...right, ...wrong },
      { ...wrong, ...right, ...wrong },
    ]) {
      const reply = await ask(hub.url, 'set_channel_options', { channel_name: 'chat', ...changes })
      expect(reply).toMatchObject({ status, ok: false, details: { error: expect.stringMatching(error) } })
    }
    expect(await optionsOf(hub)).toEqual(options)
    await mark(hub, page)
    expect(came(page)).toEqual(['CONNECTED', 'SUBSCRIBED', 'PUBLISH'])
  })

  test('set_user_options changes nothing either where one of them is wrong', async () => {
    await using hub = await RunningHub.start()
    await hub.page('ann')
    const fields = { user_name: 'ann', reflective: false, moderated_message: false, global_unsubscriptions: 'perhaps' }
    await expect(ask(hub.url, 'set_user_options', fields)).resolves.toMatchObject({ status: 400 })
    expect((await done(hub, 'get_user_info', { user_name: 'ann' })).options).toEqual(userDefaults)
  })
})

describe('what set_user_options has set holds at once:', () => {
  test('global_unsubscriptions ends the subscriptions of all connections', async () => {
    await using hub = await withChat()
    const pages = [await subscribed(hub, 'ann'), await subscribed(hub, 'ann')] as const
    await done(hub, 'set_user_options', { user_name: 'ann', global_unsubscriptions: true })
    await pages[0].ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect((await pages[1].next('UNSUBSCRIBED')).args).toEqual({ channel_name: 'chat', reason: 'unsubscribed' })
    expect(hub.app.calls('unsubscribe')).toHaveLength(1)
  })

  test('without per_connection_subscriptions all connections share each one', async () => {
    await using hub = await withChat()
    const pages = [await hub.page('ann'), await hub.page('ann')] as const
    await done(hub, 'set_user_options', { user_name: 'ann', per_connection_subscriptions: false })
    await pages[0].ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(await pages[1].next('SUBSCRIBED')).toMatchObject({ id: 0, args: { channel_name: 'chat' } })
    await pages[1].ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect((await pages[0].next('UNSUBSCRIBED')).args).toEqual({ channel_name: 'chat', reason: 'unsubscribed' })
  })

  test('REST subscribe without per_connection_subscriptions means later connections too', async () => {
    await using hub = await withChat(
      {},
      { connect: [true, { name: 'ann', per_connection_subscriptions: false, moderated_message: false }] },
    )
    const first = await hub.page('ann')
    await done(hub, 'subscribe', { channel_name: 'chat', name: 'ann' })
    await first.next('SUBSCRIBED')
    const later = await hub.page('ann')
    expect(await later.next('SUBSCRIBED')).toMatchObject({ id: 0, args: { channel_name: 'chat' } })
    expect(hub.app.calls('subscribe')).toEqual([])
  })

  test('REST subscribe with per_connection_subscriptions means the connections of the moment', async () => {
    await using hub = await withChat()
    const first = await hub.page('ann')
    await done(hub, 'subscribe', { channel_name: 'chat', name: 'ann' })
    await first.next('SUBSCRIBED')
    const later = await hub.page('ann')
    await mark(hub, first)
    await later.ask('SUBSCRIBE', { channel_name: 'news' })
    expect(came(later)).toEqual(['CONNECTED', 'SUBSCRIBED'])
  })
})

describe('options in a form may be written as other languages write them:', () => {
  test.each([
    ['1', '0'],
    ['true', 'false'],
    ['True', 'False'],
  ])('%s and %s', async (yes, no) => {
    await using hub = await RunningHub.start()
    const fields = {
      channel_name: 'chat',
      send_hook: yes,
      presenceful: yes,
      reflective: no,
      history_size: '12',
      history_duration: '0.5',
    }
    await done(hub, 'create_channel', fields, { way: 'a form' })
    const options = { presenceful: true, reflective: false, history_size: 12, history_duration: 0.5 }
    expect(await optionsOf(hub)).toMatchObject(options)
    expect(hub.app.calls('create_channel')).toHaveLength(1)
    await done(hub, 'publish', { channel_name: 'chat', send_hook: no }, { way: 'a form' })
    expect(hub.app.calls('publish')).toEqual([])
  })
})

test('a publish by the application into an anonymous channel carries no user', async () => {
  await using hub = await withChat({ anonymous: true })
  const page = await subscribed(hub, 'ann')
  await done(hub, 'publish', { channel_name: 'chat', payload: 1, originator: 'bob', send_hook: 1 })
  expect((await page.next('PUBLISH')).args).not.toHaveProperty('user')
  expect((await hub.app.next('publish')).fields).not.toHaveProperty('originator')
})

test('a copy of a private message by the application goes to a sender who is connected and wants one', async () => {
  await using hub = await RunningHub.start()
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  const fields = { sender_name: 'ann', recipient_name: 'bob', payload: 1 }
  await expect(done(hub, 'message', fields)).resolves.toMatchObject({ delivered: 1 })
  await expect(ann.next('MESSAGE')).resolves.toMatchObject({ args: { payload: 1 } })
  await done(hub, 'set_user_options', { user_name: 'ann', reflective: false })
  await done(hub, 'message', { ...fields, payload: 2 })
  await bob.next('MESSAGE', ({ payload }) => payload === 2)
  // What comes next follows whatever would have come before.
  await done(hub, 'message', { sender_name: 'bob', recipient_name: 'ann', payload: 3 })
  await expect(ann.next('MESSAGE')).resolves.toMatchObject({ args: { payload: 3 } })
})

describe('whoever speaks HTTP wrongly:', () => {
  const rest = (hub: RunningHub, base: string, method = 'get_server_info') =>
    `${hub.url}${base}${method}?security_token=${encodeURIComponent(restSecret)}`

  test.each(bases.flatMap((base) => ['PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((verb) => ({ base, verb }))))(
    '$verb at $base is answered that it should be GET or POST',
    async ({ base, verb }) => {
      await using hub = await RunningHub.start()
      const response = await fetch(rest(hub, base), { method: verb })
      const reply = await read(response)
      expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 405, ok: false })
      expect(reply.details.msg).toMatch(/GET.*POST/)
    },
  )

  test.each(bases)('a body beyond 1 MiB at %s is too large', async (base) => {
    await using hub = await RunningHub.start()
    const body = `payload=${'x'.repeat(1_048_576)}`
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const reply = await read(await fetch(rest(hub, base, 'publish'), { method: 'POST', headers, body }))
    expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 413, ok: false })
    await expect(ask(hub.url, 'get_server_info')).resolves.toMatchObject({ ok: true })
  })

  test.each(bases.flatMap((base) => (['a form', 'a JSON body'] as const).map((way) => ({ base, way }))))(
    'a payload beyond 64 KiB in $way at $base is too large',
    async ({ base, way }) => {
      await using hub = await withChat({ history_size: 1 })
      const payload = 'x'.repeat(65_535)
      const status = base === '/web/' ? 200 : 413
      const reply = await ask(hub.url, 'publish', { channel_name: 'chat', payload }, { way, base })
      expect(reply).toMatchObject({ status, ok: false, details: { error: expect.stringMatching(/^payload: /) } })
      expect((await optionsOf(hub)).history).toEqual([])
    },
  )

  test.each(bases.flatMap((base) => ['{', '5', '"text"', '[1]', 'null'].map((body) => ({ base, body }))))(
    'a JSON body $body at $base is a mistake',
    async ({ base, body }) => {
      await using hub = await RunningHub.start()
      const headers = { 'content-type': 'application/json' }
      const reply = await read(await fetch(rest(hub, base), { method: 'POST', headers, body }))
      expect(reply).toMatchObject({ status: base === '/web/' ? 200 : 400, ok: false })
      expect(reply.details.error).toMatch(/^body: expected a JSON object/)
    },
  )

  test.each(['{', 'hello', '"', '1,2', 'undefined'])('a payload %j in a form is a mistake', async (payload) => {
    await using hub = await withChat()
    const reply = await hub.rest('publish', { channel_name: 'chat', payload })
    expect(reply).toMatchObject({ status: 400, ok: false })
    expect(reply.details.error).toMatch(/^payload: expected JSON/)
  })

  test.each<[method: string, fields: Fields, error: RegExp]>([
    ['publish', { channel_name: 5 }, /^channel_name: expected a text, got 5/],
    ['publish', { channel_name: 'chat', originator: ['ann'] }, /^originator: expected a text/],
    ['publish', { channel_name: 'chat', message_id: 5 }, /^message_id: expected a text, got 5/],
    ['publish', { channel_name: 'chat', send_hook: '1' }, /^send_hook: expected 1, 0, true or false/],
    ['publish_multi', { channel_names: { chat: 1 } }, /^channel_names: expected a list of channel names/],
    ['create_channel', { channel_name: 'new', history_size: '5' }, /^history_size: expected a whole number/],
    ['create_channel', { channel_name: 'new', server_user_presence: 'ann' }, /^server_user_presence: expected a list/],
    ['message', { sender_name: 5, recipient_name: 'bob' }, /^sender_name: expected a text, got 5/],
    ['state_set_key', { channel_name: 'chat', key: 5, val: 1 }, /^key: expected a text, got 5/],
    ['get_user_info', { user_name: null }, /^user_name: expected a text, got null/],
  ])('a value of the wrong type in the JSON body of %s: %j', async (method, fields, error) => {
    await using hub = await withChat()
    const reply = await ask(hub.url, method, fields)
    expect(reply).toMatchObject({ status: 400, ok: false, details: { error: expect.stringMatching(error) } })
  })
})

describe('raw line breaks in a form cannot forge a frame:', () => {
  const forged = [0, 'MESSAGE', { sender: 'root', recipient: 'ann', payload: 'forged', datetime: '2026-01-01' }]

  test.each([
    ['\n', 'line feeds'],
    ['\r', 'carriage returns'],
    ['\r\n', 'both'],
  ])('%j in payload, val, state, history and a private message', async (nl) => {
    const text = `[1,${nl}${JSON.stringify(forged)}${nl}]`
    const value = [1, forged]
    await using hub = await RunningHub.start()
    const made = {
      channel_name: 'chat',
      history_size: '9',
      state: `{"a":${text}}`,
      history: `[["PUBLISH",{"payload":${text}}]]`,
    }
    await expect(hub.rest('create_channel', made)).resolves.toMatchObject({ ok: true })
    const page = await hub.page('ann')
    const { args } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(args).toMatchObject({
      state: { a: value },
      history: [
        ['PUBLISH', { payload: value }],
        ['SUBSCRIBE', {}],
      ],
    })

    await expect(hub.rest('publish', { channel_name: 'chat', payload: text })).resolves.toMatchObject({ ok: true })
    expect((await page.next('PUBLISH')).args.payload).toEqual(value)
    await hub.rest('publish_multi', { channel_names: 'chat', payload: text })
    expect((await page.next('PUBLISH')).args.payload).toEqual(value)
    await hub.rest('state_set_key', { channel_name: 'chat', key: `k${nl}`, val: text })
    expect((await page.next('STATE_UPDATE')).args.updates).toEqual({ [`k${nl}`]: value })
    await hub.rest('message', { sender_name: 'bob', recipient_name: 'ann', payload: text })
    expect((await page.next('MESSAGE')).args).toMatchObject({ sender: 'bob', payload: value })
    await mark(hub, page)
    expect(came(page).filter((name) => name === 'MESSAGE')).toHaveLength(1)
  })
})

describe('REST never waits for a webhook that it did not ask for itself:', () => {
  /** Does everything about which an application is asked. */
  async function everything(hub: RunningHub): Promise<void> {
    await hub.page('bob')
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'lobby' })
    await ann.ask('PUBLISH', { channel_name: 'lobby', payload: 'hello' })
    await ann.ask('MESSAGE', { name: 'bob', payload: 'psst' })
    await ann.ask('UNSUBSCRIBE', { channel_name: 'lobby' })
    await hub.app.next('destroy_channel')
    await ann.close()
    await hub.app.next('disconnect')
  }

  const lobby = { channel_name: 'lobby' }

  test.each<{ webhook: string; method: string; fields: Fields; status: number }>([
    { webhook: 'connect', method: 'get_server_info', fields: {}, status: 200 },
    { webhook: 'connect', method: 'get_user_info', fields: { user_name: 'ann' }, status: 404 },
    { webhook: 'create_channel', method: 'publish', fields: lobby, status: 404 },
    { webhook: 'create_channel', method: 'publish_multi', fields: { channel_names: 'lobby' }, status: 200 },
    { webhook: 'create_channel', method: 'get_channel_info', fields: lobby, status: 404 },
    { webhook: 'create_channel', method: 'subscribe', fields: { ...lobby, name: 'ann' }, status: 404 },
    { webhook: 'create_channel', method: 'set_channel_options', fields: { ...lobby, history_size: 1 }, status: 404 },
    { webhook: 'create_channel', method: 'destroy_channel', fields: lobby, status: 404 },
    { webhook: 'create_channel', method: 'get_user_info', fields: { user_name: 'ann' }, status: 200 },
    { webhook: 'subscribe', method: 'publish', fields: lobby, status: 200 },
    { webhook: 'subscribe', method: 'get_channel_info', fields: lobby, status: 200 },
    { webhook: 'subscribe', method: 'set_channel_options', fields: { ...lobby, history_size: 1 }, status: 200 },
    { webhook: 'subscribe', method: 'state_set_key', fields: { ...lobby, key: 'a', val: 1 }, status: 200 },
    { webhook: 'subscribe', method: 'subscribe', fields: { ...lobby, name: 'ann' }, status: 200 },
    { webhook: 'subscribe', method: 'unsubscribe', fields: { ...lobby, name: 'ann' }, status: 404 },
    { webhook: 'publish', method: 'publish', fields: { ...lobby, payload: 'the other' }, status: 200 },
    { webhook: 'publish', method: 'publish', fields: { ...lobby, message_id: 'm1' }, status: 200 },
    { webhook: 'publish', method: 'get_channel_info', fields: lobby, status: 200 },
    { webhook: 'publish', method: 'state_delete_key', fields: { ...lobby, key: 'a' }, status: 200 },
    { webhook: 'message', method: 'message', fields: { sender_name: 'ann', recipient_name: 'bob' }, status: 200 },
    { webhook: 'message', method: 'set_user_options', fields: { user_name: 'ann', reflective: false }, status: 200 },
    { webhook: 'unsubscribe', method: 'publish', fields: lobby, status: 200 },
    { webhook: 'unsubscribe', method: 'unsubscribe', fields: { ...lobby, name: 'ann' }, status: 200 },
    { webhook: 'unsubscribe', method: 'get_channel_info', fields: lobby, status: 200 },
    { webhook: 'destroy_channel', method: 'publish', fields: lobby, status: 200 },
    { webhook: 'destroy_channel', method: 'get_channel_info', fields: lobby, status: 200 },
    { webhook: 'destroy_channel', method: 'set_channel_options', fields: { ...lobby, history_size: 1 }, status: 200 },
    { webhook: 'destroy_channel', method: 'destroy_channel', fields: lobby, status: 200 },
    { webhook: 'disconnect', method: 'get_user_info', fields: { user_name: 'ann' }, status: 404 },
    { webhook: 'disconnect', method: 'publish_multi', fields: { channel_names: 'lobby' }, status: 200 },
  ])(
    '$method while $webhook is asked is answered at once with $status',
    async ({ webhook, method, fields, status }) => {
      await using hub = await RunningHub.start()
      const called = deferred<RestReply>()
      const reply = async (given: Readonly<Record<string, string>>): Promise<WebhookReply> => {
        const { name } = JSON.parse(given.payload ?? 'null') ?? {}
        if (webhook !== 'connect' || name === 'ann') called.resolve(await ask(hub.url, method, fields))
        return [true, webhook === 'connect' ? { name } : {}]
      }
      hub.app.reply(webhook, reply)
      await everything(hub)
      await expect(within(called.promise, `the answer to ${method}`)).resolves.toMatchObject({ status })
    },
  )

  test('a channel that is still being created can be created by REST, and what REST made stands', async () => {
    await using hub = await RunningHub.start()
    const called = deferred<RestReply>()
    hub.app.reply('create_channel', async () => {
      called.resolve(await ask(hub.url, 'create_channel', { ...lobby, history_size: 7, state: { by: 'REST' } }))
      return [true, { history_size: 3 }]
    })
    const page = await hub.page('ann')
    const { args } = await page.ask('SUBSCRIBE', lobby)
    await expect(called.promise).resolves.toMatchObject({ status: 200 })
    expect(args).toMatchObject({ history_size: 7, state: { by: 'REST' } })
  })

  test('what REST publishes while a publish is asked about comes before it', async () => {
    await using hub = await withChat()
    hub.app.reply('publish', async () => {
      await ask(hub.url, 'publish', { channel_name: 'chat', payload: 'first' })
      return [true, {}]
    })
    const page = await subscribed(hub, 'ann')
    await page.ask('PUBLISH', { channel_name: 'chat', payload: 'second' })
    expect((await page.next('PUBLISH')).args.payload).toBe('first')
    expect((await page.next('PUBLISH')).args.payload).toBe('second')
  })
})

describe('with a port of its own', () => {
  const own: [string, { webApiPort?: number; webApiInterface?: string }][] = [
    ['by its number', { webApiPort: 0 }],
    ['by its interface', { webApiInterface: '127.0.0.1' }],
  ]

  test.each(own)('REST answers there, at / too, and has left the main port: %s', async (_name, options) => {
    const hookbox = createHookbox({
      port: 0,
      interface: '127.0.0.1',
      basePath: '/',
      cbhost: '127.0.0.1',
      cbport: 9,
      apiSecurityToken: restSecret,
      logLevel: 'silent',
      ...options,
    })
    try {
      const { url, restUrl = '' } = await hookbox.listen()
      expect(restUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      expect(restUrl).not.toBe(url)
      for (const way of ways) {
        for (const base of ['/', ...bases]) {
          await expect(ask(restUrl, 'get_server_info', {}, { way, base })).resolves.toMatchObject({ ok: true })
          const wrong = await ask(restUrl, 'publish', {}, { way, base })
          expect(wrong).toMatchObject({ status: base === '/web/' ? 200 : 400, ok: false })
          const stranger = await ask(restUrl, 'get_server_info', {}, { way, base, secret: null })
          expect(stranger).toMatchObject({ status: base === '/web/' ? 200 : 401, ok: false })
        }
      }
      for (const base of ['/', ...bases]) {
        const response = await fetch(`${url}${base}get_server_info?security_token=${encodeURIComponent(restSecret)}`)
        expect(response.status).toBe(404)
        expect(await response.text()).not.toContain('channels')
      }
      expect((await fetch(`${url}/health`)).status).toBe(200)
    } finally {
      await hookbox.close()
    }
  })

  test('there is no / method on the main port', async () => {
    await using hub = await RunningHub.start()
    expect((await fetch(`${hub.url}/get_server_info`)).status).toBe(404)
  })
})

describe('set_config', () => {
  test('set_config is off without the flag, and says which one allows it', async () => {
    await using hub = await RunningHub.start()
    const reply = await hub.rest('set_config', { cbpath: '/other' })
    expect(reply).toMatchObject({ status: 503, ok: false, details: { code: 'disabled' } })
    expect(reply.details.error).toContain('--allow-set-config')
  })

  test('set_config changes where webhooks go and the secrets, at once', async () => {
    await using other = await startWebApplication({ connect: [true, { name: 'from the other' }] })
    await using hub = await RunningHub.start({}, { allowSetConfig: true, webhookSecret: 'the first webhook secret' })
    await hub.page('ann')
    const changes = { cbport: String(other.port), cbpath: '"/hooks"', cb_connect: 'who', webhook_secret: 'the second' }
    expect(await hub.rest('set_config', changes)).toMatchObject({ status: 200, ok: true })
    const page = await hub.stranger()
    expect((await page.connect({})).name).toBe('from the other')
    expect(other.calls('connect')).toMatchObject([{ path: '/hooks/who', fields: { secret: 'the second' } }])

    expect((await hub.rest('set_config', { api_security_token: 'another REST secret' })).ok).toBe(true)
    expect((await hub.rest('get_server_info')).status).toBe(401)
    const reply = await fetch(`${hub.url}/rest/get_server_info`, {
      headers: { authorization: 'Bearer another REST secret' },
    })
    expect(reply.status).toBe(200)
  })

  test.each([
    [{ cbhots: 'x' }, 'cbhots: cannot be changed'],
    [{ cbport: '"many"' }, 'cbport: expected a whole number'],
  ])('set_config refuses %j by name, and changes nothing', async (wrong, message) => {
    await using hub = await RunningHub.start({}, { allowSetConfig: true })
    const reply = await hub.rest('set_config', { cbpath: '/other', ...wrong })
    expect(reply).toMatchObject({ status: 400, ok: false })
    expect(reply.details.error).toContain(message)
    await hub.page('ann')
    expect(hub.app.calls('connect')).toMatchObject([{ path: '/hookbox/connect' }])
  })
})
