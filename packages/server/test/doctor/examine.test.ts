import { startWebApplication, TestClock, type WebhookReplies } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { loadOptions } from '../../src/config/load.ts'
import type { HookboxOptions } from '../../src/config/options.ts'
import { type Examination, examine } from '../../src/doctor/examine.ts'
import type { Finding } from '../../src/doctor/finding.ts'

const secrets = { webhookSecret: '9f2c41d07be84a55b7d3a6e0', apiSecurityToken: 'c05d9b7713f64f3ea1e2d848' }

async function findings(options: HookboxOptions, more: Partial<Examination> = {}): Promise<Finding[]> {
  const { config, warnings } = loadOptions(options)
  const given = { cookies: undefined, payload: 'null', ask: [], channel: undefined, user: undefined }
  const rest = { hub: undefined, origins: [], clock: new TestClock() }
  const found: Finding[] = []
  for await (const finding of examine({ config, warnings, ...given, ...rest, ...more })) found.push(finding)
  return found
}

function said(found: readonly Finding[]): string[] {
  return found.map(({ kind, code, says }) => `${kind} ${code}: ${says}`)
}

const application = (connect: WebhookReplies) => startWebApplication({ connect })
const bySession: WebhookReplies = (_fields, { cookies }) =>
  cookies.session === 'f81d' ? [true, { name: 'ann' }] : [false, { error: 'sign in first' }]

test('an application that is all right is asked once, as a hub would, and marked', async () => {
  await using app = await application([true, { name: 'ann' }])
  const found = await findings({ cbhost: '127.0.0.1', cbport: app.port, signingSecret: 'whsec_YWJj', ...secrets })
  expect(said(found.filter(({ code }) => code !== 'configuration'))).toEqual([
    'right admitted: The application answers in 0 ms and admits the user "ann".',
  ])
  const [call, ...others] = app.calls()
  expect(others).toEqual([])
  expect(call?.fields).toEqual({
    action: 'connect',
    secret: secrets.webhookSecret,
    conn_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    payload: 'null',
  })
  expect(call?.headers).toMatchObject({
    'x-hookbox-probe': 'doctor',
    'x-real-ip': '127.0.0.1',
    'webhook-signature': expect.stringMatching(/^v1,/),
  })
})

describe('time', () => {
  test('an answer that takes more than a second is noted', async () => {
    const clock = new TestClock()
    await using app = await application(async () => {
      await clock.advance(1_600)
      return [true, { name: 'ann' }]
    })
    expect(said(await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { clock }))).toEqual([
      'right admitted: The application answers in 1600 ms and admits the user "ann".',
      'note slow: The answer took 1.6 s, for which whoever acts waits.',
    ])
  })

  test('one that does not come is waited for as long as a hub waits', async () => {
    const clock = new TestClock()
    await using app = await application(() => {
      void clock.advance(5_000)
      return 'hang'
    })
    expect(said(await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { clock }))).toEqual([
      'wrong time_out: No complete answer came within 5 s.',
    ])
    expect(clock.pending).toBe(0)
  })
})

