import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ConnectOptions } from '../../src/connection.ts'
import { connectIn } from '../../src/connection.ts'
import { fallback } from '../../src/fallback.ts'
import { clock, useClock } from '../kit/clock.ts'
import { type FakeRequest, fakeFetch, messageEvent, sessionEvent } from '../kit/fetch.ts'
import { connected, World } from '../kit/world.ts'

useClock()
let requests: FakeRequest[]
beforeEach(() => {
  requests = fakeFetch()
})
afterEach(() => vi.unstubAllGlobals())

/** Every test has a hub of its own, as what is found out is remembered for the page's life. */
let hubs = 0

function page(options: ConnectOptions = {}, hub = ++hubs) {
  const world = new World()
  const conn = connectIn(world.surroundings, `https://hub-${hub}.example.org`, {
    WebSocket: world.WebSocket,
    fallback,
    ...options,
  })
  return { world, conn, hub }
}

const reads = () => requests.filter(({ path }) => !path.includes('/send'))
const sends = () => requests.filter(({ path }) => path.includes('/send'))
function last(of: FakeRequest[]): FakeRequest {
  const request = of.at(-1)
  if (request === undefined) throw new Error('expected a request')
  return request
}

/** What the page tries next, within the longest wait. */
async function next(world: World): Promise<'websocket' | 'stream' | 'poll'> {
  const [sockets, asked] = [world.sockets.length, reads().length]
  for (let waited = 0; waited <= 30_000; waited += 100) {
    if (world.sockets.length > sockets) return 'websocket'
    if (reads().length > asked) return last(reads()).head.poll ? 'poll' : 'stream'
    await clock.turn(100)
  }
  throw new Error('the page did not try again')
}

/** The hub agrees, over whatever was asked last. */
async function welcome(): Promise<void> {
  if (reads().length > 0) await last(reads()).says(sessionEvent)
  const [id] = JSON.parse(last(sends()).text.split('\n')[0] ?? '') as [number]
  await last(reads()).says(messageEvent(1, JSON.stringify(connected(id))))
}

test('a page whose WebSocket gets through asks for nothing else, however often the line breaks', async () => {
  const { world, conn } = page()
  for (let round = 0; round < 3; round++) {
    await world.welcome()
    expect(conn.status).toBe('connected')
    world.socket.ends(1006)
    expect(await next(world)).toBe('websocket')
  }
  expect(requests).toEqual([])
})

test('where no WebSocket opens, a stream is next, and WebSocket is asked once more when the hub is known to be there', async () => {
  const { world, conn } = page()
  await clock.settle()
  world.socket.ends(1006)
  expect(await next(world)).toBe('stream')
  await last(reads()).says(sessionEvent)
  expect([world.sockets.length, conn.status]).toEqual([2, 'connecting'])
  world.socket.ends(1006)
  await welcome()
  expect(conn.status).toBe('connected')
  expect(world.sockets).toHaveLength(2)
})

test('where the hub was only away for a moment, the page stays with WebSocket', async () => {
  const { world, conn } = page()
  await world.welcome()
  world.socket.ends(4503, 'stopping')
  expect(await next(world)).toBe('websocket')
  world.socket.ends(1006)
  expect(await next(world)).toBe('stream')
  await last(reads()).says(sessionEvent)
  const probe = world.socket
  probe.opens()
  await clock.settle()
  expect(probe.closedBy).toBeDefined()
  expect(probe.messages).toEqual([])
  expect(last(reads()).aborted).toBe(true)
  expect(await next(world)).toBe('websocket')
  await world.welcome()
  expect(conn.status).toBe('connected')
  expect(sends()).toEqual([])
})

test('a WebSocket that neither opens nor fails is given up after 5 s, and not asked again', async () => {
  const { world, conn } = page()
  await clock.settle()
  await clock.turn(4_999)
  expect(world.socket.closedBy).toBeUndefined()
  await clock.turn(1)
  expect(world.socket.closedBy).toBeDefined()
  world.socket.ends(1006, '', false)
  expect(await next(world)).toBe('stream')
  await welcome()
  expect([conn.status, world.sockets.length]).toEqual(['connected', 1])
})

test('a WebSocket that opens and brings nothing is given up', async () => {
  const { world, conn } = page()
  await clock.settle()
  world.socket.opens()
  await clock.turn(20_000)
  expect(world.socket.closedBy?.code).toBe(4504)
  expect(await next(world)).toBe('stream')
  await welcome()
  expect([conn.status, world.sockets.length]).toEqual(['connected', 1])
})

