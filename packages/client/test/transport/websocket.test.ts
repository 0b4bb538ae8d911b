import { expect, test } from 'vitest'
import type { CloseEvent } from '../../src/events.ts'
import { clock, useClock } from '../kit/clock.ts'
import { World } from '../kit/world.ts'

// Each test is named after what reconnecting-websocket leaves open; the line must not.

useClock()

test('1: a close before the first socket exists or while waiting leaves nothing behind, and another connection works', async () => {
  const world = new World()
  const early = world.connect()
  early.disconnect()
  await clock.turn(60_000)
  expect(world.sockets).toHaveLength(0)
  const waiting = world.connect()
  await clock.settle()
  world.socket.ends(1006)
  waiting.disconnect()
  await clock.turn(60_000)
  expect(world.sockets).toHaveLength(1)
  const conn = world.connect()
  await world.welcome()
  expect(conn.status).toBe('connected')
})

test('2: the number of tries has no end', async () => {
  const world = new World()
  world.connect()
  await clock.settle()
  for (let n = 1; n <= 200; n++) {
    expect(world.sockets).toHaveLength(n)
    await world.breakLine()
  }
})

test('3: the address is never waited for in a promise that could reject', async () => {
  const world = new World()
  expect(() => world.connect({ WebSocket: undefined }).disconnect()).toThrow(/WebSocket: expected a class/)
  await clock.turn(1_000)
})

test('4: a constructor that throws is told, and tried again', async () => {
  const world = new World()
  world.constructorThrows = new Error('mixed content')
  const conn = world.connect()
  const errors: unknown[] = []
  const closes: CloseEvent[] = []
  conn.on('error', (error) => errors.push(error.cause))
  conn.on('close', (event) => closes.push(event))
  await clock.settle()
  expect(errors).toEqual([world.constructorThrows])
  expect(closes).toEqual([{ code: 1006, reason: '', wasClean: false, wasConnected: false, comesBack: true }])
  world.constructorThrows = undefined
  await clock.turn(1_000)
  await world.welcome()
  expect(conn.status).toBe('connected')
})

test('5: waking up in a wait brings the next try at once', async () => {
  const world = new World()
  world.luck = () => 0.99
  world.connect()
  await clock.settle()
  for (const [target, event] of [
    [world.window, 'online'],
    [world.window, 'pageshow'],
    [world.document, 'visibilitychange'],
    [world.document, 'resume'],
  ] as const) {
    const before = world.sockets.length
    world.socket.ends(1006)
    await clock.turn(100)
    expect(world.sockets).toHaveLength(before)
    target.dispatchEvent(new Event(event))
    await clock.settle()
    expect(world.sockets).toHaveLength(before + 1)
  }
})

test('6: after an error the close tells the true code', async () => {
  const world = new World()
  const conn = world.connect()
  const closes: CloseEvent[] = []
  conn.on('close', (event) => closes.push(event))
  await world.welcome()
  world.socket.errs()
  world.socket.ends(1006, 'reset', false)
  await clock.turn(1_000)
  expect(closes).toEqual([{ code: 1006, reason: 'reset', wasClean: false, wasConnected: true, comesBack: true }])
  expect(world.sockets).toHaveLength(2)
})

test('6: a socket that errs and never says how it ended is over before the next one opens', async () => {
  const world = new World()
  const conn = world.connect()
  const closes: CloseEvent[] = []
  conn.on('close', (event) => closes.push(event))
  const old = await world.welcome()
  old.errs()
  await clock.turn(1_000)
  await world.welcome()
  old.ends(1011)
  expect(closes).toHaveLength(1)
  expect(closes[0]?.code).toBe(1006)
  expect(conn.status).toBe('connected')
})

test.each([1000, 1009, 4400, 4401, 4403, 4406])('7: a close with %i ends it with one connect', async (code) => {
  const world = new World()
  const conn = world.connect()
  const closes: CloseEvent[] = []
  conn.on('close', (event) => closes.push(event))
  await world.welcome()
  world.socket.ends(code, 'because')
  await clock.turn(600_000)
  world.window.dispatchEvent(new Event('online'))
  await clock.turn(600_000)
  expect(world.sockets).toHaveLength(1)
  expect(conn.status).toBe('closed')
  expect(closes).toEqual([{ code, reason: 'because', wasClean: true, wasConnected: true, comesBack: false }])
  expect(world.window.listeners + world.document.listeners).toBe(0)
})

