import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { gzipSync } from 'node:zlib'
import { TestClock } from '@hookbox/testkit'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { WebhookConfig } from '../../src/config/config.ts'
import type { Caller, Question } from '../../src/webhooks/callbacks.ts'
import { createHttpAsk, type HttpAskOptions, maxConnections, maxReply, webhookUrl } from '../../src/webhooks/http.ts'
import { lookInterval, mostUnanswered } from '../../src/webhooks/short-circuit.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

interface Call {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/** A web application that answers as told and remembers what it was asked. */
async function webApplication(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const calls: Call[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url, headers, rawHeaders } = request
    calls.push({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() })
    answer(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { calls, port: (server.address() as AddressInfo).port }
}

const defaults: WebhookConfig = {
  host: '127.0.0.1',
  port: 1,
  path: '/hookbox',
  https: false,
  trailingSlash: false,
  sendVersion: false,
  singleUrl: undefined,
  names: {},
  timeout: 5_000,
}

function asker(config: Partial<WebhookConfig>, more: Partial<HttpAskOptions> = {}) {
  const log = new RecordingLog()
  const made = createHttpAsk({
    config: { ...defaults, ...config },
    secret: undefined,
    signingSecrets: [],
    cookieIdentifier: undefined,
    version: '1.2.3',
    hidden: [],
    log,
    clock: systemClock,
    ...more,
  })
  cleanUp.push(() => made.close())
  return { ...made, log }
}

function question(more: Partial<Omit<Question, 'caller'>> & { caller?: Partial<Caller> } = {}): Question {
  const caller = { cookies: undefined, address: undefined, setCookies() {}, ...more.caller }
  return { name: 'publish', fields: { channel_name: 'chat', payload: '"hé & =+"' }, id: 'abc', ...more, caller }
}

const yes = (response: ServerResponse) => void response.end('[true, {"a": 1}]')

test('the webhook is a POST of a form, with nothing in its headers that was not asked for', async () => {
  const app = await webApplication(yes)
  const { ask } = asker({ port: app.port })
  const reply = await ask(question())
  expect(reply).toEqual({
    kind: 'answer',
    success: true,
    details: { a: 1 },
    setCookies: [],
    url: `http://127.0.0.1:${app.port}/hookbox/publish`,
  })
  const [call] = app.calls
  expect(call).toMatchObject({ method: 'POST', url: '/hookbox/publish' })
  expect(call?.body).toBe('action=publish&channel_name=chat&payload=%22h%C3%A9+%26+%3D%2B%22')
  expect(call?.headers).toEqual({
    host: `127.0.0.1:${app.port}`,
    connection: 'keep-alive',
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(call?.body.length),
    'user-agent': 'hookbox/1.2.3',
    'webhook-id': 'abc',
  })
})

test('secret, cookies, address, version and signature are sent where they are set', async () => {
  const app = await webApplication(yes)
  const secret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`
  const { ask } = asker({ port: app.port, sendVersion: true }, { secret: 'pass word', signingSecrets: ['old', secret] })
  await ask(question({ caller: { cookies: 'a=1; session=x"y', address: '10.0.0.1' } }))
  const [call] = app.calls
  expect(call?.body).toMatch(/^action=publish&secret=pass\+word&channel_name=chat&/)
  expect(call?.headers).toMatchObject({
    cookie: 'a=1; session=x"y',
    'x-real-ip': '10.0.0.1',
    'x-hookbox-version': '1.2.3',
  })
  expect(call?.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())).toEqual([
    ...new Set(call?.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())),
  ])
  expect(() => verify(secret, call)).not.toThrow()
  expect(() => verify(secret, call && { ...call, body: `${call.body}&x=1` })).toThrow()
})

function verify(secret: string, call: Call | undefined): void {
  try {
    new Webhook(secret).verify(call?.body ?? '', (call?.headers ?? {}) as Record<string, string>)
  } catch (error) {
    // It parses what it has verified as JSON, which a form is not.
    if (!(error instanceof SyntaxError)) throw error
  }
}

test('the timestamp is of the try, in whole seconds', async () => {
  const app = await webApplication(yes)
  const { ask } = asker({ port: app.port }, { signingSecrets: ['s'], clock: new TestClock(1_700_000_000_999) })
  await ask(question())
  expect(app.calls[0]?.headers['webhook-timestamp']).toBe('1700000000')
})

describe('cookies', () => {
  test.each([
    { name: 'only the identified one', id: 'session', cookies: 'a=1; session=xy; xsession=2', sent: 'session=xy' },
    { name: 'both of the same name', id: 's', cookies: 's=1; b=2; s=3', sent: 's=1; s=3' },
    { name: 'none when the identified one is missing', id: 'session', cookies: 'a=1', sent: undefined },
    { name: 'none when the browser had none', id: undefined, cookies: '', sent: undefined },
    { name: 'bytes as they came', id: undefined, cookies: 'a=\xc3\xa9', sent: 'a=\xc3\xa9' },
    { name: 'other characters as UTF-8', id: undefined, cookies: 'a=€', sent: 'a=\xe2\x82\xac' },
    { name: '8 KiB', id: undefined, cookies: `a=${'x'.repeat(8_190)}`, sent: `a=${'x'.repeat(8_190)}` },
  ])('$name', async ({ id, cookies, sent }) => {
    const app = await webApplication(yes)
    const { ask, log } = asker({ port: app.port }, { cookieIdentifier: id })
    await ask(question({ caller: { cookies } }))
    expect(app.calls[0]?.headers.cookie).toBe(sent)
    expect(log.lines).toEqual([])
  })

  test.each([
    { name: 'beyond 8 KiB', cookies: `a=${'x'.repeat(8_191)}`, message: 'cookies beyond 8192 bytes are not sent' },
    { name: 'with a line break', cookies: 'a=top\r\nx: y', message: 'cookies with control characters are not sent' },
  ])('none $name, with a warning that does not show them', async ({ cookies, message }) => {
    const app = await webApplication(yes)
    const { ask, log } = asker({ port: app.port })
    expect((await ask(question({ caller: { cookies } }))).kind).toBe('answer')
    expect(app.calls[0]?.headers.cookie).toBe(undefined)
    expect(log.lines).toMatchObject([{ level: 'warn', message, fields: { webhook: 'publish' } }])
    expect(log.text).not.toContain(cookies.slice(0, 5))
  })

  test('every Set-Cookie of the reply is collected', async () => {
    const app = await webApplication((response) => {
      response.setHeader('set-cookie', ['a=1; Path=/', 'b=2; HttpOnly'])
      response.end('[false, {}]')
    })
    const { ask } = asker({ port: app.port })
    expect(await ask(question())).toMatchObject({ success: false, setCookies: ['a=1; Path=/', 'b=2; HttpOnly'] })
  })
})

test.each([
  { name: 'plain', config: {}, url: 'http://127.0.0.1:1/hookbox/create_channel' },
  { name: 'port 80 unsaid', config: { port: 80 }, url: 'http://127.0.0.1/hookbox/create_channel' },
  {
    name: 'https',
    config: { https: true, host: 'app.example', port: 443 },
    url: 'https://app.example/hookbox/create_channel',
  },
  { name: 'trailing slash', config: { trailingSlash: true }, url: 'http://127.0.0.1:1/hookbox/create_channel/' },
  { name: 'no path', config: { path: '' }, url: 'http://127.0.0.1:1/create_channel' },
  { name: 'path with a slash at its end', config: { path: '/a/' }, url: 'http://127.0.0.1:1/a/create_channel' },
  { name: 'path without a slash', config: { path: 'a' }, url: 'http://127.0.0.1:1/a/create_channel' },
  {
    name: 'an own name',
    config: { names: { create_channel: 'make.php' } },
    url: 'http://127.0.0.1:1/hookbox/make.php',
  },
  { name: 'a single URL', config: { singleUrl: 'http://a.example/cb.php?x=1' }, url: 'http://a.example/cb.php?x=1' },
  { name: 'IPv6', config: { host: '::1', port: 8000 }, url: 'http://[::1]:8000/hookbox/create_channel' },
])('the URL: $name', ({ config, url }) => {
  expect(webhookUrl({ ...defaults, ...config }, 'create_channel').href).toBe(url)
})

test('with a single URL its query string is sent and not told', async () => {
  const app = await webApplication((response) => void response.writeHead(500).end())
  const { ask } = asker({ singleUrl: `http://127.0.0.1:${app.port}/cb.php?key=hush` })
  const reply = await ask(question())
  expect(app.calls[0]?.url).toBe('/cb.php?key=hush')
  expect(app.calls[0]?.body).toMatch(/^action=publish&/)
  expect(reply).toEqual({
    kind: 'fault',
    why: 'status',
    fault: 'expected status 200, got 500 (status 500)',
    url: `http://127.0.0.1:${app.port}/cb.php`,
  })
})

describe('an application out of order', () => {
  test.each<{ name: string; answer: (response: ServerResponse, request: IncomingMessage) => void; fault: string }>([
    {
      name: '500',
      answer: (response) => response.writeHead(500).end('Traceback: boom'),
      fault: 'expected status 200, got 500 (status 500): Traceback: boom',
    },
    {
      name: 'HTML',
      answer: (response) => response.end('<!doctype html><h1>Hi'),
      fault: 'expected [true, {…}], got HTML (status 200): <!doctype html><h1>Hi',
    },
    {
      name: '[true]',
      answer: (response) => response.end('[true]'),
      fault: 'expected [true, {…}], got [true] (status 200): [true]',
    },
    {
      name: '{"ok":1}',
      answer: (response) => response.end('{"ok":1}'),
      fault: 'expected [true, {…}], got {"ok":1} (status 200): {"ok":1}',
    },
    { name: '[]', answer: (response) => response.end('[]'), fault: 'expected [true, {…}], got [] (status 200): []' },
    {
      name: 'an empty body',
      answer: (response) => response.end(),
      fault: 'expected [true, {…}], got nothing (status 200)',
    },
    {
      name: 'closes without an answer',
      answer: (_response, request) => request.socket.destroy(),
      fault: 'connection closed before the answer was complete',
    },
    {
      name: 'closes early',
      answer: (response, request) => {
        response.writeHead(200, { 'content-length': '100' })
        response.write('[true, {}]', () => request.socket.end())
      },
      fault: 'connection closed before the answer was complete',
    },
    {
      name: '2 MiB',
      answer: (response) => response.end(Buffer.alloc(2 * maxReply, '[')),
      fault: `expected an answer of at most ${maxReply} bytes, got more`,
    },
    {
      name: '500 with 2 MiB',
      answer: (response) => response.writeHead(500).end(Buffer.alloc(2 * maxReply, '[')),
      fault: 'expected status 200, got 500 (status 500)',
    },
    {
      name: 'gzip, which is not unpacked',
      answer: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('[true, {}]')),
      fault: 'expected [true, {…}], got a body encoded with gzip',
    },
    {
      name: '302',
      answer: (response) => response.writeHead(302, { location: '/login?next=/hush' }).end(),
      fault: 'redirect to /login (302) is not followed (status 302)',
    },
    {
      name: 'no HTTP',
      answer: (_response, request) => request.socket.end('SSH-2.0-x\r\n'),
      fault: 'no answer: ',
    },
  ])('$name is a fault', async ({ answer, fault }) => {
    const app = await webApplication(answer)
    const { ask } = asker({ port: app.port })
    const reply = await ask(question())
    expect(reply).toMatchObject({ kind: 'fault', url: `http://127.0.0.1:${app.port}/hookbox/publish` })
    expect(reply.kind === 'fault' && reply.fault.slice(0, fault.length)).toBe(fault)
    expect(app.calls).toHaveLength(1)
  })

  test('another content type with the right JSON is fine, a byte order mark too', async () => {
    const app = await webApplication((response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('\ufeff[true, {}]')
    })
    const { ask } = asker({ port: app.port })
    expect(await ask(question())).toMatchObject({ kind: 'answer', success: true })
  })

  test.each<{ name: string; answer: (response: ServerResponse) => void }>([
    { name: 'never answers', answer: () => {} },
    {
      name: 'drips',
      answer: (response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write(' '), 5)
        response.on('close', () => clearInterval(drip))
      },
    },
    { name: 'stops in the middle', answer: (response) => void response.writeHead(200).write('[true') },
  ])('one that $name is a fault at the deadline', async ({ answer }) => {
    let asked = (_response: ServerResponse): void => {}
    const underWay = new Promise<ServerResponse>((resolve) => {
      asked = resolve
    })
    const app = await webApplication((response) => {
      answer(response)
      asked(response)
    })
    const clock = new TestClock()
    const reply = asker({ port: app.port, timeout: 5_000 }, { clock }).ask(question())
    const response = await underWay
    const closed = new Promise((resolve) => response.on('close', resolve))
    await clock.advance(4_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await reply).toMatchObject({ kind: 'fault', why: 'time', fault: 'no complete answer within 5000 ms' })
    await closed
    expect(clock.pending).toBe(0)
  })

  test('one that is not there is a fault', async () => {
    const port = await unusedPort()
    const { ask } = asker({ port })
    expect(await ask(question())).toMatchObject({ fault: `no answer: connect ECONNREFUSED 127.0.0.1:${port}` })
  })

  test('one that has not been there for a while is not asked but once a second, and nobody is shown what was not asked', async () => {
    const clock = new TestClock()
    const seen: unknown[] = []
    const { ask } = asker({ port: 1 }, { clock, saw: (call) => void seen.push(call) })
    for (let n = 0; n < mostUnanswered; n++) expect(await ask(question())).toMatchObject({ why: 'connection' })
    expect(await ask(question())).toMatchObject({ kind: 'fault', why: 'unasked' })
    expect(seen).toHaveLength(mostUnanswered)
    await clock.advance(lookInterval)
    expect(await ask(question())).toMatchObject({ why: 'connection' })
    expect(await ask(question())).toMatchObject({ why: 'unasked' })
  })

  test('one that is not at any address of its name is a fault with a reason', async () => {
    const { ask } = asker({ host: 'localhost', port: await unusedPort() })
    expect(await ask(question())).toMatchObject({ fault: expect.stringMatching(/^no answer: .*ECONNREFUSED/) })
  })

  test('one that does not speak TLS is a fault', async () => {
    const app = await webApplication(yes)
    const { ask } = asker({ port: app.port, https: true })
    expect(await ask(question())).toMatchObject({ kind: 'fault', url: `https://127.0.0.1:${app.port}/hookbox/publish` })
    expect(app.calls).toEqual([])
  })

  test('a URL that is none is a fault', async () => {
    const { ask } = asker({ singleUrl: 'nonsense' })
    expect(await ask(question())).toMatchObject({ kind: 'fault', why: 'connection', fault: 'no answer: Invalid URL' })
  })

  test('an address that cannot be a header is a fault, not a forged header', async () => {
    const app = await webApplication(yes)
    const { ask } = asker({ port: app.port })
    expect(await ask(question({ caller: { address: '1.2.3.4\r\nx-evil: 1' } }))).toMatchObject({ kind: 'fault' })
    expect(app.calls).toEqual([])
  })
})

