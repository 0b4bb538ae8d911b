import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openWirePage, until, type WebhookReplies } from '@hookbox/testkit'
import { beforeAll, describe, expect, test } from 'vitest'
import { Operator } from './kit/operator.ts'
import { RunningHub } from './kit/running-hub.ts'

/** Each is found again wherever it gets to. */
const secret = (name: string) => `${name}-${randomBytes(12).toString('hex')}`

const secrets = {
  webhook: secret('webhook'),
  rest: secret('rest'),
  signing: `whsec_${randomBytes(24).toString('base64')}`,
  admin: secret('admin'),
  cookie: secret('cookie'),
  cookieOfDocument: secret('document-cookie'),
  cookieOfReply: secret('reply-cookie'),
  hiddenCookie: secret('http-only-cookie'),
  payloadToken: secret('payload-token'),
  guessed: secret('guessed'),
  secretOfUrl: secret('secret-in-url'),
  passwordOfUrl: secret('password-in-url'),
  polled: secret('polled'),
}

/** An application that repeats in its error page everything that it was told, as frameworks do while they are developed. */
const talkative: WebhookReplies = (_fields, { body, headers }) => ({
  status: 500,
  body: `${headers.cookie} ${body} ${decodeURIComponent(body)} ${JSON.stringify(headers)} API=${secrets.rest}`,
})

let log: string
let access: string
/** What pages and sessions were given, which nobody else may show. */
const given: { [name: string]: string } = {}

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hookbox-log-'))
  const files = { logFileAccess: join(directory, 'access.log'), logFileErrors: join(directory, 'errors.log') }
  try {
    await using hub = await RunningHub.start(
      {
        create_channel: ({ channel_name }) =>
          channel_name === 'odd' ? [true, { no_option: secrets.payloadToken }] : [true, { history_size: 5 }],
        publish: talkative,
        subscribe: [false, { error: 'no' }],
        message: 'close',
        unsubscribe: ['nonsense'],
        destroy_channel: { status: 302, headers: { location: `/login?token=${secrets.guessed}` } },
      },
      {
        ...{ logLevel: 'trace', ...files, webhookSecret: secrets.webhook, apiSecurityToken: secrets.rest },
        ...{
          signingSecret: secrets.signing,
          adminPassword: secrets.admin,
          allowSetConfig: true,
          trustProxy: 1,
          linger: 30,
        },
      },
    )
    await everything(hub)
    await hub.hookbox.close()
    log = hub.log
    access = readFileSync(files.logFileAccess, 'utf8') + readFileSync(files.logFileErrors, 'utf8')
  } finally {
    rmSync(directory, { recursive: true })
  }
})

async function everything(hub: RunningHub): Promise<void> {
  await pages(hub)
  await streams(hub)
  await rest(hub)
  await operators(hub)
  await nonsense(hub)
}

