import { afterAll, onTestFinished as afterwards, beforeAll, describe, expect, test } from 'vitest'
import type { HookboxOptions } from '../../src/config/options.ts'
import { Operator } from '../kit/operator.ts'
import { RunningHub } from '../kit/running-hub.ts'

const adminPassword = 'a password for the console alone'

let hub: RunningHub

beforeAll(async () => {
  hub = await RunningHub.start(
    {
      create_channel: [true, { history_size: 5, presenceful: true, state: { door: 'open' } }],
      publish: (fields) => (fields.payload === '"login"' ? { body: '<html><form>Sign in</form></html>' } : [true, {}]),
    },
    { adminPassword },
  )
})

afterAll(() => hub[Symbol.asyncDispose]())

/** Another hub than the one that the tests share, as this one is changed by its test. */
async function another(options: HookboxOptions = { adminPassword }): Promise<RunningHub> {
  const other = await RunningHub.start({}, options)
  afterwards(() => other[Symbol.asyncDispose]())
  return other
}

function stranger(at: RunningHub = hub): Operator {
  const operator = new Operator(at.url)
  afterwards(() => operator.leave())
  return operator
}

async function operator(at: RunningHub = hub): Promise<Operator> {
  const one = stranger(at)
  expect(await one.signIn(adminPassword)).toMatchObject({ status: 200 })
  return one
}

describe('the door', () => {
  test('is shut where the console has no password', async () => {
    const off = await another({})
    const visitor = stranger(off)
    const error = 'the console is off, as it has no password; set one by --admin-password'
    for (const answer of [await visitor.get(''), await visitor.get('session'), await visitor.signIn('')]) {
      expect(answer).toMatchObject({ status: 503, body: { error } })
    }
  })

  test('shows the page to everybody, which may do nothing but run its own script', async () => {
    const { status, headers } = await stranger().get('')
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; script-src 'self';.*frame-ancestors 'none'/,
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cache-control')).toBe('no-store')
    const moved = await fetch(`${hub.url}/admin`, { redirect: 'manual' })
    expect([moved.status, moved.headers.get('location')]).toEqual([308, 'admin/'])
  })

  test('opens by the password, with a cookie that no script and no other site gets', async () => {
    const visitor = stranger()
    expect(await visitor.signIn('a password')).toMatchObject({
      status: 401,
      body: { error: 'wrong password' },
    })
    expect(visitor.cookie).toBe('')
    const { headers, body } = await visitor.signIn(adminPassword)
    const { port } = new URL(hub.url)
    expect(headers.get('set-cookie')).toMatch(
      new RegExp(`^hookbox-admin-${port}=[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict$`),
    )
    expect(body).toEqual({ signedIn: true, version: expect.any(String) })
    expect((await visitor.get('session')).body).toMatchObject({ signedIn: true })
  })

  test('sends its cookie back over https alone where the page came by https', async () => {
    const visitor = stranger()
    const host = new URL(hub.url).host
    visitor.headers = { origin: `https://${host}` }
    const { headers } = await visitor.signIn(adminPassword)
    expect(headers.get('set-cookie')).toMatch(/^__Host-hookbox-admin-\d+=[0-9a-f]{64}; .*; Secure$/)
    expect((await visitor.get('session')).body).toMatchObject({ signedIn: true })
  })

  test.each([
    ['of another site', { origin: 'https://evil.example' }],
    ['of another port', { origin: 'http://127.0.0.1:1' }],
    ['that is missing', {}],
    ['that is hidden', { origin: 'null' }],
  ])('refuses a request with an Origin %s', async (_what, headers) => {
    const one = await operator()
    one.headers = headers
    const answers = [
      await one.signIn(adminPassword),
      await one.post('call/destroy_channel', { channel_name: 'chat' }),
      await one.post('feed', { name: 'overview' }),
      await one.delete('session'),
    ]
    for (const { status, body } of answers) {
      expect(status).toBe(403)
      expect(body).toMatchObject({ error: expect.stringContaining('expected that of the console itself') })
    }
  })

  test.each([
    ['feed', { name: 'overview' }],
    ['presence', {}],
    ['call/publish', { channel_name: 'chat', payload: 1 }],
  ])('asks whoever wants %s without a session to sign in', async (path, body) => {
    const visitor = stranger()
    visitor.cookie = `hookbox-admin-${new URL(hub.url).port}=${'0'.repeat(64)}`
    expect(await visitor.post(path, body)).toMatchObject({ status: 401, body: { error: 'sign in first' } })
  })

  test('is shut again by whoever goes', async () => {
    const one = await operator()
    const { headers } = await one.delete('session')
    expect(headers.get('set-cookie')).toMatch(/=; .*Max-Age=0$/)
    expect((await one.get('session')).body).toEqual({ signedIn: false })
  })

  test('lets one address try five times, also by another X-Forwarded-For, and then not even with the password', async () => {
    const busy = await another()
    const visitor = stranger(busy)
    for (let tries = 0; tries < 5; tries++) expect((await visitor.signIn(`no ${tries}`)).status).toBe(401)
    visitor.headers = { ...visitor.headers, 'x-forwarded-for': '203.0.113.9' }
    const { status, headers, body } = await visitor.signIn(adminPassword)
    expect(status).toBe(429)
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(800)
    expect(body).toMatchObject({ error: 'too many tries: wait 15 minutes' })
  })

  test('is shut to those who came in by a password that is none any more', async () => {
    const changing = await another({ adminPassword, allowSetConfig: true })
    const one = await operator(changing)
    await changing.hookbox.call('set_config', { admin_password: 'another password for the console' })
    expect((await one.get('session')).body).toEqual({ signedIn: false })
    expect(await one.signIn('another password for the console')).toMatchObject({ status: 200 })
  })

  test.each([
    [{ password: 7 }, 'password: expected a text'],
    [{}, 'password: expected a text'],
  ])('says what is wrong with %j', async (body, text) => {
    expect(await stranger().post('session', body)).toMatchObject({ status: 400, body: { error: text } })
  })

  test('never repeats a body that it cannot read', async () => {
    const response = await fetch(`${hub.url}/admin/session`, {
      method: 'POST',
      body: `{"password": "${adminPassword}`,
      headers: { origin: new URL(hub.url).origin, 'content-type': 'application/json' },
    })
    const text = await response.text()
    expect([response.status, text.includes(adminPassword)]).toEqual([400, false])
    expect(text).toContain('body: expected a JSON object')
    expect(hub.log).not.toContain(adminPassword)
  })
})

