import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { TestClock, within } from '@hookbox/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { Signals } from '../../src/signals/signals.ts'
import { awayTime, EventStreamTransport } from '../../src/transport/event-stream.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import { createStreams } from '../../src/transport/streams.ts'
import { post, type Reading, read, sessionOf } from '../kit/stream-page.ts'
import { type Served, startTransportHub, type TransportHub, type TransportHubOptions } from '../kit/transport-hub.ts'

const hubs: TransportHub[] = []
const readings: Reading[] = []
afterEach(async () => {
  for (const reading of readings.splice(0)) reading.request.destroy()
  for (const hub of hubs.splice(0)) await hub[Symbol.asyncDispose]()
})

async function start(options?: TransportHubOptions): Promise<TransportHub> {
  const hub = await startTransportHub(options)
  hubs.push(hub)
  return hub
}

function reads(hub: TransportHub, head?: object | string, headers?: Record<string, string>): Reading {
  const reading = read(hub.server, head, headers)
  readings.push(reading)
  return reading
}

/** A page that has opened its stream, or had its first answer. */
async function page(hub: TransportHub, { poll = false } = {}) {
  const reading = reads(hub, { poll })
  const session = await sessionOf(reading)
  return { reading, session, served: await hub.next() }
}

const tell = ({ transport }: Served, text: string) => transport.send(new PreparedFrame(text))
const turn = () => new Promise(setImmediate)
const message = (id: number, data: string) => ({ event: 'message', id, data })
const close = (code: number, reason: string) => ({
  event: 'close',
  id: undefined,
  data: JSON.stringify({ code, reason }),
})

/** Until the hub has noticed that a stream broke. */
async function noticed(hub: TransportHub, pending = 1): Promise<void> {
  const isSo = async () => {
    while (hub.clock.pending < pending) await turn()
  }
  await within(isSo(), 'the hub to notice')
}

