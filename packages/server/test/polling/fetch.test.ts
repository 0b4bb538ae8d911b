import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { TestClock } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createFetch, maxPollAnswer } from '../../src/polling/fetch.ts'

const cleanUp: (() => unknown)[] = []
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

async function webApplication(answer: (response: ServerResponse, request: IncomingMessage) => void) {
  const calls: { method: string | undefined; url: string | undefined; headers: object; body: string }[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { method, url, headers } = request
    calls.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
    answer(response, request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanUp.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { calls, host, url: `http://${host}/points?n=1` }
}

function fetching(clock = systemClock) {
  const made = createFetch({ clock, version: '1.2.3', timeout: 5_000 })
  cleanUp.push(() => made.close())
  return made
}

const never = new AbortController().signal

test('a poll carries nothing but what was asked for', async () => {
  const app = await webApplication((response) => {
    response.setHeader('set-cookie', 'a=1')
    response.end('h€')
  })
  const { fetch } = fetching()
  expect(await fetch({ method: 'GET', url: app.url }, never)).toEqual({ status: 200, body: 'h€' })
  await fetch({ method: 'POST', url: app.url, form: { a: 'b c', d: '€' } }, never)
  const common = { host: app.host, connection: 'keep-alive', 'user-agent': 'hookbox/1.2.3' }
  expect(app.calls).toEqual([
    { method: 'GET', url: '/points?n=1', headers: common, body: '' },
    {
      method: 'POST',
      url: '/points?n=1',
      headers: { ...common, 'content-type': 'application/x-www-form-urlencoded', 'content-length': '17' },
      body: 'a=b+c&d=%E2%82%AC',
    },
  ])
})

test('a redirect is an answer like any other', async () => {
  const app = await webApplication((response) => void response.writeHead(302, { location: '/elsewhere' }).end())
  expect(await fetching().fetch({ method: 'GET', url: app.url }, never)).toEqual({ status: 302, body: '' })
  expect(app.calls).toHaveLength(1)
})

test('gzip is not unpacked', async () => {
  const app = await webApplication((response) => {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('a'.repeat(10_000)))
  })
  const { body } = await fetching().fetch({ method: 'GET', url: app.url }, never)
  expect(body.length).toBeLessThan(1_000)
})

test.each<{
  name: string
  answer: (response: ServerResponse, request: IncomingMessage) => void
  error: string | RegExp
}>([
  {
    name: '2 MiB',
    answer: (response) => response.end(Buffer.alloc(2 * maxPollAnswer, 'x')),
    error: `expected an answer of at most ${maxPollAnswer} bytes, got more`,
  },
  { name: 'a closed connection', answer: (_response, request) => request.socket.destroy(), error: /closed|ECONNRESET/ },
])('$name fails', async ({ answer, error }) => {
  const app = await webApplication(answer)
  await expect(fetching().fetch({ method: 'GET', url: app.url }, never)).rejects.toThrow(error)
})

test('what drips fails at the deadline', async () => {
  let started = (_response: ServerResponse): void => {}
  const dripping = new Promise<ServerResponse>((resolve) => {
    started = resolve
  })
  const app = await webApplication((response) => {
    response.writeHead(200).write('x')
    const drip = setInterval(() => response.write('x'), 5)
    response.on('close', () => clearInterval(drip))
    started(response)
  })
  const clock = new TestClock()
  const poll = fetching(clock).fetch({ method: 'GET', url: app.url }, never)
  const failed = expect(poll).rejects.toThrow('no complete answer within 5000 ms')
  const response = await dripping
  const closed = new Promise((resolve) => response.on('close', resolve))
  await clock.advance(5_000)
  await failed
  await closed
  expect(clock.pending).toBe(0)
})

test('a poll that is called off ends at once', async () => {
  const app = await webApplication(() => off.abort())
  const off = new AbortController()
  await expect(fetching().fetch({ method: 'GET', url: app.url }, off.signal)).rejects.toThrow()
  await expect(fetching().fetch({ method: 'GET', url: app.url }, off.signal)).rejects.toThrow()
  expect(app.calls).toHaveLength(1)
})