test('a WebSocket that falls silent in mid-life and cannot be opened again is given up', async () => {
  const { world, conn } = page()
  await world.welcome()
  await clock.turn(35_000)
  expect(await next(world)).toBe('websocket')
  world.socket.ends(1006)
  expect(await next(world)).toBe('stream')
  await last(reads()).says(sessionEvent)
  world.socket.ends(1006)
  await welcome()
  expect(conn.status).toBe('connected')
})

test('where the first event is held back, long polling is next', async () => {
  const { world, conn } = page()
  await clock.settle()
  world.socket.ends(1006)
  expect(await next(world)).toBe('stream')
  await clock.turn(5_000)
  expect(await next(world)).toBe('poll')
  await last(reads()).says(sessionEvent)
  world.socket.ends(1006)
  await clock.settle()
  const [id] = JSON.parse(last(sends()).text) as [number]
  await last(reads()).ends()
  await last(reads()).says(messageEvent(1, JSON.stringify(connected(id))))
  expect(conn.status).toBe('connected')
})

test('where nothing gets through, everything is tried again', async () => {
  const { world } = page()
  await clock.settle()
  for (let round = 0; round < 3; round++) {
    world.socket.ends(1006)
    expect(await next(world)).toBe('stream')
    last(reads()).breaks()
    expect(await next(world)).toBe('websocket')
  }
})

test('without a WebSocket class a stream is first, and then long polling', async () => {
  vi.stubGlobal('WebSocket', undefined)
  const { world, conn } = page({ WebSocket: undefined })
  const errors = vi.fn()
  conn.on('error', errors)
  expect(await next(world)).toBe('stream')
  await clock.turn(5_000)
  expect(await next(world)).toBe('poll')
  last(reads()).breaks()
  expect(await next(world)).toBe('stream')
  await welcome()
  expect(conn.status).toBe('connected')
  expect(errors).not.toHaveBeenCalled()
})

test('a WebSocket that may not even be made is no end', async () => {
  const { world, conn } = page()
  world.constructorThrows = new Error('blocked')
  expect(await next(world)).toBe('stream')
  await welcome()
  expect(conn.status).toBe('connected')
})

test('what got through is remembered for the page’s life, and WebSocket is tried again after 5 minutes', async () => {
  const first = page()
  await clock.settle()
  first.world.socket.ends(1006)
  await next(first.world)
  await last(reads()).says(sessionEvent)
  first.world.socket.ends(1006)
  await welcome()
  first.conn.disconnect()

  await clock.turn(200_000)
  const second = page({}, first.hub)
  expect(await next(second.world)).toBe('stream')
  await welcome()
  last(reads()).breaks()
  await clock.turn(1_000)
  await last(reads()).answers(410)
  expect(await next(second.world)).toBe('stream')
  await welcome()
  expect([second.conn.status, second.world.sockets.length]).toEqual(['connected', 0])

  // the 5 minutes count from when it was found out
  await clock.turn(20_000)
  await last(reads()).says(messageEvent(2, '[0,"PING"]'))
  second.conn.disconnect()
  await clock.turn(100_000)
  const third = page({}, first.hub)
  expect(await next(third.world)).toBe('websocket')
  third.world.socket.ends(1006)
  expect(await next(third.world)).toBe('stream')
  third.conn.disconnect()
})

test('what was remembered is forgotten once a WebSocket brings something', async () => {
  const first = page()
  await clock.settle()
  first.world.socket.ends(1006)
  await next(first.world)
  await clock.turn(5_000)
  expect(await next(first.world)).toBe('poll')
  await last(reads()).says(sessionEvent)
  first.world.socket.ends(1006)
  await clock.settle()
  first.conn.disconnect()
  await clock.turn(300_000)
  const second = page({}, first.hub)
  await second.world.welcome()
  second.conn.disconnect()
  const third = page({}, first.hub)
  await clock.settle()
  third.world.socket.ends(1006)
  expect(await next(third.world)).toBe('stream')
})

test('another hub is another matter', async () => {
  const first = page()
  await clock.settle()
  first.world.socket.ends(1006)
  await next(first.world)
  await last(reads()).says(sessionEvent)
  first.world.socket.ends(1006)
  await welcome()
  const other = page()
  await clock.settle()
  expect(other.world.sockets).toHaveLength(1)
})

test('without the option nothing but WebSocket is tried', async () => {
  const { world } = page({ fallback: undefined })
  await clock.settle()
  for (let round = 0; round < 5; round++) {
    world.socket.ends(1006)
    expect(await next(world)).toBe('websocket')
  }
  expect(requests).toEqual([])
})
