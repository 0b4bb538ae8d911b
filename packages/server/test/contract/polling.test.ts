import type { Json } from '@hookbox/protocol'
import { deferred, startWebApplication, type WebApplication, type WebhookReply, type WirePage } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { RunningHub } from '../kit/running-hub.ts'
import { ask, type Fields } from './rest-ways.ts'

/** The least there is. */
const interval = 0.1

/** A hub whose application makes every channel with this polling, except that the channel `tick` polls `/tick`. */
async function polling(
  options: (app: WebApplication) => Fields,
  replies: Readonly<Record<string, WebhookReply>> = {},
  more: Fields = {},
): Promise<RunningHub> {
  const hub = await RunningHub.start({ '/points': { body: '{"y":1}' }, ...replies }, { webhookSecret })
  hub.app.reply('create_channel', ({ channel_name }) => {
    if (channel_name !== 'tick') return [true, { ...more, polling: options(hub.app) }]
    return [true, { polling: { mode: 'simple', url: `${hub.app.url}/tick`, interval } }]
  })
  return hub
}

const webhookSecret = 'the secret of the webhooks'

const simple = ({ url }: WebApplication): Fields => ({ mode: 'simple', url: `${url}/points`, interval })
const persistent = ({ url }: WebApplication): Fields => ({ mode: 'persistent', url: `${url}/points`, interval })
const once = ({ url }: WebApplication): Fields => ({ mode: 'once', url: `${url}/points`, interval })

/** A page with cookies, in the channel. */
async function subscribed(hub: RunningHub, channelName = 'graph', name = 'ann'): Promise<WirePage> {
  const page = await hub.page(name, { cookies: { session: '17' } })
  await page.ask('SUBSCRIBE', { channel_name: channelName })
  return page
}

async function set(hub: RunningHub, polling: Json, channelName = 'graph') {
  return ask(hub.url, 'set_channel_options', { channel_name: channelName, polling })
}

async function optionsOf(hub: RunningHub, channelName = 'graph'): Promise<Record<string, unknown>> {
  const { details } = await ask(hub.url, 'get_channel_info', { channel_name: channelName })
  return details.options as Record<string, unknown>
}

/** Waits while a channel of its own, polled as often as can be, is polled several times. */
async function several(hub: RunningHub): Promise<void> {
  const page = await subscribed(hub, 'tick', 'the clock')
  for (let i = 0; i < 4; i++) await hub.app.next('/tick')
  await page.close()
}

/** Sees that nothing is polled any more; what was on its way when it ended may still come. */
async function expectQuiet(hub: RunningHub, path = '/points'): Promise<void> {
  await several(hub)
  const before = hub.app.calls(path).length
  await several(hub)
  expect(hub.app.calls(path)).toHaveLength(before)
}