describe('opening', () => {
  test('is answered with a stream that nothing on the way should hold back', async () => {
    const hub = await start()
    const { reading, session } = await page(hub)
    const { statusCode, headers } = await reading.response
    expect([statusCode, headers]).toMatchObject([
      200,
      {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
        'x-content-type-options': 'nosniff',
      },
    ])
    expect(reading.text.slice(0, 2_051)).toMatch(/^: {2048}\n\n$/)
    expect(session).toMatch(/^[0-9a-f]{64}$/)
  })

  test('gives every page another secret, and needs no body', async () => {
    const hub = await start()
    expect(await sessionOf(reads(hub, ''))).not.toBe(await sessionOf(reads(hub, '')))
    expect(hub.streams.size).toBe(2)
  })

  test('by long polling is answered at once', async () => {
    const hub = await start()
    const { reading } = await page(hub, { poll: true })
    expect(await reading.ended).toBe('ended')
    expect(reading.text).toMatch(/^event: session\ndata: \{"session":"[0-9a-f]{64}"\}\n\n$/)
  })

  test('with another version of the protocol is told 4406, and meets no session', async () => {
    const hub = await start()
    const reading = reads(hub, { protocol: 'hookbox.v9' })
    expect(await reading.next()).toEqual(close(4406, 'expected the protocol hookbox.v1'))
    expect(await reading.ended).toBe('ended')
    expect(hub.served).toEqual([])
  })

  test.each(['GET', 'OPTIONS', 'PUT'])('is not possible by %s', async (method) => {
    const hub = await start()
    const { port } = hub.server.address() as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/stream`, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('and gone before its body was read leaves nothing', async () => {
    const streams = createStreams({
      doorkeeper: { refuseHost: () => undefined, refuseOrigin: () => undefined },
      forwarded: () => ({ address: '', host: undefined, requestId: undefined }),
      accept: () => expect.unreachable(),
      clock: new TestClock(),
      signals: new Signals(),
      readBody: async () => '{}',
      node: () => '',
      elsewhere: { post: () => expect.unreachable(), read: () => expect.unreachable() },
    })
    const response = { destroyed: true, setHeader() {} } as unknown as ServerResponse
    await streams.read({ headers: {} } as IncomingMessage, response)
    expect(streams.size).toBe(0)
  })
})

describe('what other sites may do', () => {
  test.each(['/stream', '/stream/send'])(
    'an origin that may connect reads the answer of %s, with credentials',
    async (path) => {
      const hub = await start()
      const origin = 'https://listed.example'
      const { headers } = await post(hub.server, { session: '0'.repeat(64), seq: 1 }, '', { origin }, path)
      expect(headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
        vary: 'origin',
      })
    },
  )

  test.each(['/stream', '/stream/send'])(
    'any other is refused by %s, whatever it knows, and reads nothing',
    async (path) => {
      const hub = await start()
      const { session, served } = await page(hub)
      for (const origin of ['https://evil.example', 'null']) {
        const { status, headers } = await post(hub.server, { session, seq: 1 }, '[1,"PONG"]', { origin }, path)
        expect(status).toBe(403)
        expect(headers['access-control-allow-origin']).toBeUndefined()
      }
      expect(served.received).toEqual([])
      expect(hub.served).toHaveLength(1)
    },
  )

  test('without an origin there is nothing to allow', async () => {
    const hub = await start()
    const { headers } = await (await page(hub)).reading.response
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect(headers.vary).toBe('origin')
  })
})

describe('a POST', () => {
  test('is answered with 204 once its session has it', async () => {
    const hub = await start()
    const { session, served } = await page(hub)
    const { status, text } = await post(hub.server, { session, seq: 1 }, '[1,"CONNECT"]\n[2,"PONG"]', {
      'content-type': 'text/plain;charset=UTF-8',
    })
    expect([status, text]).toEqual([204, ''])
    expect(served.received).toEqual(['[1,"CONNECT"]\n[2,"PONG"]'])
  })

  test('that is sent again is received once, one that comes too early waits', async () => {
    const hub = await start()
    const { session, served } = await page(hub)
    for (const seq of [2, 1, 1, 2, 3]) expect((await post(hub.server, { session, seq }, `${seq}`)).status).toBe(204)
    expect(served.received).toEqual(['1', '2', '3'])
  })

  test('beyond what may wait is 429', async () => {
    const hub = await start()
    const { session } = await page(hub)
    for (let seq = 2; seq < 18; seq++) expect((await post(hub.server, { session, seq }, 'x')).status).toBe(204)
    const { status, text } = await post(hub.server, { session, seq: 18 }, 'x')
    expect([status, JSON.parse(text)]).toEqual([429, { error: 'seq: too much waits for what comes before 18' }])
  })

  test.each([
    { name: 'of an unknown session', head: { session: 'f'.repeat(64), seq: 1 }, status: 410 },
    { name: 'without a session', head: { seq: 1 }, status: 400 },
    { name: 'that is none', head: 'nonsense', status: 400 },
  ])('$name is $status', async ({ head, status }) => {
    const hub = await start()
    expect((await post(hub.server, head, 'x')).status).toBe(status)
  })

  test('that says to have what was never sent is 400', async () => {
    const hub = await start()
    const { session } = await page(hub)
    const { status, text } = await post(hub.server, { session, seq: 1, ack: 1 }, 'x')
    expect([status, JSON.parse(text)]).toEqual([400, { error: 'ack: expected at most 0, got 1' }])
  })

  test('beyond 1 MiB is 413 and leaves the session alone', async () => {
    const hub = await start()
    const { session, served } = await page(hub)
    expect((await post(hub.server, { session, seq: 1 }, 'x'.repeat(1_048_577))).status).toBe(413)
    expect((await post(hub.server, { session, seq: 1 }, 'x'.repeat(3_000_000))).status).toBe(413)
    expect((await post(hub.server, { session, seq: 1 }, 'x')).status).toBe(204)
    expect(served.received).toEqual(['x'])
  })

  test('may end the session, and one after it finds none', async () => {
    const hub = await start()
    const { session, served, reading } = await page(hub)
    const reason = 'é'.repeat(100)
    expect((await post(hub.server, { session, seq: 1, close: 4001, reason }, 'last')).status).toBe(204)
    expect([served.received, served.closes]).toEqual([['last'], [[4001, 'é'.repeat(61)]]])
    expect(await reading.ended).toBe('ended')
    expect((await post(hub.server, { session, seq: 2 }, 'late')).status).toBe(410)
    expect(served.received).toEqual(['last'])
  })

  test('that landed elsewhere is handed in, and is one of them all the same', async () => {
    const hub = await start()
    const { session, served } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'first')
    hub.streams.take({ session, seq: 2, ack: 0, close: undefined }, 'second')
    await post(hub.server, { session, seq: 2 }, 'second')
    expect(served.received).toEqual(['first', 'second'])
    const elsewhere = { session: 'f'.repeat(64), seq: 1, ack: 0, close: undefined }
    expect(() => hub.streams.take(elsewhere, '')).toThrow(expect.objectContaining({ code: 'closed' }))
  })

  test('that overtakes a close is still the page’s last word', async () => {
    const hub = await start()
    const { session, served } = await page(hub)
    await post(hub.server, { session, seq: 2, close: 1000 }, 'second')
    expect(served.closes).toEqual([])
    await post(hub.server, { session, seq: 1 }, 'first')
    expect([served.received, served.closes]).toEqual([['first', 'second'], [[1000, '']]])
  })
})

describe('a stream', () => {
  test('numbers its messages, frames as lines of data', async () => {
    const hub = await start()
    const { served, reading } = await page(hub)
    tell(served, '[0,"A"]')
    tell(served, '["\u2028é"]')
    expect(await reading.next()).toEqual(message(1, '[0,"A"]\n["\u2028é"]'))
    tell(served, '[0,"B"]')
    expect(await reading.next()).toEqual(message(2, '[0,"B"]'))
  })

  test('that broke is taken up again where the page says, and its session hears of nothing', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'x')
    for (const text of ['a', 'b', 'c']) {
      tell(served, text)
      await reading.next()
    }
    reading.request.destroy()
    await noticed(hub)
    tell(served, 'd')
    await turn()
    expect(served.transport.buffered).toBe(1)
    await hub.clock.advance(awayTime - 1)
    const again = reads(hub, { session, ack: 1 })
    expect([await again.next(), await again.next(), await again.next()]).toEqual([
      message(2, 'b'),
      message(3, 'c'),
      message(4, 'd'),
    ])
    expect(hub.clock.pending).toBe(0)
    await hub.clock.advance(60_000)
    tell(served, 'e')
    expect(await again.next()).toEqual(message(5, 'e'))
    expect(served.closes).toEqual([])
    expect(hub.served).toHaveLength(1)
  })

  test('that its page does not take up again in time has ended with 1006, and is unknown', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'x')
    reading.request.destroy()
    await noticed(hub)
    await hub.clock.advance(awayTime)
    expect(served.closes).toEqual([[1006, 'the page did not come back']])
    expect((await reads(hub, { session }).response).statusCode).toBe(410)
    expect(hub.streams.size).toBe(0)
  })

  test('of a page that never said anything is not waited for', async () => {
    const hub = await start()
    const { served, reading } = await page(hub)
    reading.request.destroy()
    expect((await served.closed)[0]).toBe(1006)
    expect([hub.clock.pending, hub.streams.size]).toEqual([0, 0])
  })

  test('that is taken up while the old one seems alive ends the old one', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    const again = reads(hub, { session })
    expect(await reading.ended).toBe('ended')
    tell(served, 'a')
    expect(await again.next()).toEqual(message(1, 'a'))
    expect(served.closes).toEqual([])
  })

  test('can be taken up by long polling, and the other way round', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    expect(served.transport.kind).toBe('event-stream')
    tell(served, 'a')
    await reading.next()
    const poll = reads(hub, { session, ack: 0, poll: true })
    expect(await poll.next()).toEqual(message(1, 'a'))
    expect(await poll.ended).toBe('ended')
    expect(served.transport.kind).toBe('long-polling')
    const stream = reads(hub, { session, ack: 1 })
    await stream.response
    tell(served, 'b')
    expect(await stream.next()).toEqual(message(2, 'b'))
    expect(served.transport.kind).toBe('event-stream')
  })

  test('keeps 1 MiB of what the page has not confirmed; a page that lacks more connects anew', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'x')
    const large = 'x'.repeat(100_000)
    for (let sent = 0; sent < 11; sent++) {
      tell(served, large)
      await reading.next()
    }
    reading.request.destroy()
    await noticed(hub)
    expect((await reads(hub, { session, ack: 0 }).response).statusCode).toBe(410)
    expect(served.closes).toEqual([[1006, 'the page was away too long']])
    expect(hub.streams.size).toBe(0)
  })

  test('of a page that is away is closed with 4508 beyond 1 MiB, and the page that comes back is told', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'x')
    tell(served, 'a')
    await reading.next()
    reading.request.destroy()
    await noticed(hub)
    for (let sent = 0; sent < 11; sent++) {
      tell(served, 'x'.repeat(100_000))
      await turn()
    }
    expect(served.closes).toEqual([[4508, 'reading too slowly']])
    const again = reads(hub, { session, ack: 1 })
    expect(await again.next()).toEqual(close(4508, 'reading too slowly'))
    expect(await again.ended).toBe('ended')
    await noticed(hub)
    await hub.clock.advance(awayTime)
    expect([hub.clock.pending, hub.streams.size]).toEqual([0, 0])
  })

  test('that breaks in the middle of what was missed goes on with it', async () => {
    const hub = await start()
    const { served, reading, session } = await page(hub)
    await post(hub.server, { session, seq: 1 }, 'x')
    const missed = Array.from({ length: 16 }, (_, i) => new PreparedFrame(`${i}`.padEnd(60_000, '.')))
    served.transport.sendMissed(missed)
    const got = [(await reading.next()).data]
    reading.request.destroy()
    await noticed(hub)
    const again = reads(hub, { session, ack: 1 })
    while (got.join('\n').split('\n').length < missed.length) {
      const { id = 0, data } = await again.next()
      got.push(data)
      await post(hub.server, { session, seq: id, ack: id }, '')
    }
    expect(got.join('\n').split('\n')).toEqual(missed.map(({ text }) => text))
    expect(served.closes).toEqual([])
  })
})

/** A response whose bytes leave when the test says so. */
class SlowResponse extends EventEmitter {
  writableLength = 0
  text = ''
  readonly callbacks: (() => void)[] = []
  writeHead(): void {}
  flushHeaders(): void {}

  write(text: string, onSent: () => void): void {
    this.text += text
    this.writableLength += Buffer.byteLength(text)
    this.callbacks.push(onSent)
  }

  /** Nothing is called, as with Node's where it breaks before it has left. */
  end(text = ''): void {
    this.text += text
    this.writableLength += Buffer.byteLength(text)
  }

  leaves(): void {
    this.writableLength = 0
    for (const onSent of this.callbacks.splice(0)) onSent()
  }
}

describe('a line that is slow', () => {
  function slow() {
    const clock = new TestClock()
    const closes: number[] = []
    const transport = new EventStreamTransport('secret', clock, new Signals(), { away() {}, back() {}, over() {} })
    transport.serve({ received() {}, closed: (code) => void closes.push(code) })
    transport.take({ seq: 1, message: 'x' })
    const attach = (poll = false) => {
      const response = new SlowResponse()
      expect(transport.attach(response as unknown as ServerResponse, poll)).toBe(true)
      return response
    }
    return { transport, closes, attach }
  }

  test('what is repeated does not count as unread a second time, until it has left', async () => {
    const { transport, closes, attach } = slow()
    const first = attach()
    first.leaves()
    const large = new PreparedFrame('x'.repeat(100_000))
    for (let sent = 0; sent < 10; sent++) {
      transport.send(large)
      await turn()
      first.leaves()
    }
    first.emit('close')
    for (let sent = 0; sent < 5; sent++) transport.send(large)
    await turn()
    expect(transport.buffered).toBe(500_004)
    const again = attach()
    expect(again.writableLength).toBeGreaterThan(1_500_000)
    expect(transport.buffered).toBeLessThan(510_000)
    again.leaves()
    expect(transport.buffered).toBe(0)
    for (let sent = 0; sent < 10; sent++) transport.send(large)
    await turn()
    expect([closes, transport.buffered > 1_000_000]).toEqual([[], true])
    transport.send(large)
    await turn()
    expect(again.text).toContain('4508')
  })

  test('a poll whose answer broke off leaves nobody waiting for it', async () => {
    const { transport, attach } = slow()
    attach(true)
    const poll = attach(true)
    transport.sendMissed(Array.from({ length: 10 }, (_, i) => new PreparedFrame(`${i}`.padEnd(60_000, '.'))))
    await turn()
    expect(poll.text.match(/^id: .*/gm)).toEqual(['id: 1'])
    poll.emit('close')
    await turn()
    const next = attach(true)
    expect(next.text.match(/^id: .*/gm)).toEqual(['id: 1', 'id: 2'])
  })
})

describe('long polling', () => {
  test('waits for something to say, then says all there is', async () => {
    const hub = await start()
    const { served, session } = await page(hub, { poll: true })
    const poll = reads(hub, { session, poll: true })
    await poll.response
    tell(served, 'a')
    tell(served, 'b')
    expect(await poll.next()).toEqual(message(1, 'a\nb'))
    expect(await poll.ended).toBe('ended')
    tell(served, 'c')
    await turn()
    tell(served, 'd')
    await turn()
    const next = reads(hub, { session, ack: 1, poll: true })
    expect([await next.next(), await next.next()]).toEqual([message(2, 'c'), message(3, 'd')])
    expect(await next.ended).toBe('ended')
  })

  test('says again what the page does not say to have', async () => {
    const hub = await start()
    const { served, session } = await page(hub, { poll: true })
    tell(served, 'a')
    await turn()
    for (let times = 0; times < 2; times++) {
      const lost = reads(hub, { session, ack: 0, poll: true })
      expect(await lost.next()).toEqual(message(1, 'a'))
    }
  })

  test('ends with 1006 when the next question does not come', async () => {
    const hub = await start()
    const { served } = await page(hub, { poll: true })
    await noticed(hub)
    await hub.clock.advance(awayTime - 1)
    expect(served.closes).toEqual([])
    await hub.clock.advance(1)
    expect(served.closes).toEqual([[1006, 'the page did not come back']])
    expect(hub.streams.size).toBe(0)
  })

  test('learns between two questions of a close that came meanwhile, once', async () => {
    const hub = await start()
    const { served, session } = await page(hub, { poll: true })
    tell(served, 'a')
    served.transport.close(4403, 'removed')
    expect(served.closes).toEqual([[4403, 'removed']])
    expect((await post(hub.server, { session, seq: 1 }, 'late')).status).toBe(204)
    expect(served.received).toEqual([])
    const next = reads(hub, { session, poll: true })
    expect([await next.next(), await next.next()]).toEqual([message(1, 'a'), close(4403, 'removed')])
    expect(await next.ended).toBe('ended')
    await noticed(hub)
    await hub.clock.advance(awayTime)
    expect([hub.clock.pending, hub.streams.size, served.closes.length]).toEqual([0, 0, 1])
  })
})

test('only so many sessions are waited for: beyond it the one that has been away longest ends', async () => {
  const hub = await start({ maxAway: 2 })
  const first = await page(hub, { poll: true })
  const second = await page(hub, { poll: true })
  // the first is seen again, so the second has been away longest
  tell(first.served, 'a')
  await turn()
  const poll = reads(hub, { session: first.session, poll: true })
  expect(await poll.ended).toBe('ended')
  const third = await page(hub, { poll: true })
  expect(hub.served.map(({ closes }) => closes.length)).toEqual([0, 1, 0])
  expect(second.served.closes[0]?.[0]).toBe(1006)
  expect([hub.streams.size, hub.clock.pending]).toEqual([2, 2])
  expect(third.served.closes).toEqual([])
})

describe('when the hub stops', () => {
  test('whoever reads is told, whoever is away is not waited for, and nobody comes in', async () => {
    const hub = await start()
    const stream = await page(hub)
    const polling = await page(hub, { poll: true })
    for (const { transport } of hub.served) transport.close(4503, 'stopping')
    hub.streams.stop()
    expect(await stream.reading.next()).toEqual(close(4503, 'stopping'))
    expect(await stream.served.closed).toEqual([4503, 'stopping'])
    expect(await polling.served.closed).toEqual([4503, 'stopping'])
    expect([hub.clock.pending, hub.streams.size]).toEqual([0, 0])
    expect((await reads(hub).response).statusCode).toBe(503)
    expect((await post(hub.server, { session: polling.session, seq: 1 }, '')).status).toBe(503)
  })
})
