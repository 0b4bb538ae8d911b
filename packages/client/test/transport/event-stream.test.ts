import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { StreamSocket } from '../../src/transport/event-stream.ts'
import type { LineEnd } from '../../src/transport/transport.ts'
import { clock, useClock } from '../kit/clock.ts'
import { closeEvent, type FakeRequest, fakeFetch, messageEvent, secret, sessionEvent } from '../kit/fetch.ts'

useClock()
let requests: FakeRequest[]
beforeEach(() => {
  requests = fakeFetch()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
})
afterEach(() => vi.unstubAllGlobals())

const reads = () => requests.filter(({ path }) => !path.includes('/send'))
const sends = () => requests.filter(({ path }) => path.includes('/send'))
function last(of: FakeRequest[]): FakeRequest {
  const request = of.at(-1)
  if (request === undefined) throw new Error('expected a request')
  return request
}

function dial({ poll = false, wanted = async () => true, address = 'wss://hub.example.org/base/ws' } = {}) {
  const late = vi.fn()
  const socket = new StreamSocket(address, 'hookbox.v1', { poll, late, wanted })
  const heard: string[] = []
  const ends: LineEnd[] = []
  const opened = vi.fn()
  socket.addEventListener('open', opened)
  socket.addEventListener('message', (event) => heard.push((event as MessageEvent<string>).data))
  socket.addEventListener('close', (event) => {
    const { code, reason, wasClean } = event as Event & LineEnd
    ends.push({ code, reason, wasClean })
  })
  return { socket, heard, ends, opened, late }
}

async function open(options: Parameters<typeof dial>[0] = {}) {
  const line = dial(options)
  await clock.settle()
  await last(reads()).says(sessionEvent)
  return line
}

describe('opening', () => {
  test('asks by a POST without anything that a browser would have to ask for before, with cookies', async () => {
    dial()
    const { path, head, init, text } = last(requests)
    expect(path).toBe('https://hub.example.org/base/stream')
    expect([head, text]).toEqual([{ protocol: 'hookbox.v1', poll: false, ack: 0 }, ''])
    expect(init).toMatchObject({ method: 'POST', credentials: 'include' })
    expect(init.headers).toBeUndefined()
  })

  test.each([
    ['ws://127.0.0.1:8001/ws', 'http://127.0.0.1:8001/stream', 'http://127.0.0.1:8001/stream/send'],
    ['wss://a.example/ws/ws?a=/ws?', 'https://a.example/ws/stream?a=/ws?', 'https://a.example/ws/stream/send?a=/ws?'],
  ])('from %s asks at %s', async (address, read, send) => {
    const { socket } = await open({ address })
    socket.send('x')
    expect(requests.map(({ path }) => path)).toEqual([read, send])
  })

  test('has happened with the first event, not before', async () => {
    const { opened, socket } = dial()
    await last(reads()).says(': nothing yet\n\n')
    expect([opened.mock.calls.length, socket.readyState]).toEqual([0, 0])
    await last(reads()).says(sessionEvent)
    expect([opened.mock.calls.length, socket.readyState]).toEqual([1, 1])
    await clock.turn(60_000)
    expect(socket.readyState).toBe(1)
  })

  test('is given up when the first event does not come in time, as something holds it back', async () => {
    const { ends, late } = dial()
    await last(reads()).says(': nothing yet\n\n')
    await clock.turn(4_999)
    expect(late).not.toHaveBeenCalled()
    await clock.turn(1)
    expect(late).toHaveBeenCalledOnce()
    expect(ends).toEqual([{ code: 1006, reason: '', wasClean: false }])
    expect(last(reads()).aborted).toBe(true)
    await clock.turn(60_000)
    expect(requests).toHaveLength(1)
  })

  test.each([403, 404, 410, 502])('that is answered with %i is not tried again here', async (status) => {
    const { ends, late } = dial()
    await last(reads()).answers(status)
    await clock.turn(60_000)
    expect([ends.length, ends[0]?.code, requests.length, late.mock.calls.length]).toEqual([1, 1006, 1, 0])
  })

  test('that fails, or is answered with something else, is not tried again here', async () => {
    const failing = dial()
    last(reads()).breaks()
    await clock.turn(60_000)
    expect(failing.ends[0]?.code).toBe(1006)
    const other = dial()
    await last(reads()).says('<html>log in to this network</html>')
    await last(reads()).ends()
    expect(other.ends[0]?.code).toBe(1006)
    expect(requests).toHaveLength(2)
  })

  test('comes to nothing where the page would rather have another way', async () => {
    const { ends, opened } = await open({ wanted: async () => false })
    expect([opened.mock.calls.length, ends[0]?.code]).toEqual([0, 1006])
    expect(last(reads()).aborted).toBe(true)
  })

  test('can be given up before', async () => {
    const { ends, socket } = dial()
    socket.close(1000)
    await clock.turn(60_000)
    expect([ends.length, requests.length, sends().length]).toEqual([1, 1, 0])
  })
})

