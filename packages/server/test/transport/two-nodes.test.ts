import { HookboxError } from '@hookbox/protocol'
import { within } from '@hookbox/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { awayTime } from '../../src/transport/event-stream.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import type { Elsewhere } from '../../src/transport/streams.ts'
import { post, type Reading, read, sessionOf } from '../kit/stream-page.ts'
import { type Served, startTransportHub, type TransportHub } from '../kit/transport-hub.ts'

const hubs: TransportHub[] = []
const readings: Reading[] = []
afterEach(async () => {
  for (const reading of readings.splice(0)) reading.request.destroy()
  for (const hub of hubs.splice(0)) await hub[Symbol.asyncDispose]()
})

/** Two nodes that reach each other. */
async function startTwo() {
  const nodes = new Map<string, TransportHub>()
  /** How often a node was asked by another one what a page is to read. */
  let asked = 0
  const at = (node: string) => {
    const hub = nodes.get(node)
    if (hub === undefined) throw new HookboxError('closed', 'unknown session: connect anew')
    return hub.streams
  }
  const elsewhere: Elsewhere = {
    post: async (node, head, message) => at(node).take(head, message),
    read(node, { session, ack }) {
      asked++
      return at(node).relay(session, ack)
    },
  }
  for (const node of [nameA, nameB]) nodes.set(node, await startTransportHub({ node, elsewhere }))
  hubs.push(...nodes.values())
  const [a, b] = hubs as [TransportHub, TransportHub]
  return {
    a,
    b,
    /** Settles when one of them was asked so often. */
    async asked(times: number) {
      const isSo = async () => {
        while (asked < times) await turn()
      }
      await within(isSo(), 'a node to be asked')
    },
    die: (node: string) => void nodes.delete(node),
  }
}

const nameA = 'a'.repeat(32)
const nameB = 'b'.repeat(32)

function reads(hub: TransportHub, head?: object): Reading {
  const reading = read(hub.server, head)
  readings.push(reading)
  return reading
}

/** A page that has opened its stream, and said something. */
async function page(hub: TransportHub, { poll = false } = {}) {
  const reading = reads(hub, { poll })
  const session = await sessionOf(reading)
  const served = await hub.next()
  await post(hub.server, { session, seq: 1 }, 'first')
  return { reading, session, served }
}

const tell = ({ transport }: Served, text: string) => transport.send(new PreparedFrame(text))
const turn = () => new Promise(setImmediate)
const message = (id: number, data: string) => ({ event: 'message', id, data })

/** Until a node has noticed that a page reads nothing there. */
async function away(hub: TransportHub): Promise<void> {
  const isSo = async () => {
    while (hub.clock.pending < 1) await turn()
  }
  await within(isSo(), 'the page to be away')
}

describe('POSTs', () => {
  test('that land at either node are received in their order, each once', async () => {
    const { a, b } = await startTwo()
    const { session, served } = await page(a)
    const statuses: number[] = []
    for (const [hub, seq] of [
      [b, 3],
      [a, 2],
      [b, 2],
      [a, 3],
      [b, 5],
      [b, 4],
    ] as const) {
      statuses.push((await post(hub.server, { session, seq }, `${seq}`)).status)
    }
    expect(statuses).toEqual([204, 204, 204, 204, 204, 204])
    expect(served.received).toEqual(['first', '2', '3', '4', '5'])
    expect(b.served).toEqual([])
  })

  test('at the other node say what has arrived, and are refused as at its own', async () => {
    const { a, b } = await startTwo()
    const { session, served, reading } = await page(a)
    tell(served, 'x')
    await reading.next()
    expect((await post(b.server, { session, seq: 2, ack: 1 }, '2')).status).toBe(204)
    const { status, text } = await post(b.server, { session, seq: 3, ack: 2 }, '3')
    expect([status, JSON.parse(text)]).toEqual([400, { error: 'ack: expected at most 1, got 2' }])
    for (let seq = 4; seq < 20; seq++) await post(b.server, { session, seq }, 'early')
    expect((await post(b.server, { session, seq: 20 }, 'early')).status).toBe(429)
  })

  test('at the other node may end the session', async () => {
    const { a, b } = await startTwo()
    const { session, served, reading } = await page(a)
    expect((await post(b.server, { session, seq: 2, close: 4001, reason: 'bye' }, 'last')).status).toBe(204)
    expect([served.received, served.closes]).toEqual([['first', 'last'], [[4001, 'bye']]])
    expect(await reading.ended).toBe('ended')
    expect((await post(b.server, { session, seq: 3 }, 'late')).status).toBe(410)
  })

  test.each([
    { name: 'that the other node does not know', session: `${nameA}${'0'.repeat(32)}` },
    { name: 'of a node that there is not', session: 'c'.repeat(64) },
  ])('of a session $name are 410', async ({ session }) => {
    const { b } = await startTwo()
    expect((await post(b.server, { session, seq: 1 }, 'x')).status).toBe(410)
    expect((await reads(b, { session }).response).statusCode).toBe(410)
  })

  test('of a session of a node that has died are 410', async () => {
    const { a, b, die } = await startTwo()
    const { session, served } = await page(a)
    die(nameA)
    expect((await post(b.server, { session, seq: 2 }, 'x')).status).toBe(410)
    expect((await reads(b, { session }).response).statusCode).toBe(410)
    expect(served.received).toEqual(['first'])
  })
})

