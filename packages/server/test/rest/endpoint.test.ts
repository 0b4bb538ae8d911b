import { createServer, request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { HookboxError } from '@hookbox/protocol'
import { afterEach, describe, expect, test } from 'vitest'
import { createRestEndpoint, type RestOptions } from '../../src/rest/endpoint.ts'
import { json, method, optional, rest, text } from '../../src/rest/fields.ts'
import { Signals } from '../../src/signals/signals.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const cleanUp: (() => unknown)[] = []
afterEach(() => {
  for (const end of cleanUp.splice(0).reverse()) end()
})

const secret = 'the secret of the REST interface'
const bearer = { authorization: `Bearer ${secret}` }
const formType = { 'content-type': 'application/x-www-form-urlencoded' }
const jsonType = { 'content-type': 'application/json; charset=utf-8' }

const boom = new TypeError('boom')
const methods = {
  echo: method({ a: text, payload: optional(json) }, (fields) => fields),
  collect: method({ options: rest() }, (fields) => fields),
  fail: method({}, () => {
    throw boom
  }),
  refuse: method({}, async () => {
    throw new HookboxError('refused', 'not today')
  }),
  absent: method({}, async () => {
    throw new HookboxError('unknown_channel', 'unknown channel "x"')
  }),
}

async function start(options: Partial<RestOptions> = {}) {
  const log = new RecordingLog()
  const handle = createRestEndpoint({
    methods,
    signals: new Signals(),
    secrets: () => [secret],
    log,
    alwaysOk: false,
    ...options,
  })
  const server = createServer((request, response) => {
    const [, name = ''] = /^\/rest\/([^?]*)/.exec(request.url ?? '') ?? []
    void handle(request, response, name)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo

  function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string) {
    return new Promise<{ status: number | undefined; headers: NodeJS.Dict<string | string[]>; reply: unknown }>(
      (resolve, reject) => {
        const sent = httpRequest({ port, method, path: `/rest/${path}`, headers }, async (response) => {
          const chunks: Buffer[] = []
          for await (const chunk of response) chunks.push(chunk as Buffer)
          const received = Buffer.concat(chunks).toString()
          const reply = received === '' ? undefined : JSON.parse(received)
          resolve({ status: response.statusCode, headers: response.headers, reply })
        })
        sent.on('error', reject)
        sent.end(body)
      },
    )
  }
  return { ask, log, port }
}

function failure(error: string, code: string) {
  return [false, { error, msg: error, code }]
}

describe('fields', () => {
  test.each<{
    name: string
    method?: string
    path?: string
    headers?: Record<string, string>
    body?: string
    reply: object
  }>([
    {
      name: 'a form',
      headers: formType,
      body: 'a=x+%C3%A9&payload=%7B%22n%22%3A1%7D',
      reply: { a: 'x é', payload: '{"n":1}' },
    },
    { name: 'a form without content type', body: 'a=x', reply: { a: 'x' } },
    {
      name: 'a JSON object',
      headers: jsonType,
      body: '{"a": "x", "payload": {"n": 1}}',
      reply: { a: 'x', payload: '{"n":1}' },
    },
    { name: 'a query string', method: 'GET', path: 'echo?a=x&payload=1', reply: { a: 'x', payload: '1' } },
    { name: 'a query string of a POST', path: 'echo?a=x', reply: { a: 'x' } },
    {
      name: 'the body goes before the query string',
      path: 'echo?a=q&payload=1',
      body: 'a=b',
      reply: { a: 'b', payload: '1' },
    },
    { name: "PHP's empty object", path: 'echo?a=x', headers: jsonType, body: '[]', reply: { a: 'x' } },
    { name: 'nothing but what is asked for', headers: jsonType, body: '{"a": "x", "b": 1}', reply: { a: 'x' } },
  ])('$name', async ({ method = 'POST', path = 'echo', headers = {}, body, reply }) => {
    const { ask } = await start()
    const answer = await ask(method, path, { ...bearer, ...headers }, body)
    expect(answer.reply).toEqual([true, reply])
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
  })

  const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

  test.each<{
    name: string
    headers?: Record<string, string>
    body: string
    error: string
    status?: number
    code?: string
  }>([
    { name: 'a missing field', body: 'b=x', error: 'a: expected a text, got nothing' },
    { name: 'a wrong type', headers: jsonType, body: '{"a": 1}', error: 'a: expected a text, got 1' },
    { name: 'a repeated field', body: 'a=1&a=2', error: 'a: expected once, got it twice' },
    {
      name: 'no JSON',
      headers: jsonType,
      body: '{"a"',
      error: 'body: expected a JSON object, got something that is no JSON',
    },
    {
      name: 'JSON that is no object',
      headers: jsonType,
      body: '"a"',
      error: 'body: expected a JSON object, got another value',
    },
    {
      name: 'JSON without its type',
      headers: formType,
      body: '{"a": "x"}',
      error: 'body: expected a form; JSON needs content-type application/json',
    },
    {
      name: 'another type',
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: '--x',
      error: 'content-type: expected application/x-www-form-urlencoded or application/json, got "multipart/form-data"',
    },
    {
      name: 'nested too deep',
      headers: jsonType,
      body: `{"a": "x", "payload": ${deep(33)}}`,
      error: 'payload: expected JSON nested at most 32 deep',
    },
    {
      name: 'nested without end',
      headers: jsonType,
      body: `{"a": ${deep(300_000)}}`,
      error: 'a: expected JSON nested at most 32 deep',
    },
    {
      name: 'a thousand fields and one',
      body: Array.from({ length: 1_001 }, (_, i) => `f${i}=`).join('&'),
      error: 'expected at most 1000 fields, got 1001',
    },
    {
      name: 'more than 1 MiB',
      body: `a=${'x'.repeat(1_048_575)}`,
      error: 'body: expected at most 1048576 bytes',
      status: 413,
      code: 'too_large',
    },
  ])('$name is a mistake', async ({ headers = {}, body, error, status = 400, code = 'bad_request' }) => {
    const { ask, log } = await start()
    const answer = await ask('POST', 'echo', { ...bearer, ...headers }, body)
    expect(answer.reply).toEqual(failure(error, code))
    expect(answer.status).toBe(status)
    expect(log.complaints).toEqual([])
  })

  test('32 deep and 1 MiB are taken', async () => {
    const { ask } = await start()
    const nested = await ask('POST', 'echo', { ...bearer, ...jsonType }, `{"a": "x", "payload": ${deep(32)}}`)
    expect(nested.reply).toEqual([true, { a: 'x', payload: deep(32) }])
    const large = await ask('POST', 'echo', bearer, `a=${'x'.repeat(1_048_574)}`)
    expect(large.status).toBe(200)
  })

  test('a body without a length is bounded while it is read', async () => {
    const { port } = await start()
    const socket = connect(port, '127.0.0.1')
    cleanUp.push(() => socket.destroy())
    socket.write('POST /rest/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n')
    socket.write('x'.repeat(0x100001))
    const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(String(data))))
    expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  })
})