describe('reading', () => {
  test('joins lines of data by line feeds, and nothing else', async () => {
    const { heard } = await open()
    await last(reads()).says(messageEvent(1, '[0,"A"]', '["a: \u2028b"]') + messageEvent(2, '[0,"B"]'))
    expect(heard).toEqual(['[0,"A"]\n["a: \u2028b"]', '[0,"B"]'])
  })

  test('goes on where pieces end, also within a character', async () => {
    const { heard } = await open()
    const bytes = new TextEncoder().encode(messageEvent(1, '"é€😀"', '"b"'))
    for (const byte of bytes) await last(reads()).says(new Uint8Array([byte]))
    expect(heard).toEqual(['"é€😀"\n"b"'])
  })

  test('takes a stream that broke up again, from what it has, and hears nothing twice', async () => {
    const { heard, ends } = await open()
    await last(reads()).says(messageEvent(1, 'a') + messageEvent(2, 'b'))
    last(reads()).breaks()
    await clock.turn(499)
    expect(reads()).toHaveLength(1)
    await clock.turn(1)
    expect(last(reads()).head).toMatchObject({ session: secret, ack: 2, poll: false })
    await last(reads()).says(messageEvent(2, 'b') + messageEvent(3, 'c'))
    expect([heard, ends]).toEqual([['a', 'b', 'c'], []])
  })

  test('throws away half an event when a stream breaks', async () => {
    const { heard } = await open()
    await last(reads()).says('id: 1\ndata: hal')
    last(reads()).breaks()
    await clock.turn(1_000)
    await last(reads()).says(messageEvent(1, 'whole'))
    expect(heard).toEqual(['whole'])
  })

  test('tries to take it up for as long as the hub waits, with growing waits', async () => {
    const { ends } = await open()
    last(reads()).breaks()
    for (let waited = 0; waited < 30_000 && ends.length === 0; waited += 100) {
      await clock.turn(100)
      last(reads()).breaks()
    }
    expect(ends).toEqual([{ code: 1006, reason: '', wasClean: false }])
    expect(reads().length).toBeGreaterThan(4)
    expect(reads().length).toBeLessThan(12)
  })

  test('is over at once where the hub does not know the session', async () => {
    const { ends } = await open()
    last(reads()).breaks()
    await clock.turn(500)
    await last(reads()).answers(410)
    expect(ends).toEqual([{ code: 1006, reason: '', wasClean: false }])
  })

  test('a close of the hub tells its code and reason', async () => {
    const { ends, heard } = await open()
    await last(reads()).says(messageEvent(1, 'last') + closeEvent(4403, 'removed') + messageEvent(2, 'late'))
    expect([heard, ends]).toEqual([['last'], [{ code: 4403, reason: 'removed', wasClean: true }]])
    await clock.turn(60_000)
    expect(requests).toHaveLength(1)
  })

  test('tells the hub what has arrived, before it has to keep too much', async () => {
    await open()
    await last(reads()).says(messageEvent(1, 'x'.repeat(65_000)))
    expect(sends()).toHaveLength(0)
    await last(reads()).says(messageEvent(2, 'x'.repeat(1_000)))
    expect(sends().map(({ head, text }) => [head, text])).toEqual([[{ session: secret, ack: 2, seq: 1 }, '']])
    await last(sends()).answers(204)
    expect(sends()).toHaveLength(1)
  })
})

interface StreamRow {
  readonly name: string
  readonly text: string | readonly (string | { readonly repeat: readonly [text: string, times: number] })[]
  readonly session?: string
  readonly messages: readonly string[]
  readonly close?: { readonly code: number; readonly reason: string }
}

const vectors = new URL('../../../protocol/vectors/streams.json', import.meta.url)
const rows = JSON.parse(readFileSync(vectors, 'utf8')) as StreamRow[]

test.each(rows)(
  'a stream of the vectors, cut after every 7 bytes: $name',
  async ({ text, session, messages, close }) => {
    const { heard, ends, socket } = dial()
    const parts = [text].flat().map((part) => (typeof part === 'string' ? part : part.repeat[0].repeat(part.repeat[1])))
    const bytes = new TextEncoder().encode(parts.join(''))
    const { length } = bytes
    const request = last(reads())
    for (let at = 0; at < length; at += 7) await request.says(bytes.slice(at, at + 7))
    expect(heard).toEqual(messages)
    expect(ends).toEqual(close === undefined ? [] : [{ ...close, wasClean: true }])
    if (close !== undefined) return
    socket.send('x')
    expect(last(sends()).head).toMatchObject({ session, ack: messages.length })
  },
)