async function pages(hub: RunningHub): Promise<void> {
  const headers = { cookie: `session=${secrets.cookie}`, 'x-request-id': 'the-proxy-calls-it-so' }
  hub.app.reply('connect', ({ payload }) => ({
    headers: { 'set-cookie': [`a=${secrets.cookieOfReply}`, `b=${secrets.hiddenCookie}; HttpOnly`] },
    body: JSON.stringify([true, { name: 'ann', override_payload: JSON.parse(payload ?? 'null'), expires_in: 60 }]),
  }))
  const args = { payload: { token: secrets.payloadToken }, cookie_string: `doc=${secrets.cookieOfDocument}` }
  const ann = await openWirePage(hub.wsUrl, { headers })
  given.ticket = ((await ann.ask('CONNECT', args)).args as { ticket: string }).ticket
  for (const name of ['chat', 'odd']) await ann.ask('SUBSCRIBE', { channel_name: name }).catch(() => {})
  hub.app.reply('subscribe', [true, { initial_data: { token: secrets.payloadToken } }])
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  await ann.ask('PUBLISH', { channel_name: 'chat', payload: { token: secrets.payloadToken } }).catch(() => {})
  await ann.ask('MESSAGE', { name: 'bob', payload: { token: secrets.payloadToken } }).catch(() => {})
  await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' }).catch(() => {})
  await ann.ask('HISTORY', { channel_name: 'chat', since: 'wrong' }).catch(() => {})
  ann.close(4999)
  await ann.closed
  // Back by a ticket that is right, then by one that is not, then refused, then not answered.
  const back = await openWirePage(hub.wsUrl, { headers })
  given.second = ((await back.ask('CONNECT', { ...args, ticket: given.ticket })).args as { ticket: string }).ticket
  back.close(1000)
  for (const reply of [
    [false, { error: 'sign in first' }],
    talkative,
    [true, { name: 'ann', reflective: 7 }],
  ] as const) {
    hub.app.reply('connect', reply as WebhookReplies)
    const page = await openWirePage(hub.wsUrl, { headers })
    await page.ask('CONNECT', { ...args, ticket: given.ticket }).catch(() => {})
    await page.closed
  }
  hub.app.reply('connect', [true, { name: 'bob' }])
}

async function streams(hub: RunningHub): Promise<void> {
  const post = (path: string, head: object, message = '') =>
    fetch(`${hub.url}/stream${path}`, { method: 'POST', body: `${JSON.stringify(head)}\n${message}` })
  const opened = await (await post('', { poll: true })).text()
  given.session = /"session":"([0-9a-f]{64})"/.exec(opened)?.[1] ?? expect.unreachable()
  await post('/send', { session: given.session, seq: 1 }, '[1,"CONNECT",{}]')
  await post('', { session: given.session, poll: true })
  await post('', { session: given.session, ack: 99 })
  await post('', { session: given.session.replace(/^.{32}/, '0'.repeat(32)) })
  await post('/send', { session: given.session, seq: 'x' })
  await post('/send', { session: given.session, seq: 2, close: 1000 })
}

async function rest(hub: RunningHub): Promise<void> {
  const call = (path: string, init?: RequestInit) =>
    fetch(`${hub.url}${path}`, init).then((response) => response.text())
  const fields = (more: Record<string, string>) => new URLSearchParams({ security_token: secrets.rest, ...more })
  await call('/rest/get_server_info', { method: 'POST', body: fields({}) })
  await call(`/rest/get_server_info?${fields({})}`)
  await call('/rest/get_server_info', { headers: { authorization: `Bearer ${secrets.rest}` } })
  await call(`/rest/publish?secret=${secrets.guessed}`)
  await call('/rest/nothing', { method: 'POST', body: fields({ token: secrets.guessed }) })
  await call('/web/publish', {
    method: 'POST',
    body: `{"security_token": "${secrets.rest}", "channel_name"`,
    headers: { 'content-type': 'application/json' },
  })
  await call('/metrics', { headers: { authorization: `Bearer ${secrets.guessed}` } })
  const create = (channel_name: string, user: string) => {
    const url = `http://${user}127.0.0.1:1/points?key=${secrets.secretOfUrl}`
    const polling = JSON.stringify({ mode: 'persistent', url, interval: 0.1, form: { token: secrets.polled } })
    return call('/rest/create_channel', { method: 'POST', body: fields({ channel_name, polling }) })
  }
  await create('refused', `user:${secrets.passwordOfUrl}@`)
  await create('polled', '')
  await until(() => hub.log.includes('polling failed') || undefined, 'a poll to fail')
  await call('/rest/set_config', { method: 'POST', body: fields({ webhook_secret: JSON.stringify(secrets.webhook) }) })
  await call('/rest/set_config', { method: 'POST', body: fields({ admin_password: '7' }) })
  await call('/rest/destroy_channel', { method: 'POST', body: fields({ channel_name: 'polled', send_hook: '1' }) })
}

