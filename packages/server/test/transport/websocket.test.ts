import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { deferred, within } from '@hookbox/testkit'
import { afterEach, expect, test } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import { open, portOf, raw, untilClosed } from '../kit/http.ts'
import { type Served, startTransportHub, type TransportHub, type TransportHubOptions } from '../kit/transport-hub.ts'

const hubs: TransportHub[] = []
afterEach(() => Promise.all(hubs.splice(0).map((one) => one[Symbol.asyncDispose]())))

async function hub(options?: TransportHubOptions): Promise<TransportHub> {
  const one = await startTransportHub(options)
  hubs.push(one)
  return one
}

interface PageEnd {
  readonly socket: WebSocket
  readonly opened: Promise<void>
  readonly closed: Promise<[code: number, reason: string]>
  readonly messages: string[]
  readonly message: () => Promise<string>
  readonly status: Promise<number | undefined>
}

function page(
  { server }: TransportHub,
  headers: { [name: string]: string } = {},
  protocols: string[] = ['hookbox.v1'],
  options: ClientOptions = {},
): PageEnd {
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(server)}/ws`, protocols, { ...options, headers })
  const messages: string[] = []
  const waiting: ((message: string) => void)[] = []
  const queue: string[] = []
  const status = deferred<number | undefined>()
  socket.on('error', () => {})
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    status.resolve(response.statusCode)
  })
  socket.on('message', (data, isBinary) => {
    const text = isBinary ? 'binary' : data.toString()
    messages.push(text)
    const resolve = waiting.shift()
    if (resolve) resolve(text)
    else queue.push(text)
  })
  return {
    socket,
    messages,
    opened: within(new Promise((resolve) => socket.once('open', () => resolve())), 'open'),
    closed: within(
      new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, reason.toString()]))),
      'close',
    ),
    message: () => {
      const early = queue.shift()
      const next =
        early === undefined ? new Promise<string>((resolve) => waiting.push(resolve)) : Promise.resolve(early)
      return within(next, 'a message')
    },
    status: within(status.promise, 'a refusal'),
  }
}

/** A page whose bytes the test writes itself. */
async function rawPage(hub: TransportHub): Promise<{ socket: Socket; served: Served }> {
  const socket = open(hub.server)
  socket.write(upgradeRequest())
  const served = await hub.next()
  return { socket, served }
}

function upgradeRequest(path = '/ws'): string {
  return [
    `GET ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    `sec-websocket-key: ${randomBytes(16).toString('base64')}`,
    'sec-websocket-protocol: hookbox.v1',
    '',
    '',
  ].join('\r\n')
}

/** A masked frame (RFC 6455 §5.2), with a mask of zeros. */
function frame(first: number, payload: Buffer): Buffer {
  const length = payload.length
  if (length < 126) return Buffer.concat([Buffer.from([first, 0x80 | length, 0, 0, 0, 0]), payload])
  const head = Buffer.alloc(14)
  head.writeUInt8(first, 0)
  head.writeUInt8(0x80 | 127, 1)
  head.writeBigUInt64BE(BigInt(length), 2)
  return Buffer.concat([head, payload])
}

const prepared = (text: string) => new PreparedFrame(text)
const turn = () => new Promise(setImmediate)

test('a page that never answers a close is gone after the grace period', async () => {
  const h = await hub()
  const { socket, served } = await rawPage(h)
  socket.pause()
  served.transport.close(4503, 'stopping')
  await h.clock.advance(4_999)
  expect(served.closes).toEqual([])
  await h.clock.advance(1)
  expect(served.closes).toEqual([[4503, 'stopping']])
  socket.resume()
  await untilClosed(socket)
  expect(served.closes).toHaveLength(1)
})

test('a page that does not read is closed with 4508 at 1 MiB, and soon destroyed', async () => {
  const h = await hub()
  const { socket, opened } = page(h)
  await opened
  const { transport, closes } = await h.next()
  socket.pause()
  const large = prepared('x'.repeat(60_000))
  let sent = 0
  let most = 0
  while (h.clock.pending === 0 && sent < 1_000) {
    transport.send(large)
    sent++
    most = Math.max(most, transport.buffered)
    await turn()
  }
  expect(h.clock.pending).toBe(1)
  expect(most).toBeLessThanOrEqual(1_048_576)
  expect(closes).toEqual([])
  await h.clock.advance(1_000)
  expect(closes).toEqual([[4508, 'reading too slowly']])
  transport.send(large)
  expect(transport.buffered).toBeLessThanOrEqual(1_048_576)
  socket.terminate()
})