describe('cookies', () => {
  test('that arrive are told by the difference that they make', async () => {
    await using app = await application(bySession)
    const found = await findings(
      { cbhost: '127.0.0.1', cbport: app.port, ...secrets },
      { cookies: 'theme=dark; session=f81d' },
    )
    expect(said(found)).toEqual([
      'right admitted: The application answers in 0 ms and admits the user "ann".',
      'right cookies_sent: Sent with it: "theme", "session".',
      'right cookies_arrive: The cookies arrive: without them it refuses, “sign in first”.',
    ])
    expect(app.calls().map(({ cookies }) => Object.keys(cookies))).toEqual([['theme', 'session'], []])
  })

  test('that make no difference to whom it admits', async () => {
    await using app = await application([true, { name: 'guest' }])
    const found = await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { cookies: 'session=f81d' })
    expect(said(found).at(-1)).toBe(
      'note cookies_not_needed: Without the cookies the application admits the same user: it does not go by them.',
    )
  })

  test('without which it admits somebody else', async () => {
    await using app = await application((_fields, { cookies }) => [true, { name: cookies.session ? 'ann' : 'guest' }])
    const found = await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { cookies: 'session=f81d' })
    expect(said(found).at(-1)).toBe('right cookies_arrive: The cookies arrive: without them it answers otherwise.')
  })

  test('none of which has the name that alone is sent', async () => {
    await using app = await application(bySession)
    const found = await findings(
      { cbhost: '127.0.0.1', cbport: app.port, cookieIdentifier: 'sessionid', ...secrets },
      { cookies: 'session=f81d' },
    )
    expect(said(found)).toContain(
      'wrong cookie_identifier: No cookie is sent: --cookie-identifier is sessionid, and none of this name was given.',
    )
    expect(app.calls()).toHaveLength(1)
  })

  test('too many to be sent', async () => {
    await using app = await application(bySession)
    const found = await findings(
      { cbhost: '127.0.0.1', cbport: app.port, ...secrets },
      { cookies: `session=${'x'.repeat(8_192)}` },
    )
    expect(said(found)).toContain('wrong cookies_not_sent: No cookie is sent: cookies beyond 8192 bytes are not sent.')
  })

  test('which nobody gave', async () => {
    await using app = await application(bySession)
    expect(said(await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }))).toEqual([
      'note refused: connect is refused, “sign in first”, in 0 ms.',
      'note no_cookies: It was asked without cookies, and a refusal may be right.',
    ])
  })
})

describe('what does no harm by itself is noted once', () => {
  test('a content type, an HttpOnly cookie, a detail that nobody knows', async () => {
    const reply = (details: unknown) => ({
      headers: { 'content-type': 'text/html', 'set-cookie': ['s=hush; HttpOnly', 'theme=dark'] },
      body: JSON.stringify([true, details]),
    })
    await using app = await startWebApplication({ connect: reply({ name: 'ann', nmae: 1 }), subscribe: reply([]) })
    const found = await findings(
      { cbhost: '127.0.0.1', cbport: app.port, ...secrets },
      { ask: ['subscribe'], channel: 'chat' },
    )
    expect(said(found)).toEqual([
      'right admitted: The application answers in 0 ms and admits the user "ann".',
      'note unknown_detail: No hub knows "nmae" in the reply to connect; it is passed over.',
      'note content_type: The reply has the Content-Type "text/html"; the hub reads it all the same.',
      'note set_cookie_http_only: The reply sets "s" as HttpOnly: the hub sends it from then on, and the browser is never told.',
      'right allowed: subscribe is allowed, in 0 ms.',
    ])
    // As in the life of a connection.
    expect(app.calls('subscribe')[0]?.cookies).toEqual({ s: 'hush', theme: 'dark' })
  })

  test('no secrets', async () => {
    await using app = await application([true, { name: 'ann' }])
    expect((await findings({ cbhost: '127.0.0.1', cbport: app.port })).map(({ code }) => code)).toEqual([
      'no_webhook_secret',
      'admitted',
      'no_rest_secret',
    ])
  })

  test('what the configuration itself is warned of', async () => {
    await using app = await application([true, { name: 'ann' }])
    expect(said(await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets, webhookSecret: 'short' }))[0]).toBe(
      'note configuration: webhookSecret: a secret of less than 24 bytes can be guessed.',
    )
  })
})

