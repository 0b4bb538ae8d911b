import { createServer as createOwner, type RequestListener, request as requestOf, type Server } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import { deferred, TestClock, within } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { readBody } from '../../src/http/body.ts'
import { answerJson, type RouterOptions } from '../../src/http/router.ts'
import { attach, closeServer, createServer, listen } from '../../src/http/server.ts'
import { open, portOf, raw, router, untilClosed } from '../kit/http.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function started(server: Server): Promise<Server> {
  servers.push(server)
  await listen(server, 0, '127.0.0.1')
  return server
}

const upgradeTo = (path: string, protocol = 'websocket') =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\n\r\n`

/** Answers requests and upgrades with the word `hub`. */
function hub(options: Partial<RouterOptions> = {}) {
  return router({
    routes: [
      {
        path: '/in',
        methods: ['GET', 'POST'],
        handle: async (request, response) => {
          const body = await readBody(request)
          answerJson(response, 200, { by: 'hub', body })
        },
      },
    ],
    upgrades: { '/ws': (_request, socket) => void socket.end('HTTP/1.1 101 OK\r\n\r\nhub') },
    ...options,
  })
}

test('the limits on slow and large requests are set', () => {
  const server = createServer(hub())
  expect(server).toMatchObject({
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    maxHeadersCount: 100,
  })
})

test.each([
  {
    name: 'headers beyond 16 KiB',
    request: `GET / HTTP/1.1\r\nhost: x\r\na: ${'x'.repeat(17_000)}\r\n\r\n`,
    status: 431,
  },
  { name: 'no Host', request: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  {
    name: 'both a length and chunks',
    request: 'POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 400,
  },
  { name: 'what is no HTTP', request: '\x16\x03\x01 hello\r\n\r\n', status: 400 },
])('$name is a $status', async ({ request, status }) => {
  const server = await started(createServer(hub()))
  expect(await raw(server, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
})

test('a taken port is told in a sentence', async () => {
  const port = portOf(await started(createServer(hub())))
  await expect(listen(createServer(hub()), port, '127.0.0.1')).rejects.toThrow(
    expect.objectContaining({
      name: 'HookboxError',
      message: `port ${port} of 127.0.0.1 is taken; choose another one with --port`,
    }),
  )
})

test('an address of another machine is told in a sentence', async () => {
  await expect(listen(createServer(hub()), 0, '192.0.2.1')).rejects.toThrow('192.0.2.1 is no address of this machine')
})

test('a server that could not listen can listen elsewhere', async () => {
  const port = portOf(await started(createServer(hub())))
  const server = createServer(hub())
  await expect(listen(server, port, '127.0.0.1')).rejects.toBeInstanceOf(HookboxError)
  expect(await listen(await started(server), 0, '127.0.0.1').catch(() => server.address())).not.toBeNull()
})

test('closing ends idle connections at once and lets a request finish', async () => {
  let answer = () => {}
  const arrived = deferred<void>()
  const server = createServer(
    router({
      routes: [
        {
          path: '/slow',
          methods: ['GET'],
          handle(_request, response) {
            answer = () => answerJson(response, 200, {})
            arrived.resolve()
          },
        },
      ],
    }),
  )
  await listen(server, 0, '127.0.0.1')
  const idle = open(server)
  idle.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await new Promise((resolve) => idle.once('data', resolve))
  const busy = open(server)
  busy.write('GET /slow HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived.promise
  const clock = new TestClock()
  const closed = closeServer(server, clock, 1_000)
  await untilClosed(idle)
  answer()
  expect(await untilClosed(busy)).toContain('200 OK')
  await within(closed, 'the server to close')
  expect(clock.pending).toBe(0)
})

test('what is still busy after the grace period is cut, upgraded sockets too', async () => {
  const upgraded = deferred<void>()
  const server = createServer(hub({ upgrades: { '/ws': () => upgraded.resolve() } }))
  await listen(server, 0, '127.0.0.1')
  const socket = open(server)
  socket.write(upgradeTo('/ws'))
  await upgraded.promise
  const clock = new TestClock()
  const closed = closeServer(server, clock, 1_000)
  await clock.advance(1_000)
  await within(closed, 'the server to close')
  await untilClosed(socket)
})

test('an offer of HTTP/2 is not taken, and its request answered', async () => {
  const server = await started(createServer(hub()))
  const offer = 'connection: close, Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk'
  const answer = await raw(server, `POST /in HTTP/1.1\r\nhost: x\r\n${offer}\r\ncontent-length: 4\r\n\r\nbody`)
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(answer).toContain('{"by":"hub","body":"body"}')
  expect(await raw(server, `GET /in HTTP/1.1\r\nhost: x\r\n${offer}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 OK/)
})