describe.concurrent('simple', () => {
  test.each<[string, WebhookReply, unknown]>([
    ['a JSON object', { body: '{"y": 17}' }, { y: 17 }],
    ['a JSON list', [1, 2], [1, 2]],
    ['a JSON text', { body: '"up"' }, 'up'],
    ['a JSON number', { body: ' 4.2\n' }, 4.2],
    ['null', { body: 'null' }, null],
    ['JSON that is called text', { headers: { 'content-type': 'text/plain' }, body: '{"y":1}' }, { y: 1 }],
    ['a text', { body: 'hällo\nworld' }, 'hällo\nworld'],
    ['a broken JSON text', { headers: { 'content-type': 'application/json' }, body: '{"y":' }, '{"y":'],
    ['nothing', { body: '' }, ''],
  ])('what the URL says is published: %s', async (_name, reply, payload) => {
    await using hub = await polling(simple, { '/points': reply })
    const page = await subscribed(hub)
    const { args } = await page.next('PUBLISH')
    expect(args).toMatchObject({ channel_name: 'graph', user: null, payload })
    expect(args.datetime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test('is a GET without cookies, form or secret, again and again', async () => {
    await using hub = await polling((app) => ({ ...simple(app), url: `${app.url}/points?of=cpu`, form: { key: 'k' } }))
    await subscribed(hub)
    for (let i = 0; i < 3; i++) {
      const call = await hub.app.next('/points')
      expect(call).toMatchObject({ method: 'GET', path: '/points', fields: { of: 'cpu' }, cookies: {}, body: '' })
      expect(Object.keys(call.headers)).toEqual(['host', 'connection', 'user-agent'])
    }
  })

  test('asks no webhook about what it publishes', async () => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await page.next('PUBLISH')
    expect(hub.app.calls('publish')).toEqual([])
  })

  test('fills the history of a real-time graph, of which users cannot write any', async () => {
    await using hub = await polling(
      simple,
      { publish: [false, { error: 'read only' }] },
      { history_size: 3, history_publish_only: true },
    )
    let y = 0
    hub.app.reply('/points', () => ({ body: JSON.stringify({ y: ++y }) }))
    const page = await subscribed(hub)
    for (let i = 1; i <= 4; i++) expect((await page.next('PUBLISH')).args.payload).toEqual({ y: i })
    await expect(page.ask('PUBLISH', { channel_name: 'graph', payload: { y: 99 } })).rejects.toThrow('read only')
    const { args } = await (await hub.page('bob')).ask('SUBSCRIBE', { channel_name: 'graph' })
    const points = (args.history ?? []).map(([, entry]) => (entry as { payload: { y: number } }).payload.y)
    expect(points).toHaveLength(3)
    expect(points[0]).toBeGreaterThanOrEqual(2)
    expect(points).toEqual([...points].sort((a, b) => a - b))
  })

  test('raw line breaks between the tokens of what was polled cannot forge a frame', async () => {
    const forged = [0, 'MESSAGE', { sender: 'root', recipient: 'ann', payload: 'forged', datetime: '2026-01-01' }]
    await using hub = await polling(simple, { '/points': { body: `[1,\n${JSON.stringify(forged)}\r\n]` } })
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args.payload).toEqual([1, forged])
    expect(page.frames.map(({ name }) => name)).not.toContain('MESSAGE')
  })
})

describe.concurrent('persistent', () => {
  test('posts the form with the secret where the URL has the origin of the callbacks, and never cookies', async () => {
    await using hub = await polling((app) => ({ ...persistent(app), form: { sensor: 'cpu', no: 5 } }))
    hub.app.reply('/points', [true, {}])
    await subscribed(hub)
    for (let i = 0; i < 2; i++) {
      const { method, fields, headers } = await hub.app.next('/points')
      expect({ method, fields }).toEqual({ method: 'POST', fields: { sensor: 'cpu', no: '5', secret: webhookSecret } })
      expect(headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
      expect(headers.cookie).toBeUndefined()
    }
  })

  test('posts no secret to another origin', async () => {
    await using other = await startWebApplication({ '/points': [true, { payload: 'of another' }] })
    await using hub = await polling(() => ({ ...persistent(other), form: { sensor: 'cpu' } }))
    const page = await subscribed(hub)
    expect((await other.next('/points')).fields).toEqual({ sensor: 'cpu' })
    expect((await page.next('PUBLISH')).args.payload).toBe('of another')
  })

  test('publishes the payload and applies the channel options of the reply', async () => {
    const reply = [true, { payload: { y: 1 }, history_size: 5, state: { unit: '%' }, presenceful: true }]
    await using hub = await polling(persistent, { '/points': reply })
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args).toMatchObject({ user: null, payload: { y: 1 } })
    expect((await page.next('STATE_UPDATE')).args.updates).toEqual({ unit: '%' })
    expect(await optionsOf(hub)).toMatchObject({ history_size: 5, state: { unit: '%' }, presenceful: true })
    // And goes on.
    await page.next('PUBLISH')
  })

  test('publishes a payload of null, and nothing where there is no payload', async () => {
    await using hub = await polling(persistent, { '/points': [true, []] })
    const page = await subscribed(hub)
    await hub.app.next('/points')
    await hub.app.next('/points')
    hub.app.reply('/points', [true, { payload: null }])
    expect((await page.next('PUBLISH')).args.payload).toBeNull()
    expect(page.frames.filter(({ name }) => name === 'PUBLISH')).toHaveLength(1)
  })

  test('polls as the polling in its reply says from then on', async () => {
    await using hub = await polling((app) => ({ ...persistent(app), form: { a: '1' } }))
    hub.app.reply('/points', [true, { payload: 1, polling: { url: `${hub.app.url}/other`, originator: 'the other' } }])
    hub.app.reply('/other', [true, { payload: 2 }])
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args).toMatchObject({ payload: 1, user: null })
    expect((await page.next('PUBLISH')).args).toMatchObject({ payload: 2, user: 'the other' })
    expect((await hub.app.next('/other')).fields).toMatchObject({ a: '1' })
    await expectQuiet(hub)
  })

  test('stops where the reply switches it off', async () => {
    await using hub = await polling(persistent, {
      '/points': [true, { payload: 'the last', polling: { mode: 'off' } }],
    })
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args.payload).toBe('the last')
    await expectQuiet(hub)
    expect(hub.app.calls('/points')).toHaveLength(1)
  })

  test.each<[string, WebhookReply]>([
    ['a refusal', [false, { error: 'not now' }]],
    ['an unknown option', [true, { payload: 'no', history_size: 9, colour: 'red' }]],
    ['a wrong option', [true, { payload: 'no', history_size: 9, presenceful: 'perhaps' }]],
    ['a wrong polling', [true, { payload: 'no', history_size: 9, polling: { interval: 0 } }]],
    ['500', { status: 500, body: '[true, {"payload": "no"}]' }],
    ['a redirect', { status: 302, headers: { location: '/points' }, body: '[true, {"payload": "no"}]' }],
    ['HTML', { body: '<!doctype html>' }],
    ['another shape', { body: '{"payload": "no"}' }],
    ['a connection that is closed', 'close'],
  ])('%s changes nothing, is logged, and the URL is polled again later', async (_name, reply) => {
    await using hub = await polling(persistent, { '/points': reply })
    const page = await subscribed(hub)
    const { at } = await hub.app.next('/points')
    const before = await optionsOf(hub)
    hub.app.reply('/points', [true, { payload: 'yes' }])
    expect((await page.next('PUBLISH')).args.payload).toBe('yes')
    expect((await hub.app.next('/points')).at - at).toBeGreaterThan(1_900)
    expect(hub.log).toContain('polling failed')
    expect(await optionsOf(hub)).toEqual(before)
    expect(before).toMatchObject({ history_size: 0 })
  })
})