describe('somebody at the console', () => {
  test('sees a channel change, and publishes into it under a name', async () => {
    const one = await operator()
    await using page = await hub.page('ann')
    await page.ask('SUBSCRIBE', { channel_name: 'lobby' })
    const feed = await one.feed({ name: 'channel', channel: 'lobby' })
    const { channel } = await feed.next('channel')
    expect(channel).toMatchObject({
      name: 'lobby',
      options: { history_size: 5, presenceful: true, reflective: true },
      users: ['ann'],
      allUsers: 1,
      state: [['door', '"open"']],
      allKeys: 1,
    })
    const markup = '<img src=x onerror=alert(1)>'
    const fields = { channel_name: 'lobby', payload: markup, originator: 'the operator' }
    expect(await one.post('call/publish', fields)).toMatchObject({ status: 200 })
    expect(await page.next('PUBLISH')).toMatchObject({ args: { payload: markup, user: 'the operator' } })
    const { entries, skipped } = await feed.next('entries', ({ entries }) => entries[0]?.name === 'PUBLISH')
    expect(entries).toMatchObject([{ name: 'PUBLISH', user: 'the operator', json: JSON.stringify(markup) }])
    expect(skipped).toBe(0)
    await feed.next('channel', ({ channel }) => channel.history.at(-1)?.name === 'PUBLISH')

    await one.post('call/set_channel_options', { channel_name: 'lobby', history_size: 0 })
    await feed.next('channel', ({ channel }) => channel.options.history_size === 0 && channel.allHistory === 0)
    await one.post('call/destroy_channel', { channel_name: 'lobby' })
    await feed.next('gone')
    expect(hub.log).toMatch(/"method":"destroy_channel".*"msg":"done at the console"/)
  })

  test('is told what is wrong with an option in the words of the contract', async () => {
    const one = await operator()
    await one.post('call/create_channel', { channel_name: 'strict' })
    const { status, body } = await one.post('call/set_channel_options', { channel_name: 'strict', history_size: -1 })
    expect(status).toBe(400)
    expect(body).toMatchObject({
      error: expect.stringMatching(/^history_size: expected/),
    })
  })

  test.each(['set_config', 'info', 'toString'])('cannot call %s', async (method) => {
    expect(await (await operator()).post(`call/${method}`, {})).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining('unknown method') },
    })
  })

  test('finds a user, sees the line of the page, and puts it out', async () => {
    const one = await operator()
    await using page = await hub.page('cleo')
    const list = await one.feed({ name: 'users', search: 'CLE', sort: 'name', descending: false, from: 0 })
    expect((await list.next('users')).page).toMatchObject({ rows: [{ name: 'cleo', connections: 1 }], found: 1 })
    const feed = await one.feed({ name: 'user', user: 'cleo' })
    const { user } = await feed.next('user')
    expect(user.connections).toMatchObject([{ transport: 'websocket', buffered: 0, live: true, address: '127.0.0.1' }])
    expect(await one.post('call/disconnect_user', { name: 'cleo' })).toMatchObject({ status: 200 })
    expect((await page.closed).code).toBe(4403)
    await feed.next('gone')
  })

  test('reads why a webhook’s answer was of no use', async () => {
    const one = await operator()
    await using page = await hub.page('dora')
    await page.ask('SUBSCRIBE', { channel_name: 'forms' })
    const feed = await one.feed({ name: 'webhooks' })
    await feed.next('webhooks')
    await page.ask('PUBLISH', { channel_name: 'forms', payload: 'login' }).catch(() => {})
    const { calls } = await feed.next('webhooks', ({ calls }) => calls.some(({ webhook }) => webhook === 'publish'))
    const call = calls.find(({ webhook }) => webhook === 'publish')
    expect(call).toMatchObject({ status: 200, fields: expect.anything() })
    expect(JSON.stringify(call)).toMatch(/HTML/)
  })

  test('sees what is logged, and the figures of the hub', async () => {
    const one = await operator()
    const feed = await one.feed({ name: 'log' })
    const { figures } = await feed.next('figures')
    expect(figures).toMatchObject({ silent: [], nodes: [{ here: true }], sums: { givenUp: 0 } })
    expect(figures.sums.memory).toBeGreaterThan(1_000_000)
    const { lines } = await feed.next('log', ({ lines }) => lines.length > 0)
    expect(lines.map(({ line }) => JSON.parse(line))).toEqual(
      expect.arrayContaining([expect.objectContaining({ msg: expect.any(String) })]),
    )
  })

  test.each([
    [{ name: 'nothing' }, 'name: expected overview, channels'],
    [{ name: 'channels', from: -1 }, 'from: expected a whole number from 0, got -1'],
    [{ name: 'channel', channel: '' }, 'channel: expected'],
  ])('is told what there is to look at instead of %j', async (view, text) => {
    const { status, body } = await (await operator()).post('feed', view)
    expect(status).toBe(400)
    expect(body).toMatchObject({ error: expect.stringContaining(text) })
  })
})