test('webhooks are asked that were named, and no others, about the user that connect admitted', async () => {
  await using app = await startWebApplication({
    connect: [true, { name: 'ann' }],
    create_channel: [true, { history_size: 20, history: [['PUBLISH', { payload: 1 }]], state: { a: 1 } }],
    publish: [false, { error: 'you are muted' }],
  })
  const ask = ['create_channel', 'publish', 'message', 'disconnect', 'destroy_channel', 'hub_started'] as const
  const found = await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { ask, channel: 'chat' })
  expect(said(found).slice(1)).toEqual([
    'right allowed: create_channel is allowed with history_size 20, a history of 1, state {"a":1}, in 0 ms.',
    'note refused: publish is refused, “you are muted”, in 0 ms.',
    'right allowed: message is allowed, in 0 ms.',
    'right allowed: disconnect is allowed, in 0 ms.',
    'right allowed: destroy_channel is allowed, in 0 ms.',
    'right allowed: hub_started is allowed, in 0 ms.',
  ])
  expect(app.calls().map(({ fields: { secret: _, conn_id, node, ...fields } }) => fields)).toEqual([
    { action: 'connect', payload: 'null' },
    { action: 'create_channel', channel_name: 'chat' },
    { action: 'publish', channel_name: 'chat', payload: '"hookbox doctor"', originator: 'ann' },
    { action: 'message', sender: 'ann', recipient: 'ann', recipient_exists: 'true', payload: '"hookbox doctor"' },
    { action: 'disconnect', name: 'ann', channels: '["chat"]' },
    { action: 'destroy_channel', channel_name: 'chat' },
    { action: 'hub_started' },
  ])
})

test('a hub_started that the application does not know is all right', async () => {
  await using app = await startWebApplication({ connect: [true, { name: 'ann' }], hub_started: { status: 404 } })
  const found = await findings({ cbhost: '127.0.0.1', cbport: app.port, ...secrets }, { ask: ['hub_started'] })
  expect(said(found).at(-1)).toBe('right allowed: hub_started was answered; what it is answered makes no difference.')
})

test('where connect admits nobody, what is about a user is asked only with --user', async () => {
  await using app = await startWebApplication({ connect: [false, {}] })
  const options = { cbhost: '127.0.0.1', cbport: app.port, ...secrets }
  const asked = { ask: ['publish'], channel: 'chat' } as const
  expect(said(await findings(options, asked)).at(-1)).toBe(
    'wrong not_asked: publish was not asked: it is about a user, and connect admitted nobody.',
  )
  expect(said(await findings(options, { ...asked, user: 'bob' })).at(-1)).toBe(
    'right allowed: publish is allowed, in 0 ms.',
  )
})

test('in open mode there is nothing to ask', async () => {
  expect(said(await findings({}))).toEqual([
    'wrong open_mode: With these options the hub runs in open mode: it admits everyone, and there is no application to ask.',
  ])
})

describe('an origin', () => {
  test.each([
    {
      name: 'that is listed',
      origin: 'https://example.org',
      says: 'right origin_allowed: Pages of https://example.org may connect: --origin lists it.',
    },
    {
      name: 'on the hub’s own host name',
      origin: 'http://hub.example.org:8000',
      says: 'right origin_allowed: Pages of http://hub.example.org:8000 may connect: the hub is at the same host name.',
    },
    {
      name: 'on another',
      origin: 'https://evil.example',
      says: 'wrong origin_refused: Pages of https://evil.example get status 403 from a hub at hub.example.org, and no webhook is asked.',
    },
    {
      name: 'where nothing says where the hub is',
      origin: 'https://www.example.org',
      hub: null,
      says: 'note origin_by_host: Pages of https://www.example.org may connect only where they reach the hub by the host name www.example.org; with another they get status 403.',
    },
    {
      name: 'as no browser writes it',
      origin: 'https://example.org/',
      says: 'wrong origin_form: No browser sends the origin "https://example.org/": it would be https://example.org.',
    },
  ])('$name', async ({ origin, hub, says }) => {
    const found = await findings(
      { open: true, origin: 'https://example.org' },
      { origins: [origin], hub: hub === null ? undefined : new URL('wss://hub.example.org') },
    )
    expect(said(found).slice(1)).toEqual([says])
  })
})