describe.concurrent('once', () => {
  test('posts the form a single time, publishes the payload and applies the options', async () => {
    await using hub = await polling((app) => ({ ...once(app), form: { sensor: 'cpu' } }))
    hub.app.reply('/points', [true, { payload: 'hello', history_size: 5 }])
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args.payload).toBe('hello')
    const { method, fields } = await hub.app.next('/points')
    expect({ method, fields }).toEqual({ method: 'POST', fields: { sensor: 'cpu', secret: webhookSecret } })
    expect(await optionsOf(hub)).toMatchObject({ history_size: 5 })
    await expectQuiet(hub)
    expect(hub.app.calls('/points')).toHaveLength(1)
  })

  test.each<[string, Fields]>([
    ['that changes something', { form: { page: '2' } }],
    ['with what there is', { mode: 'once' }],
    ['that is empty', {}],
  ])('is made again where the reply brings polling %s', async (_name, again) => {
    await using hub = await polling(once)
    let times = 0
    hub.app.reply('/points', () => [true, { payload: ++times, ...(times < 3 && { polling: again }) }])
    const page = await subscribed(hub)
    for (let i = 1; i <= 3; i++) expect((await page.next('PUBLISH')).args.payload).toBe(i)
    await expectQuiet(hub)
    expect(hub.app.calls('/points')).toHaveLength(3)
  })
})

describe.concurrent('the originator', () => {
  test.each<[string, Fields]>([
    ['simple', {}],
    ['persistent', { mode: 'persistent' }],
    ['once', { mode: 'once' }],
  ])('is shown as who published: %s', async (mode, options) => {
    await using hub = await polling((app) => ({ ...simple(app), ...options, originator: 'the sensor' }))
    hub.app.reply('/points', mode === 'simple' ? { body: '1' } : [true, { payload: 1 }])
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args).toMatchObject({ payload: 1, user: 'the sensor' })
  })

  test('is not shown in an anonymous channel', async () => {
    await using hub = await polling((app) => ({ ...simple(app), originator: 'the sensor' }), {}, { anonymous: true })
    const page = await subscribed(hub)
    expect((await page.next('PUBLISH')).args).not.toHaveProperty('user')
  })
})