describe.each([
  { name: 'a poll', poll: true },
  { name: 'a stream', poll: false },
])('$name that is taken up at the other node', ({ poll }) => {
  test('gets what the page lacks, and ends with it', async () => {
    const { a, b } = await startTwo()
    const { session, served, reading } = await page(a, { poll })
    if (!poll) reading.request.destroy()
    await away(a)
    tell(served, 'one')
    tell(served, 'two')
    await turn()
    tell(served, 'three')
    await turn()
    const first = reads(b, { session, ack: 0, poll })
    expect((await first.response).headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect([await first.next(), await first.next()]).toEqual([message(1, 'one\ntwo'), message(2, 'three')])
    expect(await first.ended).toBe('ended')
    const again = reads(b, { session, ack: 1, poll })
    expect(await again.next()).toEqual(message(2, 'three'))
    expect(served.closes).toEqual([])
    expect(b.served).toEqual([])
  })

  test('gets what comes next, one message at a time', async () => {
    const { a, b, asked } = await startTwo()
    const { session, served, reading } = await page(a, { poll })
    for (let id = 1; id <= 3; id++) {
      const next = reads(b, { session, ack: id - 1, poll })
      await asked(id)
      // What it read at its own node, and only seems to read there, ends.
      if (id === 1) expect(await reading.ended).toBe('ended')
      tell(served, `${id}`)
      expect(await next.next()).toEqual(message(id, `${id}`))
      expect(await next.ended).toBe('ended')
    }
    const back = reads(a, { session, ack: 3, poll })
    tell(served, '4')
    expect(await back.next()).toEqual(message(4, '4'))
  })

  test('waits as long as there is nothing, and is answered with nothing after 20 s', async () => {
    const { a, b, asked } = await startTwo()
    const { session, served } = await page(a, { poll })
    const waiting = reads(b, { session, ack: 0, poll })
    for (let times = 1; times <= 14; times++) {
      await asked(times)
      await b.clock.advance(1_500)
      await a.clock.advance(1_500)
    }
    expect(await waiting.ended).toBe('ended')
    expect([(await waiting.response).statusCode, waiting.text]).toEqual([200, ''])
    expect(served.closes).toEqual([])
  })

  test('is told why the session ends', async () => {
    const { a, b, asked } = await startTwo()
    const { session, served } = await page(a, { poll })
    const waiting = reads(b, { session, ack: 0, poll })
    await asked(1)
    served.transport.close(4503, 'the hub is stopping')
    expect(await waiting.next()).toMatchObject({ event: 'close', data: '{"code":4503,"reason":"the hub is stopping"}' })
    expect(await waiting.ended).toBe('ended')
    expect(await served.closed).toEqual([4503, 'the hub is stopping'])
  })

  test('and does not come back has ended with 1006', async () => {
    const { a, b, asked } = await startTwo()
    const { session, served } = await page(a, { poll })
    const waiting = reads(b, { session, ack: 0, poll })
    await asked(1)
    waiting.request.destroy()
    await waiting.ended
    await turn()
    await a.clock.advance(1_500)
    await a.clock.advance(awayTime)
    expect(await served.closed).toEqual([1006, 'the page did not come back'])
    expect(a.streams.size).toBe(0)
  })
})