describe('the secret', () => {
  test.each<{ name: string; path?: string; headers?: Record<string, string>; body?: string }>([
    { name: 'in the header', headers: bearer, body: 'a=x' },
    { name: 'in the header, in lower case', headers: { authorization: `bearer ${secret}` }, body: 'a=x' },
    { name: 'as security_token in a form', body: `a=x&security_token=${encodeURIComponent(secret)}` },
    { name: 'as secret in JSON', headers: jsonType, body: JSON.stringify({ a: 'x', secret }) },
    { name: 'in the query string', path: `echo?a=x&secret=${encodeURIComponent(secret)}` },
    { name: 'one of two', headers: { authorization: 'Bearer the next secret' }, body: 'a=x' },
    {
      name: 'beside a header for somebody else',
      headers: { authorization: 'Basic eDp5' },
      body: `a=x&secret=${encodeURIComponent(secret)}`,
    },
  ])('$name opens the interface', async ({ path = 'echo', headers = {}, body }) => {
    const { ask } = await start({ secrets: () => [secret, 'the next secret'] })
    expect((await ask('POST', path, headers, body)).reply).toEqual([true, { a: 'x' }])
  })

  test.each<{ name: string; path?: string; headers?: Record<string, string>; body?: string; error?: string }>([
    { name: 'none', body: 'a=x', error: 'security_token: expected the secret of the REST interface, got nothing' },
    { name: 'a wrong one', body: 'a=x&secret=wrong' },
    { name: 'an empty one', body: 'a=x&secret=' },
    { name: 'a part of it', headers: { authorization: `Bearer ${secret.slice(0, -1)}` }, body: 'a=x' },
    { name: 'a wrong one for a method that is not there', path: 'nothing', body: 'secret=wrong' },
    {
      name: 'one that is no text',
      headers: jsonType,
      body: '{"secret": [1]}',
      error: 'security_token: expected the secret of the REST interface, got nothing',
    },
  ])('$name does not', async ({ path = 'echo', headers = {}, body, error = 'security_token: wrong secret' }) => {
    const { ask } = await start({ secrets: () => [secret, ''] })
    const answer = await ask('POST', path, headers, body)
    expect(answer.reply).toEqual(failure(error, 'unauthorized'))
    expect(answer.status).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
  })

  test.each([{ secrets: [] }, { secrets: [''] }])(
    'without one ($secrets) the interface is off and says so',
    async ({ secrets }) => {
      const { ask } = await start({ secrets: () => secrets })
      const answer = await ask('POST', 'echo', {}, 'a=x&secret=')
      expect(answer.reply).toEqual(
        failure('the REST interface is off, as it has no secret; set one by --api-security-token', 'disabled'),
      )
      expect(answer.status).toBe(503)
    },
  )

  test('is asked for anew each time', async () => {
    let current = 'one'
    const { ask } = await start({ secrets: () => [current] })
    expect((await ask('POST', 'echo', {}, 'a=x&secret=one')).status).toBe(200)
    current = 'two'
    expect((await ask('POST', 'echo', {}, 'a=x&secret=one')).status).toBe(401)
  })

  test('never reaches a method, not even one that takes any field', async () => {
    const { ask } = await start()
    const fields = { security_token: secret, secret, history_size: 2, webhook_secret: 'x' }
    const { reply } = await ask('POST', 'collect', jsonType, JSON.stringify(fields))
    expect(reply).toEqual([true, { options: { history_size: 2, webhook_secret: 'x' } }])
  })
})