test('after close nothing is asked any more, and what was under way has finished', async () => {
  const app = await webApplication(yes)
  const { ask, close } = asker({ port: app.port })
  const underWay = ask(question())
  await close()
  expect(await underWay).toMatchObject({ kind: 'answer' })
  expect(await ask(question())).toMatchObject({ fault: 'not sent, as the hub is stopping' })
})

async function unusedPort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('calls about one thing that is answered slowly', () => {
  /** An application that leaves what is about `slow` without an answer, until it is told to give all of them. */
  async function slowApplication() {
    const held: ServerResponse[] = []
    const bodies: string[] = []
    const waiting: { readonly count: number; readonly reached: () => void }[] = []
    const server = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      bodies.push(body)
      if (body.includes('slow')) held.push(response)
      else response.end('[true,{}]')
      for (const one of waiting) if (held.length >= one.count) one.reached()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanUp.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return {
      port: (server.address() as AddressInfo).port,
      bodies,
      held: (count: number) => new Promise<void>((reached) => waiting.push({ count, reached })),
      answerAll() {
        for (const response of held.splice(0)) response.end('[true,{}]')
      },
    }
  }

  const about = (fields: Question['fields'], name: Question['name'] = 'subscribe'): Question => ({
    name,
    fields,
    caller: { cookies: undefined, address: undefined, setCookies() {} },
    id: 'id',
  })

  test.each([
    { what: 'a channel', slow: about({ channel_name: 'slow' }) },
    { what: 'a webhook that is about no channel', slow: about({ payload: '"slow"' }, 'connect') },
  ])('do not hold up all others: $what', async ({ slow }) => {
    const application = await slowApplication()
    const { ask } = asker({ singleUrl: `http://127.0.0.1:${application.port}/` })
    const allHeld = application.held(maxConnections / 2)
    const asked = Array.from({ length: 2 * maxConnections }, () => ask(slow))
    await allHeld
    expect(await ask(about({ channel_name: 'quick' }))).toMatchObject({ kind: 'answer', success: true })
    expect(await ask(about({ name: 'somebody' }, 'disconnect'))).toMatchObject({ kind: 'answer', success: true })
    // All that wait come to their turn.
    const giving = setInterval(() => application.answerAll(), 5)
    cleanUp.push(() => clearInterval(giving))
    const answers = await Promise.all(asked)
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['answer']))
    expect(application.bodies).toHaveLength(2 * maxConnections + 2)
  })

  test('say nothing of the application where others left them too little time', async () => {
    const application = await slowApplication()
    const clock = new TestClock()
    const url = `http://127.0.0.1:${application.port}/`
    const { ask, log } = asker({ singleUrl: url }, { clock })
    const allHeld = application.held(maxConnections / 2)
    const asked = Array.from({ length: maxConnections / 2 }, () => ask(about({ channel_name: 'slow' })))
    const waiting = Array.from({ length: 2 * mostUnanswered }, () => ask(about({ channel_name: 'slow' })))
    await allHeld
    await clock.advance(4_000)
    const allHeldAgain = application.held(2 * mostUnanswered)
    application.answerAll()
    for (const answer of await Promise.all(asked)) expect(answer).toMatchObject({ kind: 'answer' })
    await allHeldAgain
    await clock.advance(1_000)
    for (const answer of await Promise.all(waiting)) expect(answer).toMatchObject({ kind: 'fault', url })
    expect(log.lines.filter((line) => JSON.stringify(line).includes('once a second'))).toEqual([])
    expect(await ask(about({ channel_name: 'quick' }))).toMatchObject({ kind: 'answer' })
  })

  test('about a channel that is called like a webhook do not hold up that webhook', async () => {
    const application = await slowApplication()
    const { ask } = asker({ singleUrl: `http://127.0.0.1:${application.port}/` })
    const allHeld = application.held(maxConnections / 2)
    const asked = Array.from({ length: maxConnections }, () =>
      ask(about({ channel_name: 'connect', payload: '"slow"' })),
    )
    await allHeld
    expect(await ask(about({ payload: '"quick"' }, 'connect'))).toMatchObject({ kind: 'answer' })
    const giving = setInterval(() => application.answerAll(), 5)
    cleanUp.push(() => clearInterval(giving))
    await Promise.all(asked)
  })
})
