import type { IncomingMessage, Server } from 'node:http'
import { PassThrough } from 'node:stream'
import { deferred } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { maxBody, readBody } from '../../src/http/body.ts'
import { answerJson } from '../../src/http/router.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import { open, portOf, raw, router } from '../kit/http.ts'

const servers: Server[] = []
afterEach(() => Promise.all(servers.splice(0).map((server) => closeServer(server, systemClock, 0))))

async function serve() {
  const outcomes: string[] = []
  const settled = deferred<void>()
  const server = createServer(
    router({
      routes: [
        {
          path: '/in',
          methods: ['POST'],
          async handle(request, response) {
            try {
              const body = await readBody(request)
              outcomes.push(body)
              answerJson(response, 200, { length: body.length })
            } catch (error) {
              outcomes.push((error as Error).message)
              throw error
            } finally {
              settled.resolve()
            }
          },
        },
      ],
    }),
  )
  servers.push(server)
  await listen(server, 0, '127.0.0.1')
  const post = async (body: RequestInit['body'], headers: { [name: string]: string } = {}) => {
    const url = `http://127.0.0.1:${portOf(server)}/in`
    const response = await fetch(url, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
    return [response.status, await response.json()]
  }
  return { server, outcomes, settled: settled.promise, post }
}

test('a body is its text', async () => {
  const { post, outcomes } = await serve()
  expect(await post('é\n')).toEqual([200, { length: 2 }])
  expect(await post('')).toEqual([200, { length: 0 }])
  expect(outcomes).toEqual(['é\n', ''])
})

test('1 MiB is read, a byte more is a 413', async () => {
  const { post } = await serve()
  expect(await post('x'.repeat(maxBody))).toEqual([200, { length: maxBody }])
  expect(await post('x'.repeat(maxBody + 1))).toEqual([413, { error: 'body: expected at most 1048576 bytes' }])
})

test('a body without a length is bounded while it is read', async () => {
  const { post } = await serve()
  const chunk = Buffer.alloc(65_536, 'x')
  const stream = new ReadableStream({
    start(controller) {
      for (let i = 0; i < 20; i++) controller.enqueue(chunk)
      controller.close()
    },
  })
  expect(await post(stream)).toEqual([413, { error: 'body: expected at most 1048576 bytes' }])
})

test('a declared length that is too large is answered before the body comes', async () => {
  const { server } = await serve()
  const socket = open(server)
  socket.write('POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n')
  const [answer] = await Promise.race([
    new Promise<Buffer[]>((resolve) => socket.once('data', (data) => resolve([data]))),
  ])
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 /)
  socket.destroy()
})

test('what is not UTF-8 or encoded is a 400', async () => {
  const { post } = await serve()
  expect(await post(Buffer.from([0xff]))).toEqual([400, { error: 'body: expected UTF-8' }])
  expect(await post('x', { 'content-encoding': 'gzip' })).toEqual([
    400,
    { error: 'content-encoding: expected none, got "gzip"' },
  ])
})

test('a body that ends early is an error', async () => {
  const { server, outcomes, settled } = await serve()
  const socket = open(server)
  await new Promise<void>((resolve) =>
    socket.write('POST /in HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc', () => resolve()),
  )
  socket.resetAndDestroy()
  await settled
  expect(outcomes).toEqual(['body: ended early'])
  expect(
    await raw(server, 'POST /in HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\nx'),
  ).toContain('200 OK')
})

test('a bound of its own can be given', async () => {
  const request = Object.assign(new PassThrough(), { headers: {} }) as unknown as IncomingMessage & PassThrough
  const body = readBody(request, 3)
  request.write('ab')
  request.write('cd')
  await expect(body).rejects.toThrow('body: expected at most 3 bytes')
  expect(request.readableFlowing).toBe(true)
})