describe.concurrent('when it is polled:', () => {
  test('the first time after one interval', async () => {
    await using hub = await polling((app) => ({ ...simple(app), interval: 0.4 }))
    const before = Date.now()
    await subscribed(hub)
    expect((await hub.app.next('/points')).at - before).toBeGreaterThanOrEqual(390)
  })

  test('every five seconds unless the interval is given', async () => {
    await using hub = await polling(({ url }) => ({ mode: 'simple', url: `${url}/points` }))
    await subscribed(hub)
    expect(await optionsOf(hub)).toMatchObject({ polling: { interval: 5 } })
  })

  test('a channel that REST made is polled although nobody is in it', async () => {
    await using hub = await RunningHub.start({ '/points': { body: '1' } })
    const made = { channel_name: 'graph', history_size: 2, polling: simple(hub.app) }
    await expect(ask(hub.url, 'create_channel', made)).resolves.toMatchObject({ ok: true })
    for (let i = 0; i < 4; i++) await hub.app.next('/points')
    expect((await optionsOf(hub)).history).toMatchObject([
      ['PUBLISH', { payload: 1 }],
      ['PUBLISH', { payload: 1 }],
    ])
  })

  test('a slow URL never overlaps with itself, and holds up nobody else', async () => {
    await using hub = await polling(simple)
    const answer = deferred<WebhookReply>()
    hub.app.reply('/points', () => answer.promise)
    const page = await subscribed(hub)
    await hub.app.next('/points')
    await several(hub)
    expect(hub.app.calls('/points')).toHaveLength(1)
    answer.resolve({ body: '"at last"' })
    expect((await page.next('PUBLISH')).args.payload).toBe('at last')
    await hub.app.next('/points')
  })

  test('it stops when REST destroys the channel', async () => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await expect(ask(hub.url, 'destroy_channel', { channel_name: 'graph' })).resolves.toMatchObject({ ok: true })
    await expectQuiet(hub)
  })

  test('what was being polled when the channel was destroyed is published nowhere', async () => {
    await using hub = await polling(simple)
    const answer = deferred<WebhookReply>()
    hub.app.reply('/points', () => answer.promise)
    const page = await subscribed(hub)
    await hub.app.next('/points')
    await ask(hub.url, 'destroy_channel', { channel_name: 'graph' })
    hub.app.reply('create_channel', [true, { history_size: 5 }])
    await page.ask('SUBSCRIBE', { channel_name: 'graph' })
    answer.resolve({ body: '"too late"' })
    await page.ask('PUBLISH', { channel_name: 'graph', payload: 'the mark' })
    expect((await page.next('PUBLISH')).args.payload).toBe('the mark')
    expect(JSON.stringify((await optionsOf(hub)).history)).not.toContain('too late')
  })

  test('it stops when the last subscriber has left and the application lets the channel go', async () => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await page.ask('UNSUBSCRIBE', { channel_name: 'graph' })
    await hub.app.next('destroy_channel')
    await expectQuiet(hub)
  })

  test('it goes on when the application keeps the channel that everybody left', async () => {
    await using hub = await polling(simple, { destroy_channel: [false, {}] }, { history_size: 100 })
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await page.close()
    await hub.app.next('destroy_channel')
    const before = hub.app.calls('/points').length
    for (let i = 0; i < before + 3; i++) await hub.app.next('/points')
    const { history } = await optionsOf(hub)
    expect((history as [string][]).filter(([name]) => name === 'PUBLISH').length).toBeGreaterThan(before)
  })
})

