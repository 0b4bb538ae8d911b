import type { Server } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { answerJson, type Route, type RouterOptions } from '../../src/http/router.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import type { AccessLine } from '../../src/log.ts'
import { pathOf } from '../../src/requests.ts'
import { portOf, raw, readLog, router } from '../kit/http.ts'

const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => closeServer(server, systemClock, 0))))

async function serve(options: Partial<RouterOptions>) {
  const server = createServer(router(options))
  servers.push(server)
  await listen(server, 0, '127.0.0.1')
  const get = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${portOf(server)}${path}`, init)
  return { server, get }
}

const echo = (path: string, ...methods: string[]): Route => ({
  path,
  methods,
  handle: (_request, response, rest) => answerJson(response, 200, { route: path, rest }),
})

const routes = [echo('/health', 'GET'), echo('/rest/', 'GET', 'POST'), echo('/in', 'POST')]

test.each([
  { basePath: '', path: '/health', route: '/health', rest: '' },
  { basePath: '', path: '/health?x=/rest/', route: '/health', rest: '' },
  { basePath: '', path: '/rest/publish?secret=x', route: '/rest/', rest: 'publish' },
  { basePath: '', path: '/rest/', route: '/rest/', rest: '' },
  { basePath: '/a/b', path: '/a/b/health', route: '/health', rest: '' },
  { basePath: '/a/b', path: '/a/b/rest/a/b', route: '/rest/', rest: 'a/b' },
])('below "$basePath", $path goes to $route', async ({ basePath, path, route, rest }) => {
  const { get } = await serve({ basePath, routes })
  expect(await (await get(path)).json()).toEqual({ route, rest })
})

test.each([
  { basePath: '', path: '/' },
  { basePath: '', path: '/health/' },
  { basePath: '', path: '/rest' },
  { basePath: '', path: '/healthy' },
  { basePath: '/a', path: '/health' },
  { basePath: '/a', path: '/ab/health' },
  { basePath: '/a', path: '/a' },
])('below "$basePath", $path is a 404 in JSON', async ({ basePath, path }) => {
  const { get } = await serve({ basePath, routes })
  const response = await get(path)
  expect(response.status).toBe(404)
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(await response.json()).toEqual({ error: 'nothing is served here' })
})

test('another method is a 405 that names those allowed', async () => {
  const { get } = await serve({ routes })
  const response = await get('/rest/x', { method: 'DELETE' })
  expect(response.status).toBe(405)
  expect(response.headers.get('allow')).toBe('GET, HEAD, POST')
  expect((await get('/in')).headers.get('allow')).toBe('POST')
  expect((await get('/in', { method: 'HEAD' })).status).toBe(405)
})

test('HEAD answers as GET without the body', async () => {
  const { get } = await serve({ routes })
  const response = await get('/health', { method: 'HEAD' })
  expect(response.status).toBe(200)
  expect(Number(response.headers.get('content-length'))).toBeGreaterThan(0)
  expect(await response.text()).toBe('')
})

test('a handler that throws is a 500 that tells nothing, and a line in the log', async () => {
  const { log, lines } = readLog()
  const broken: Route[] = [
    { path: '/sync', methods: ['GET'], handle: () => thrown(new TypeError('details')) },
    { path: '/async', methods: ['GET'], handle: async () => thrown(new TypeError('details')) },
  ]
  const { get } = await serve({ routes: [...broken, ...routes], log })
  for (const path of ['/sync?secret=hidden', '/async']) {
    const response = await get(path)
    expect(response.status).toBe(500)
    expect(await response.json()).toEqual({ error: 'internal error' })
  }
  expect(lines.lines.map(({ level, path, err }) => [level, path, (err as Error).message])).toEqual([
    ['error', '/sync', 'details'],
    ['error', '/async', 'details'],
  ])
  expect((await get('/health')).status).toBe(200)
})

test('a handler that throws after it began to answer breaks the answer off', async () => {
  const { log, lines } = readLog()
  const handle: Route['handle'] = (_request, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('x')
    throw new Error('late')
  }
  const { get } = await serve({ routes: [{ path: '/late', methods: ['GET'], handle }], log })
  await expect(get('/late').then((response) => response.text())).rejects.toThrow()
  expect(lines.lines).toHaveLength(1)
})

test('a failure that is meant to be read is answered with its status and not logged', async () => {
  const { log, lines } = readLog()
  const handle = () => thrown(new HookboxError('too_many', 'slower, please'))
  const { get } = await serve({ routes: [{ path: '/x', methods: ['GET'], handle }], log })
  const response = await get('/x')
  expect([response.status, await response.json()]).toEqual([429, { error: 'slower, please' }])
  expect(lines.text).toBe('')
})

test('whoever is refused gets a 403 for every path', async () => {
  const { get } = await serve({ routes, refuse: ({ headers }) => (headers['x-bad'] ? 'not you' : undefined) })
  for (const path of ['/health', '/nowhere']) {
    const response = await get(path, { headers: { 'x-bad': '1' } })
    expect([response.status, await response.json()]).toEqual([403, { error: 'not you' }])
  }
  expect((await get('/health')).status).toBe(200)
})

test('every request has one access line, without its query', async () => {
  const access: AccessLine[] = []
  const { server, get } = await serve({
    routes,
    addressOf: (request) => request.socket.remoteAddress ?? '',
    idOf: ({ headers }) => headers['user-agent'] && `by ${headers['user-agent']}`,
    access: { write: (line) => void access.push(line), close() {} },
  })
  await (await get('/rest/publish?secret=hidden', { method: 'POST', headers: { 'user-agent': 'curl' } })).text()
  await (await get('/nowhere', { headers: { 'user-agent': 'curl' } })).text()
  await raw(server, 'GET /no HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n')
  await closeServer(servers.pop() as Server, systemClock)
  const common = { address: '127.0.0.1', duration: expect.any(Number) }
  expect(access).toEqual([
    { ...common, request: 'by curl', method: 'POST', path: '/rest/publish', status: 200, userAgent: 'curl' },
    { ...common, request: 'by curl', method: 'GET', path: '/nowhere', status: 404, userAgent: 'curl' },
    {
      ...common,
      request: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
      method: 'GET',
      path: '/no',
      status: 404,
      userAgent: undefined,
    },
  ])
})

test('an upgrade that throws closes its socket alone', async () => {
  const { log, lines } = readLog()
  const { server, get } = await serve({ routes, log, upgrades: { '/ws': () => thrown(new Error('broken')) } })
  server.on('upgrade', (_request, socket) => socket.emit('error', new Error('reset')))
  expect(await raw(server, 'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n')).toBe('')
  expect(lines.lines).toEqual([expect.objectContaining({ level: 'error', path: '/ws' })])
  expect((await get('/health')).status).toBe(200)
})

test.each([
  { url: '/a?b', path: '/a' },
  { url: '/a#b?c', path: '/a' },
  { url: 'http://x/a?b', path: '/a' },
  { url: '//x/a', path: '//x/a' },
  { url: '*', path: '*' },
  { url: '', path: '' },
])('the path of $url is $path', ({ url, path }) => {
  expect(pathOf({ url } as Parameters<typeof pathOf>[0])).toBe(path)
})

function thrown(error: Error): never {
  throw error
}