describe('long polling', () => {
  test('asks again at once, and says what it has', async () => {
    const { heard } = await open({ poll: true })
    await last(reads()).ends()
    expect(last(reads()).head).toMatchObject({ session: secret, ack: 0, poll: true })
    await last(reads()).says(messageEvent(1, 'a'))
    await last(reads()).ends()
    expect(last(reads()).head).toMatchObject({ ack: 1, poll: true })
    expect([heard, reads().length]).toEqual([['a'], 3])
  })

  test('waits a little after an answer that brought nothing', async () => {
    await open({ poll: true })
    await last(reads()).ends()
    await last(reads()).says(': \n\n')
    await last(reads()).ends()
    expect(reads()).toHaveLength(2)
    await clock.turn(500)
    expect(reads()).toHaveLength(3)
  })
})

describe('sending', () => {
  test('is one POST after another; what comes meanwhile goes together', async () => {
    const { socket } = await open()
    for (const text of ['a', 'b', 'c']) socket.send(text)
    expect(sends().map(({ head, text }) => [head.seq, text])).toEqual([[1, 'a']])
    await last(sends()).answers(204)
    expect(sends().map(({ head, text }) => [head.seq, text])).toEqual([
      [1, 'a'],
      [2, 'b\nc'],
    ])
  })

  test('does not put together what might be beyond 1 MiB', async () => {
    const { socket } = await open()
    socket.send('a')
    for (const text of ['b', 'c']) socket.send(text.repeat(200_000))
    await last(sends()).answers(204)
    expect(last(sends()).text).toBe('b'.repeat(200_000))
    await last(sends()).answers(204)
    expect([sends().length, last(sends()).text[0]]).toEqual([3, 'c'])
  })

  test.each([
    { name: 'breaks', fail: (request: FakeRequest) => request.breaks() },
    { name: 'is answered with 502', fail: (request: FakeRequest) => request.answers(502) },
    { name: 'is answered with 429', fail: (request: FakeRequest) => request.answers(429) },
  ])('a POST that $name is sent again under its number', async ({ fail }) => {
    const { socket, ends } = await open()
    socket.send('a')
    socket.send('b')
    await fail(last(sends()))
    await clock.turn(200)
    expect(sends().map(({ head, text }) => [head.seq, text])).toEqual([
      [1, 'a'],
      [1, 'a'],
    ])
    await last(sends()).answers(204)
    expect(last(sends()).text).toBe('b')
    expect(ends).toEqual([])
  })

  test('that fails for as long as the hub waits is the end of the line, and no unhandled rejection', async () => {
    const { socket, ends } = await open()
    socket.send('a')
    for (let waited = 0; waited < 30_000 && ends.length === 0; waited += 100) {
      last(sends()).breaks()
      await clock.turn(100)
    }
    expect(ends).toEqual([{ code: 1006, reason: '', wasClean: false }])
    expect(last(reads()).aborted).toBe(true)
  })

  test.each([
    { status: 410, code: 1006 },
    { status: 403, code: 1006 },
    { status: 400, code: 1006 },
    { status: 413, code: 1009 },
  ])('an answer of $status ends the line with $code', async ({ status, code }) => {
    const { socket, ends } = await open()
    socket.send('a')
    await last(sends()).answers(status)
    expect(ends[0]?.code).toBe(code)
    await clock.turn(60_000)
    expect(requests).toHaveLength(2)
  })
})

describe('closing', () => {
  test('is said in the last POST, which does not wait and outlives the page', async () => {
    const { socket, ends } = await open()
    socket.send('a')
    socket.send('b')
    socket.close(1000, 'bye')
    expect(sends().map(({ head, text, init }) => [head.seq, head.close, head.reason, text, init.keepalive])).toEqual([
      [1, undefined, undefined, 'a', false],
      [2, 1000, 'bye', 'b', true],
    ])
    expect([socket.readyState, last(reads()).aborted]).toEqual([2, true])
    await last(sends()).answers(204)
    expect(ends).toEqual([{ code: 1000, reason: 'bye', wasClean: true }])
    await clock.turn(60_000)
    expect(requests).toHaveLength(3)
  })

  test('with much to say does not ask to outlive the page, as browsers would refuse that', async () => {
    const { socket } = await open()
    socket.send('a')
    socket.send('x'.repeat(30_000))
    socket.close(1000)
    expect(last(sends()).init.keepalive).toBe(false)
  })

  test('that cannot be said is an end all the same', async () => {
    const { socket, ends } = await open()
    socket.close(4001)
    last(sends()).breaks()
    await clock.turn(60_000)
    expect([ends.length, sends().length]).toEqual([1, 1])
  })

  test('twice is once', async () => {
    const { socket } = await open()
    socket.close(1000)
    socket.close(1000)
    expect(sends()).toHaveLength(1)
  })
})