describe.concurrent('set_channel_options', () => {
  test('begins to poll for a channel that was not polled', async () => {
    await using hub = await RunningHub.start({ '/points': { body: '1' } })
    const page = await subscribed(hub)
    await expect(set(hub, simple(hub.app))).resolves.toMatchObject({ ok: true })
    expect((await page.next('PUBLISH')).args.payload).toBe(1)
  })

  test('merges what is given into what there is', async () => {
    const given = { mode: 'persistent', interval, form: { a: '1' }, originator: 'the sensor' }
    await using hub = await polling(({ url }) => ({ ...given, url: `${url}/points` }))
    hub.app.reply('/points', [true, { payload: 1 }])
    hub.app.reply('/other', [true, { payload: 2 }])
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await expect(set(hub, { url: `${hub.app.url}/other` })).resolves.toMatchObject({ ok: true })
    expect((await page.next('PUBLISH', ({ payload }) => payload === 2)).args.user).toBe('the sensor')
    expect((await hub.app.next('/other')).fields).toMatchObject({ a: '1' })
    expect(await optionsOf(hub)).toMatchObject({ polling: { ...given, url: `${hub.app.url}/other` } })
    await expectQuiet(hub)
    await set(hub, { interval: 3600, originator: null })
    const changed = { ...given, url: `${hub.app.url}/other`, interval: 3600, originator: null }
    expect(await optionsOf(hub)).toMatchObject({ polling: changed })
    await expectQuiet(hub, '/other')
  })

  test('of something else leaves the polling as it is', async () => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    const { polling: before } = await optionsOf(hub)
    await ask(hub.url, 'set_channel_options', { channel_name: 'graph', history_size: 5 })
    expect(await optionsOf(hub)).toMatchObject({ history_size: 5, polling: before })
    await page.next('PUBLISH')
    await page.next('PUBLISH')
  })

  test.each<[string, Json]>([
    ['null', null],
    ['false', false],
    ['"off"', 'off'],
    ['mode "off"', { mode: 'off' }],
  ])('switches it off by %s', async (_name, off) => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    await page.next('PUBLISH')
    await expect(set(hub, off)).resolves.toMatchObject({ ok: true })
    await expectQuiet(hub)
    expect(await optionsOf(hub)).toMatchObject({ polling: null })
  })
})

describe.concurrent('a wrong detail is refused by name', () => {
  const url = 'http://127.0.0.1:9/points'
  const wrong: [polling: Json, error: RegExp][] = [
    [5, /^polling: expected an object, got 5/],
    [{ url }, /^polling\.mode: expected "simple", "persistent", "once".*, got nothing/],
    [{ mode: 'often', url }, /^polling\.mode: expected "simple".*, got "often"/],
    [{ mode: 'simple' }, /^polling\.url: expected an http or https URL.*, got nothing/],
    [{ mode: 'simple', url: 'points' }, /^polling\.url: expected an http or https URL/],
    [{ mode: 'simple', url: 'file:///etc/passwd' }, /^polling\.url: expected an http or https URL/],
    [{ mode: 'simple', url: 'http://ann:pw@localhost/' }, /^polling\.url: expected .* without user name and password/],
    [{ mode: 'simple', url, interval: 0.09 }, /^polling\.interval: expected seconds from 0\.1.*, got 0\.09/],
    [{ mode: 'simple', url, interval: '1' }, /^polling\.interval: expected seconds/],
    [{ mode: 'persistent', url, form: 'a=1' }, /^polling\.form: expected an object/],
    [{ mode: 'persistent', url, form: { a: [] } }, /^polling\.form\.a: expected a text/],
    [{ mode: 'simple', url, originator: 5 }, /^polling\.originator: expected a text, got 5/],
    [{ mode: 'simple', url, every: 5 }, /^polling\.every: unknown; expected one of mode, url, interval/],
  ]

  test.each(wrong)('by REST create_channel, which makes none: %j', async (polling, error) => {
    await using hub = await RunningHub.start()
    const reply = await ask(hub.url, 'create_channel', { channel_name: 'graph', polling })
    expect(reply).toMatchObject({ status: 400, ok: false, details: { error: expect.stringMatching(error) } })
    await expect(ask(hub.url, 'get_channel_info', { channel_name: 'graph' })).resolves.toMatchObject({ status: 404 })
  })

  test.each(wrong)('in a reply to create_channel, which the page and the log are told: %j', async (polling, error) => {
    await using hub = await RunningHub.start({ create_channel: [true, { polling }] })
    const page = await hub.page('ann')
    const [, named] = /^(.*?):/.exec(error.source) ?? []
    const said = expect.stringMatching(new RegExp(`${named?.replace('^', '')}: `))
    await expect(page.ask('SUBSCRIBE', { channel_name: 'graph' })).rejects.toMatchObject({ message: said })
    expect(hub.log).toEqual(said)
  })

  const changes = wrong.filter(([polling]) => polling === 5 || Object.keys(polling as object).length > 2)

  test.each(changes)('by set_channel_options, and it goes on as before: %j', async (given, error) => {
    await using hub = await polling(simple)
    const page = await subscribed(hub)
    const before = await optionsOf(hub)
    const reply = await set(hub, given)
    expect(reply).toMatchObject({ status: 400, ok: false, details: { error: expect.stringMatching(error) } })
    expect(await optionsOf(hub)).toEqual(before)
    await page.next('PUBLISH')
    await page.next('PUBLISH')
  })
})