test('a page that reads again in time can read why it was closed', async () => {
  const h = await hub()
  const { socket, opened, closed } = page(h)
  await opened
  const { transport, closed: end } = await h.next()
  socket.pause()
  const large = prepared('x'.repeat(60_000))
  while (h.clock.pending === 0) {
    transport.send(large)
    await turn()
  }
  socket.resume()
  expect(await closed).toEqual([4508, 'reading too slowly'])
  expect(await end).toEqual([4508, 'reading too slowly'])
})

test('a flood of pings from one who does not read ends as well', async () => {
  const h = await hub()
  const { socket, served } = await rawPage(h)
  socket.pause()
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => frame(0x89, Buffer.alloc(125))))
  const flood = () => {
    if (socket.writable) socket.write(pings, () => setImmediate(flood))
  }
  flood()
  while (h.clock.pending === 0) await turn()
  expect(served.transport.buffered).toBeLessThan(1_048_576 + 1_000)
  await h.clock.advance(1_000)
  expect((await served.closed)[0]).toBe(4508)
  socket.destroy()
})

test('pings are answered', async () => {
  const h = await hub()
  const { socket, opened } = page(h)
  await opened
  const pong = new Promise<string>((resolve) => socket.once('pong', (data) => resolve(data.toString())))
  socket.ping('hello')
  expect(await within(pong, 'a pong')).toBe('hello')
})

test.each([
  {
    name: 'a binary message',
    bytes: [frame(0x82, Buffer.from('x')), frame(0x88, Buffer.from([0x11, 0x30]))],
    code: 4400,
  },
  { name: 'bad UTF-8', bytes: [frame(0x81, Buffer.from([0xff]))], code: 1007 },
  { name: '1 MiB and 1', bytes: [frame(0x81, Buffer.alloc(1_048_577, 'x'))], code: 1009 },
  {
    name: 'fragments that come to more than 1 MiB',
    bytes: [frame(0x01, Buffer.alloc(1_048_576, 'x')), frame(0x80, Buffer.from('x'))],
    code: 1009,
  },
  {
    name: 'more than 64 fragments',
    bytes: [frame(0x01, Buffer.from('x')), ...Array.from({ length: 64 }, () => frame(0x00, Buffer.from('x')))],
    code: 1008,
  },
  { name: 'an unmasked frame', bytes: [Buffer.from([0x81, 0x01, 0x78])], code: 1002 },
  { name: 'reserved bits', bytes: [frame(0xf1, Buffer.from('x'))], code: 1002 },
  { name: 'an unknown opcode', bytes: [frame(0x83, Buffer.from('x'))], code: 1002 },
  { name: 'a ping in fragments', bytes: [frame(0x09, Buffer.from('x'))], code: 1002 },
  { name: 'a continuation of nothing', bytes: [frame(0x80, Buffer.from('x'))], code: 1002 },
])('$name closes with $code', async ({ bytes, code }) => {
  const h = await hub()
  const { socket, served } = await rawPage(h)
  for (const chunk of bytes) socket.write(chunk)
  const text = await untilClosed(socket)
  const close = Buffer.from(text.slice(text.indexOf('\r\n\r\n') + 4), 'latin1')
  expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, code])
  expect((await served.closed)[0]).toBe(code)
  expect(served.closes).toHaveLength(1)
  expect(served.received).toEqual([])
})

test.each([
  { name: 'another subprotocol', protocols: ['hookbox.v9', 'chat'] },
  { name: 'no subprotocol', protocols: [] },
])('$name is let in to be told 4406, and meets no session', async ({ protocols }) => {
  const h = await hub()
  const { closed } = page(h, {}, protocols)
  expect(await closed).toEqual([4406, 'expected the subprotocol hookbox.v1'])
  expect(h.served).toEqual([])
})

test('our subprotocol is taken from among several', async () => {
  const h = await hub()
  const { socket, opened } = page(h, {}, ['hookbox.v9', 'hookbox.v1'])
  await opened
  expect(socket.protocol).toBe('hookbox.v1')
})

test('the refusal is JSON and says why', async () => {
  const h = await hub()
  const answer = await raw(h.server, upgradeRequest().replace('\r\n', '\r\norigin: https://evil.example\r\n'))
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  expect(head).toMatch(/^HTTP\/1\.1 403 Forbidden\r\ncontent-type: application\/json/)
  expect(JSON.parse(body).error).toContain('origin "https://evil.example": expected')
})