test.each([1001, 1006, 1011, 4500, 4502, 4503, 4504, 4508])(
  '7: after a close with %i the page comes back',
  async (code) => {
    const world = new World()
    const conn = world.connect()
    await world.welcome()
    await world.breakLine(code)
    await world.welcome()
    expect(conn.status).toBe('connected')
  },
)

test('8: nothing precedes the handshake, and nothing stale is sent', async () => {
  const world = new World()
  const conn = world.connect({ whenOffline: { timeToLive: 1_000 } })
  conn.publish('chat', 'stale')
  await clock.turn(2_000)
  conn.publish('chat', 'fresh')
  await world.welcome()
  expect(world.socket.frames.map(([, name, args]) => [name, args.payload])).toEqual([
    ['CONNECT', undefined],
    ['PUBLISH', 'fresh'],
  ])
})

test('9: the waits grow, are bounded and drawn anew for every try', async () => {
  const world = new World()
  const conn = world.connect()
  const waits: number[] = []
  conn.on('status', ({ status, retryAt }) => {
    if (status === 'waiting') waits.push((retryAt ?? 0) - clock.now())
  })
  const drawn = [0, 0.5, 0.999, 0, 1, 1, 1, 1, 1]
  world.luck = () => drawn.shift() ?? 0
  await clock.settle()
  for (let n = 0; n < 9; n++) {
    await world.breakLine()
  }
  expect(waits.map(Math.round)).toEqual([500, 1_250, 3_997, 500, 16_000, 20_000, 20_000, 20_000, 20_000])
})

test('9: a hub that throws everybody out again and again is not asked every half second', async () => {
  const world = new World()
  const conn = world.connect()
  let last = 0
  conn.on('status', ({ status, retryAt }) => {
    if (status === 'waiting') last = (retryAt ?? 0) - clock.now()
  })
  world.luck = () => 1
  for (let n = 0; n < 8; n++) {
    await world.welcome()
    await world.breakLine(4503)
  }
  expect(last).toBe(20_000)
  await world.welcome()
  await clock.turn(5_000)
  await world.breakLine()
  expect(last).toBe(1_000)
})

test('10: the status is our own, while waiting and after an early close', async () => {
  const world = new World()
  const conn = world.connect()
  expect(conn.status).toBe('connecting')
  await clock.settle()
  world.socket.ends(1006)
  expect(conn.status).toBe('waiting')
  const closes: number[] = []
  conn.on('close', ({ code }) => closes.push(code))
  conn.disconnect()
  expect(conn.status).toBe('closed')
  expect(closes).toEqual([1000])
})

test('11: an error on a socket that is given up while connecting has a listener', async () => {
  const world = new World()
  world.connect()
  await clock.settle()
  const { socket } = world
  let heard = 0
  const add = socket.addEventListener.bind(socket)
  add('error', () => heard++)
  await clock.turn(10_000)
  expect(socket.closedBy).toBeDefined()
  socket.errs()
  expect(heard).toBe(1)
  await world.nextSocket()
  expect(world.sockets).toHaveLength(2)
})

test('14: a silent line is noticed by the clock', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome({ ping: 25 })
  await clock.turn(34_000)
  world.socket.hears([0, 'PING', {}])
  expect(world.socket.last('PONG')).toEqual([0, 'PONG', {}])
  await clock.turn(34_999)
  expect(conn.status).toBe('connected')
  await clock.turn(1)
  expect(conn.status).toBe('waiting')
  // neither 1000 nor 44xx: the hub must let it linger
  expect(world.socket.closedBy?.code).toBe(4504)
  await clock.turn(1_000)
  await world.welcome()
  expect(conn.status).toBe('connected')
})

test('14: a line that died while the machine slept is noticed when the page wakes', async () => {
  const world = new World()
  const conn = world.connect()
  const old = await world.welcome({ ping: 25 })
  clock.suspend(60_000)
  world.document.dispatchEvent(new Event('visibilitychange'))
  expect(conn.status).not.toBe('connected')
  await clock.settle()
  expect(world.socket).not.toBe(old)
})

test('16: without a WebSocket class connect says so, and nothing happens at import', async () => {
  const world = new World()
  await import('../../src/index.ts')
  expect(() => world.connect({ WebSocket: undefined })).toThrow(/WebSocket/)
})

test('18: a disconnect is told at once and does not wait for the hub', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const statuses: string[] = []
  conn.on('status', ({ status }) => statuses.push(status))
  conn.disconnect()
  expect(statuses).toEqual(['closed'])
  expect(socket.closedBy).toEqual({ code: 1000, reason: 'disconnected' })
  socket.hears([0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload: 1, datetime: '' }])
})