test('an upgrade elsewhere gets a 404 and is closed', async () => {
  const server = await started(createServer(hub()))
  expect(await raw(server, upgradeTo('/other'))).toMatch(/^HTTP\/1\.1 404 Not Found\r\n.*connection: close/s)
  expect(await raw(server, upgradeTo('/ws'))).toMatch(/hub$/)
})

/** Somebody's own server, whose listeners answer with the word `owner`. */
const owner: RequestListener = (_request, response) => void response.end('owner')

async function get(server: Server, path: string, headers: { [name: string]: string } = {}): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${portOf(server)}${path}`, { headers })
  return response.text()
}

test.each(['before', 'after'])('attached, the hub takes its base path from listeners added %s', async (when) => {
  const server = createOwner()
  if (when === 'before') server.on('request', owner)
  attach(server, hub({ basePath: '/hookbox' }))
  if (when === 'after') server.prependListener('request', owner)
  await started(server)
  expect(await get(server, '/hookbox/in')).toBe('{"by":"hub","body":""}')
  expect(await get(server, '/hookbox/nothing')).toBe('{"error":"nothing is served here"}')
  for (const path of ['/', '/hookboxes', '/other/hookbox']) expect(await get(server, path)).toBe('owner')
})

test.each(['before', 'after'])(
  'attached, upgrades below its base path are the hub’s, others those of listeners added %s',
  async (when) => {
    const server = createOwner(owner)
    const seen: (string | undefined)[] = []
    const listener: Parameters<Server['on']>[1] = (request, socket) => {
      seen.push(request.url)
      socket.end('HTTP/1.1 101 OK\r\n\r\nowner')
    }
    if (when === 'before') server.on('upgrade', listener)
    attach(server, hub({ basePath: '/hookbox' }))
    if (when === 'after') server.on('upgrade', listener)
    await started(server)
    expect(await raw(server, upgradeTo('/hookbox/ws'))).toMatch(/hub$/)
    expect(await raw(server, upgradeTo('/hookbox/no'))).toMatch(/^HTTP\/1\.1 404 /)
    expect(await raw(server, upgradeTo('/chat'))).toMatch(/owner$/)
    expect(seen).toEqual(['/chat'])
  },
)

test('attached, an upgrade that nobody listens for gets a 404 and is closed', async () => {
  const server = createOwner(owner)
  attach(server, hub({ basePath: '/hookbox' }))
  await started(server)
  expect(await raw(server, upgradeTo('/chat'))).toMatch(/^HTTP\/1\.1 404 /)
})

test('attached, a body that waits for 100 Continue is asked for', async () => {
  const server = createOwner(owner)
  server.on('checkContinue', owner)
  attach(server, hub({ basePath: '/hookbox' }))
  await started(server)
  const port = portOf(server)
  const answer = await new Promise<string>((resolve, reject) => {
    const request = requestOf({ port, path: '/hookbox/in', method: 'POST', headers: { expect: '100-continue' } })
    request.on('continue', () => request.end('body'))
    request.on('error', reject)
    request.on('response', async (response) => resolve((await response.toArray()).join('')))
    request.flushHeaders()
  })
  expect(answer).toBe('{"by":"hub","body":"body"}')
})

test('detached, the server is as it was', async () => {
  const server = createOwner(owner)
  const emit = server.emit
  const detach = attach(server, hub({ basePath: '/hookbox' }))
  await started(server)
  detach()
  detach()
  expect(server.emit).toBe(emit)
  expect(Object.hasOwn(server, 'emit')).toBe(false)
  expect(server.listenerCount('upgrade')).toBe(0)
  expect(await get(server, '/hookbox/in')).toBe('owner')
})

test('two hubs on one server each have their own path, and leave in any order', async () => {
  const server = createOwner(owner)
  const a = attach(server, hub({ basePath: '/a' }))
  const b = attach(server, hub({ basePath: '/b' }))
  await started(server)
  expect(await raw(server, upgradeTo('/a/ws'))).toMatch(/hub$/)
  expect(await raw(server, upgradeTo('/b/ws'))).toMatch(/hub$/)
  expect(await raw(server, upgradeTo('/c/ws'))).toMatch(/^HTTP\/1\.1 404 /)
  a()
  expect(await get(server, '/a/in')).toBe('owner')
  expect(await get(server, '/b/in')).toContain('hub')
  b()
  expect(await get(server, '/b/in')).toBe('owner')
})