test('every way to end has one access line', async () => {
  const h = await hub()
  const refused = page(h, { origin: 'https://evil.example' })
  await refused.status
  const { socket, opened } = page(h)
  await opened
  const { closed } = await h.next()
  socket.close(1000)
  await closed
  const request = expect.stringMatching(/^[0-9a-f]{8}-\d+$/)
  expect(h.access).toEqual([
    { request, address: '127.0.0.1', method: 'GET', path: '/ws', status: 403, duration: 0, userAgent: undefined },
    {
      request,
      address: '127.0.0.1',
      method: 'GET',
      path: '/ws',
      status: 101,
      duration: 0,
      userAgent: undefined,
      closeCode: 1000,
    },
  ])
})

test('an upgrade that breaks off half way leaves the hub unharmed', async () => {
  const h = await hub()
  const whole = upgradeRequest()
  for (const length of [1, 20, whole.length - 2]) {
    const socket = open(h.server)
    await new Promise<void>((resolve) => socket.write(whole.slice(0, length), () => resolve()))
    socket.resetAndDestroy()
  }
  const socket = open(h.server)
  socket.write(whole)
  const { closed } = await h.next()
  socket.resetAndDestroy()
  expect((await within(closed, 'the end'))[0]).toBe(1006)
  await page(h).opened
})

test.each([
  { name: 'no key', request: upgradeRequest().replace(/sec-websocket-key.*\r\n/, '') },
  { name: 'a bad version', request: upgradeRequest().replace('version: 13', 'version: 12') },
  { name: 'a bad list of subprotocols', request: upgradeRequest().replace('hookbox.v1', ',,') },
])('a handshake with $name is a 400 and no session', async ({ request }) => {
  const h = await hub()
  expect(await raw(h.server, request)).toMatch(/^HTTP\/1\.1 400 /)
  expect(h.served).toEqual([])
})

test.each([
  { what: 'taken in', request: upgradeRequest() },
  { what: 'malformed', request: upgradeRequest().replace(/sec-websocket-key.*\r\n/, '') },
  { what: 'refused', request: upgradeRequest().replace('\r\n', '\r\norigin: https://other.example\r\n') },
  { what: 'for something else', request: upgradeRequest().replace('/ws', '/no') },
])('an error of a socket whose upgrade was $what is heard, by one listener', async ({ request }) => {
  const { server } = await hub()
  const listeners = deferred<number>()
  server.on('upgrade', (_request, socket) => listeners.resolve(socket.listenerCount('error')))
  const socket = open(server)
  socket.write(request)
  expect(await within(listeners.promise, 'the upgrade')).toBe(1)
  socket.destroy()
})

test('what goes to several pages leaves compressed where they take it, and what goes to one as it is', async () => {
  const one = await hub({ compression: true })
  const pages = [page(one), page(one), page(one, {}, ['hookbox.v1'], { perMessageDeflate: false })]
  const served: Served[] = []
  for (const { opened } of pages) {
    served.push(await one.next())
    await opened
  }
  expect(pages.map(({ socket }) => socket.extensions)).toEqual(['permessage-deflate', 'permessage-deflate', ''])
  const bytes = () => pages.map(({ socket }) => (socket as unknown as { _socket: Socket })._socket.bytesRead)
  const text = 'hello '.repeat(1_000)
  const before = bytes()
  const shared = new PreparedFrame(text)
  for (const { transport } of served) transport.send(shared)
  expect(await Promise.all(pages.map(({ message }) => message()))).toEqual([text, text, text])
  const [first = 0, second = 0, third = 0] = bytes().map((now, index) => now - (before[index] ?? 0))
  // the first does not know yet that others get the same
  expect([first, third]).toEqual([text.length + 4, text.length + 4])
  expect(second).toBeLessThan(200)

  served[1]?.transport.send(new PreparedFrame(text))
  expect(await pages[1]?.message()).toBe(text)
  expect((bytes()[1] ?? 0) - (before[1] ?? 0) - second).toBe(text.length + 4)
  pages[1]?.socket.send(text)
  expect(await within(untilReceived(served[1] as Served), 'the message')).toBe(text)
})

async function untilReceived({ received }: Served): Promise<string> {
  while (received.length === 0) await new Promise(setImmediate)
  return received[0] ?? ''
}