describe('errors', () => {
  const rows = [
    { path: 'refuse', status: 403, code: 'refused', error: 'not today' },
    { path: 'absent', status: 404, code: 'unknown_channel', error: 'unknown channel "x"' },
    { path: 'nothing', status: 404, code: 'unknown_method', error: 'unknown method "nothing"' },
    { path: 'constructor', status: 404, code: 'unknown_method', error: 'unknown method "constructor"' },
    { path: '__proto__', status: 404, code: 'unknown_method', error: 'unknown method "__proto__"' },
    { path: 'fail', status: 500, code: 'internal', error: 'internal error' },
    { path: 'echo', status: 400, code: 'bad_request', error: 'a: expected a text, got nothing' },
    { path: 'echo', method: 'PUT', status: 405, code: 'bad_request', error: 'expected GET or POST, got PUT' },
    { path: 'echo', method: 'OPTIONS', status: 405, code: 'bad_request', error: 'expected GET or POST, got OPTIONS' },
  ]

  test.each(rows)('$path: $status $error', async ({ path, method = 'POST', status, code, error }) => {
    const { ask } = await start()
    const answer = await ask(method, path, bearer)
    expect(answer.reply).toEqual(failure(error, code))
    expect(answer.status).toBe(status)
    expect(answer.headers.allow).toBe(status === 405 ? 'GET, POST' : undefined)
  })

  test.each(rows)('under /web/ $path is 200: $error', async ({ path, method = 'POST', code, error }) => {
    const { ask } = await start({ alwaysOk: true })
    const answer = await ask(method, path, bearer)
    expect(answer.reply).toEqual(failure(error, code))
    expect(answer.status).toBe(200)
  })

  test('a bug is logged with what was thrown, and nothing of it is told', async () => {
    const { ask, log } = await start()
    await ask('GET', `fail?secret=${encodeURIComponent(secret)}`)
    expect(log.complaints).toEqual([
      {
        level: 'error',
        message: 'a REST method failed',
        fields: { request: expect.any(String), method: 'fail', err: boom },
      },
    ])
    expect(log.text).not.toContain(secret)
  })
})

test('whoever goes away in the middle of a request is nobody’s bug', async () => {
  const { port, log, ask } = await start()
  const socket = connect(port, '127.0.0.1')
  await new Promise<void>((resolve) => {
    socket.write('POST /rest/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na=x', () => resolve())
  })
  socket.destroy()
  expect((await ask('POST', 'echo', bearer, 'a=x')).status).toBe(200)
  expect(log.complaints).toEqual([])
})