async function operators(hub: RunningHub): Promise<void> {
  const operator = new Operator(hub.url)
  await operator.signIn(secrets.guessed)
  await operator.signIn(secrets.admin)
  given.operator = /=([0-9a-f]{64})$/.exec(operator.cookie)?.[1] ?? expect.unreachable()
  await operator.post('call/publish', { channel_name: 'chat', payload: { token: secrets.payloadToken } })
  for (const view of [{ name: 'webhooks' }, { name: 'log' }] as const) await (await operator.feed(view)).next('figures')
  await operator.delete('session')
  operator.leave()
}

async function nonsense(hub: RunningHub): Promise<void> {
  const page = await openWirePage(hub.wsUrl, { headers: { cookie: `session=${secrets.cookie}` } })
  page.sendRaw(`no frame at all {"token":"${secrets.payloadToken}"}`)
  await page.closed
  await openWirePage(`${hub.wsUrl}?token=${secrets.guessed}`, { origin: 'https://evil.example' }).catch(() => {})
  const socket = connectTcp(Number(new URL(hub.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.end(
    `GET /ws?secret=${secrets.guessed} HTTP/1.1\r\nCookie: session=${secrets.cookie}\r\nHost: x\r\nnonsense\r\n\r\n`,
  )
  await new Promise((resolve) => socket.on('close', resolve).resume())
}

test('the run has come by everything that is logged', () => {
  const messages = new Set(
    log
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
  )
  expect([...messages]).toEqual(
    expect.arrayContaining([
      'connection opened',
      'connection admitted',
      'connection closed',
      'webhook answered',
      'webhook failed',
      'REST method called',
      'a channel could not be made',
      'the reply to connect cannot be used',
      'polling failed',
      'the configuration was changed by set_config',
      'somebody gave a wrong password at the console',
      'done at the console',
      'a reply set a cookie that script may not see: the hub sends it on, the browser cannot be told',
    ]),
  )
  expect(access.split('\n').length).toBeGreaterThan(20)
})

describe('nothing that was logged holds', () => {
  test.each(Object.keys(secrets) as (keyof typeof secrets)[])('the secret %s', (name) => {
    const value = secrets[name]
    for (const form of [value, encodeURIComponent(value), value.replace('whsec_', '')]) {
      expect(log).not.toContain(form)
      expect(access).not.toContain(form)
    }
  })

  test('a ticket, or the secret of a stream or of an operator’s session', () => {
    expect(Object.keys(given)).toEqual(['ticket', 'second', 'session', 'operator'])
    for (const value of Object.values(given)) {
      expect(log).not.toContain(value)
      expect(access).not.toContain(value)
    }
  })
})

describe('lines say what they are about', () => {
  const lines = () =>
    log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { [field: string]: unknown })
  const of = (...messages: string[]) => lines().filter(({ msg }) => messages.includes(msg as string))

  test('everything that a connection caused carries its id, and its first line the id of the request', () => {
    const opened = of('connection opened')
    expect(opened[0]).toMatchObject({ request: 'the-proxy-calls-it-so', transport: 'websocket', address: '127.0.0.1' })
    const ids = opened.map(({ connection }) => connection)
    const caused = of(
      'connection admitted',
      'connection closed',
      'webhook failed',
      'the reply to connect cannot be used',
      'a channel could not be made',
    )
    expect(caused.length).toBeGreaterThan(10)
    const late = ['disconnect', 'destroy_channel', 'hub_started']
    for (const line of caused.filter(({ webhook }) => !late.includes(webhook as string)))
      expect(ids, JSON.stringify(line)).toContain(line.connection)
  })

  test('the access log has the same ids', () => {
    const seen = access
      .trim()
      .split('\n')
      .flatMap((line) => (JSON.parse(line) as { request?: string }).request ?? [])
    for (const { request } of of('REST method called', 'connection opened')) expect(seen).toContain(request)
  })
})
