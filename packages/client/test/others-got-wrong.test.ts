import { afterEach, expect, test, vi } from 'vitest'
import { connectLegacy } from '../src/legacy.ts'
import { answer, inChat } from './kit/chat.ts'
import { clock, useClock } from './kit/clock.ts'
import { connected, publish, refusal, result, subscribed, World } from './kit/world.ts'

// Mistakes that clients of hubs have made. Each test is named after what must not happen here.

useClock()

afterEach(() => {
  vi.unstubAllGlobals()
})

/** Everything that nobody caught, while `task` runs and a moment longer. */
async function uncaught(task: () => void | Promise<void>): Promise<unknown[]> {
  const events = ['unhandledRejection', 'uncaughtException'] as const
  const told: NodeJS.EventEmitter = process
  const before = events.map((name) => told.listeners(name))
  const found: unknown[] = []
  const hear = (error: unknown) => found.push(error)
  for (const name of events) told.removeAllListeners(name).on(name, hear)
  try {
    await task()
    await clock.settle()
    await new Promise((resolve) => setImmediate(resolve))
  } finally {
    for (const [index, name] of events.entries()) {
      told.removeAllListeners(name)
      for (const listener of before[index] ?? []) told.on(name, listener as () => void)
    }
  }
  return found
}

test('unsubscribe and subscribe inside a handler repeat no publish', async () => {
  const { conn, socket, chat, heard } = await inChat()
  const again: unknown[] = []
  chat.on('publish', () => {
    chat.cancel()
    conn.subscribe('chat').on('publish', ({ payload }) => again.push(payload))
  })
  socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'))
  await clock.settle()
  expect([heard, again]).toEqual([['a'], ['b']])
  expect(socket.count('UNSUBSCRIBE')).toBe(0)
})

test('unsubscribe and subscribe inside the handler of a missed publish repeat nothing, and miss nothing of the rest', async () => {
  const { world, conn, chat } = await inChat()
  const heard: unknown[] = []
  const again: unknown[] = []
  chat.on('publish', ({ payload }) => {
    heard.push(payload)
    chat.cancel()
    conn.subscribe('chat').on('publish', (event) => again.push(event.payload))
  })
  const next = await world.breakLine()
  next.opens()
  answer(next, { position: 'e1:3', recovered: true, missed: 3 })
  next.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'), publish('chat', 3, 'c'))
  await clock.settle()
  expect([heard, again]).toEqual([['a'], ['b', 'c']])
  expect([next.count('SUBSCRIBE'), next.count('UNSUBSCRIBE')]).toEqual([1, 0])
})

test('replayed entries stop at a disconnect inside a handler', async () => {
  const { world, conn, chat, heard } = await inChat()
  chat.on('publish', () => conn.disconnect())
  const next = await world.breakLine()
  next.opens()
  next.hears(
    subscribed(next.last('SUBSCRIBE')[0], 'chat', { position: 'e1:2', recovered: true, missed: 2 }),
    publish('chat', 1, 'a'),
    publish('chat', 2, 'b'),
  )
  expect(heard).toEqual(['a'])
  expect(chat.status).toBe('ended')
})

test('removing an old subscription twice does not remove a newer one', async () => {
  const { conn, socket, chat } = await inChat()
  const newer = conn.subscribe('chat')
  chat.cancel()
  chat.cancel()
  await clock.settle()
  expect(socket.count('UNSUBSCRIBE')).toBe(0)
  expect([chat.status, newer.status]).toEqual(['cancelled', 'subscribed'])
})

test('subscribe, cancel, subscribe while the first is unanswered is one subscribe', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const first = conn.subscribe('chat')
  await clock.settle()
  first.cancel()
  await clock.settle()
  const second = conn.subscribe('chat')
  await clock.settle()
  answer(socket, { position: 'e1:3' })
  await second.ready
  await expect(first.ready).rejects.toMatchObject({ code: 'closed' })
  expect(second.status).toBe('subscribed')
  expect(socket.frames.map(([, name]) => name)).toEqual(['CONNECT', 'SUBSCRIBE'])
})

test('an answer of a dead connection is not applied to the new one', async () => {
  const world = new World()
  const conn = world.connect()
  await clock.settle()
  const old = world.socket
  old.opens()
  const next = await world.breakLine()
  next.opens()
  old.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(connected(1, { name: 'old' })) }))
  expect(conn.status).toBe('connecting')
  next.hears(connected(next.last('CONNECT')[0], { name: 'new' }))
  expect(conn.user).toBe('new')
})

test('what a dead connection still says about channels and publishes is not applied to the new one', async () => {
  const { world, conn, socket: old, heard, chat } = await inChat()
  const outcomes: unknown[] = []
  conn.publish('chat', 'mine').then((outcome) => outcomes.push(outcome))
  await clock.settle()
  const [id] = old.last('PUBLISH')
  const next = await world.breakLine()
  const late = [
    result(id, { position: 'e1:9' }),
    publish('chat', 1, 'ghost'),
    [0, 'UNSUBSCRIBED', { channel_name: 'chat', reason: 'removed' }],
  ]
  old.dispatchEvent(
    Object.assign(new Event('message'), { data: late.map((frame) => JSON.stringify(frame)).join('\n') }),
  )
  await world.welcome()
  answer(next, { position: 'e1:0', recovered: true, missed: 0 })
  expect([heard, outcomes, chat.status]).toEqual([[], [], 'subscribed'])
  next.hears(result(next.last('PUBLISH')[0], { position: 'e1:1' }))
  await clock.settle()
  expect(outcomes).toEqual([{ position: 'e1:1', duplicate: false }])
})

test('listeners for online, offline and the like do not leak with every connection', async () => {
  const world = new World()
  for (let n = 0; n < 3; n++) {
    const conn = world.connect()
    expect([world.window.listeners, world.document.listeners]).toEqual([4, 3])
    await conn[Symbol.asyncDispose]()
    expect([world.window.listeners, world.document.listeners]).toEqual([0, 0])
  }
  const conn = world.connect()
  for (let n = 0; n < 5; n++) {
    await world.welcome()
    await world.breakLine()
  }
  expect([world.window.listeners, world.document.listeners]).toEqual([4, 3])
  await world.welcome()
  world.socket.ends(4403, 'removed')
  expect([conn.status, world.window.listeners, world.document.listeners]).toEqual(['closed', 0, 0])
})

test.each(['modern', 'of 2010'])(
  'storage and cookies that throw, as in private mode or a sandbox, harm nothing (%s)',
  async (style) => {
    const denied = () => {
      throw new DOMException('denied', 'SecurityError')
    }
    const stores = ['localStorage', 'sessionStorage', 'indexedDB', 'caches']
    const before = stores.map((name) => Object.getOwnPropertyDescriptor(globalThis, name))
    for (const name of stores) Object.defineProperty(globalThis, name, { get: denied, configurable: true })
    try {
      const world = new World()
      Object.defineProperty(world.document, 'cookie', { get: denied, set: denied, configurable: true })
      const { WebSocket } = world
      const conn =
        style === 'modern'
          ? world.connect()
          : connectLegacy(world.surroundings, 'https://hub.example.org', { WebSocket })
      const chat = conn.subscribe('chat')
      const socket = await world.welcome()
      expect(socket.last('CONNECT')[2].cookie_string).toBeUndefined()
      socket.hears([0, 'SET_COOKIE', { cookie: 'session=1; Path=/' }])
      answer(socket)
      const published = chat.publish(1)
      await clock.settle()
      socket.hears(result(socket.last('PUBLISH')[0], { position: 'e1:1' }))
      expect(await published).toEqual({ position: 'e1:1', duplicate: false })
      await world.breakLine()
      await world.welcome()
      conn.disconnect()
    } finally {
      for (const [index, name] of stores.entries()) {
        Reflect.deleteProperty(globalThis, name)
        const descriptor = before[index]
        if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      }
    }
  },
)

test('a failed send is no unhandled rejection, and what was not sent is sent on the next line', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  let published: Promise<unknown> | undefined
  const errors = await uncaught(() => {
    // the browser knows already that the line is gone, and tells a moment later
    socket.readyState = 2
    published = conn.publish('chat', 'mine')
    conn.subscribe('chat')
    conn.message('bob', 'hello')
  })
  expect([errors, socket.count('PUBLISH')]).toEqual([[], 0])
  const next = await world.breakLine()
  await world.welcome()
  expect([next.count('PUBLISH'), next.count('SUBSCRIBE'), next.count('MESSAGE')]).toEqual([1, 1, 1])
  next.hears(result(next.last('PUBLISH')[0], { position: 'e1:1' }))
  expect(await published).toEqual({ position: 'e1:1', duplicate: false })
})

test('nothing that fails and is not listened to is an unhandled rejection', async () => {
  const errors = await uncaught(async () => {
    const world = new World()
    const conn = world.connect({ timeout: 1_000 })
    const chat = conn.subscribe('chat')
    chat.publish(1)
    chat.publish(2, { timeout: 10 })
    chat.publish(3, { signal: AbortSignal.abort() })
    chat.publish(undefined as never)
    chat.fetchHistory()
    const socket = await world.welcome()
    const refused = conn.subscribe('refused')
    refused.publish(4)
    await clock.settle()
    socket.hears(
      refusal(socket.last('SUBSCRIBE')[0], 'refused', false),
      refusal(socket.last('PUBLISH')[0], 'refused', false),
    )
    await world.breakLine(4502)
    await world.breakLine()
    chat.cancel()
    conn.message('bob', 1)
    conn.disconnect()
    conn.publish('chat', 2)
    conn.subscribe('chat').cancel()
  })
  expect(errors).toEqual([])
})

test('pushes after an unsubscribe make no ghost subscription', async () => {
  const { conn, socket, chat, heard } = await inChat()
  const made: unknown[] = []
  conn.on('subscribed', (sub) => made.push(sub))
  chat.cancel()
  await clock.settle()
  socket.hears(publish('chat', 1, 'late'))
  socket.hears(result(socket.last('UNSUBSCRIBE')[0]), publish('chat', 2, 'later'))
  expect([heard, made]).toEqual([[], []])
})

test.each(['freeze', 'pagehide'])(
  'a page that goes to sleep (%s) lets go of the line and comes back when it wakes',
  async (name) => {
    const world = new World()
    const conn = world.connect()
    const socket = await world.welcome()
    const target = name === 'freeze' ? world.document : world.window
    target.dispatchEvent(new Event(name))
    // not 1000: it is to linger
    expect(socket.closedBy?.code).toBe(4001)
    expect(conn.status).toBe('waiting')
    await clock.turn(600_000)
    expect(world.sockets).toHaveLength(1)
    world.window.dispatchEvent(new Event('pageshow'))
    await world.welcome()
    expect(conn.status).toBe('connected')
  },
)

test('a page that goes to sleep in a wait does not try until it wakes', async () => {
  const world = new World()
  const conn = world.connect()
  await clock.settle()
  world.socket.ends(1006)
  await clock.settle()
  world.document.dispatchEvent(new Event('freeze'))
  await clock.turn(600_000)
  expect([world.sockets.length, conn.status]).toEqual([1, 'waiting'])
  world.document.dispatchEvent(new Event('resume'))
  await world.welcome()
  expect(conn.status).toBe('connected')
})

test('a background tab whose timers sleep comes back when it is looked at, and resumes', async () => {
  const { world, socket, heard } = await inChat()
  socket.hears(publish('chat', 1, 'a'))
  world.document.visibilityState = 'hidden'
  clock.suspend(3_600_000)
  world.document.dispatchEvent(new Event('visibilitychange'))
  expect(world.sockets).toHaveLength(1)
  world.document.visibilityState = 'visible'
  world.document.dispatchEvent(new Event('visibilitychange'))
  await world.welcome()
  const next = world.socket
  expect([world.sockets.length, next.last('SUBSCRIBE')[2].since]).toEqual([2, 'e1:1'])
  answer(next, { position: 'e1:2', recovered: true, missed: 1 })
  next.hears(publish('chat', 2, 'b'))
  expect(heard).toEqual(['a', 'b'])
})

test('a background tab whose timers run once a minute comes back without being looked at', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome()
  world.document.visibilityState = 'hidden'
  // the hub's last word was long ago when the next timer runs
  clock.suspend(60_000)
  await clock.turn(35_000)
  clock.suspend(60_000)
  await world.nextSocket()
  await world.welcome()
  expect(conn.status).toBe('connected')
})

test('an expired login does not loop: a refused connect says why and is not tried again, whatever wakes the page', async () => {
  const world = new World()
  const conn = world.connect()
  const chat = conn.subscribe('chat')
  const published = conn.publish('chat', 1)
  const errors: string[] = []
  conn.on('error', ({ message }) => errors.push(message))
  await clock.settle()
  world.socket.opens()
  world.socket.hears(refusal(1, 'unauthorized', false, 'your login has expired'))
  world.socket.ends(4401, 'refused')
  await expect(conn.ready).rejects.toMatchObject({ code: 'unauthorized', message: 'your login has expired' })
  await expect(chat.ready).rejects.toMatchObject({ code: 'unauthorized' })
  await expect(published).rejects.toMatchObject({ code: 'unauthorized' })
  expect(errors).toEqual(['your login has expired'])
  await clock.turn(3_600_000)
  for (let n = 0; n < 1_000; n++) {
    world.window.dispatchEvent(new Event('online'))
    world.window.dispatchEvent(new Event('pageshow'))
    world.document.dispatchEvent(new Event('visibilitychange'))
  }
  await clock.turn(3_600_000)
  expect(world.sockets).toHaveLength(1)
})

test('a login that expires between two lines ends the page on the next one', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome()
  const next = await world.breakLine()
  next.opens()
  next.hears(refusal(next.last('CONNECT')[0], 'unauthorized', false, 'your login has expired'))
  next.ends(4401, 'refused')
  await clock.turn(3_600_000)
  expect([conn.status, world.sockets.length]).toEqual(['closed', 2])
})

test('presence differences before the snapshot are not told', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  await clock.settle()
  const datetime = '2026-11-23T12:00:02.000Z'
  socket.hears([0, 'SUBSCRIBE', { channel_name: 'chat', user: 'cid', datetime, offset: 3 }])
  expect(chat.presence).toEqual([])
  answer(socket, { position: 'e1:3', presence: ['cid'] })
  expect(chat.presence).toEqual(['cid'])
})

test('a component that is mounted twice costs one subscribe, and hears each publish once', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  conn.subscribe('chat').cancel()
  const chat = conn.subscribe('chat')
  await clock.settle()
  expect(socket.count('SUBSCRIBE')).toBe(1)
  expect(socket.count('UNSUBSCRIBE')).toBe(0)
  const heard: unknown[] = []
  chat.on('publish', ({ payload }) => heard.push(payload))
  answer(socket)
  await chat.ready
  socket.hears(publish('chat', 1, 'a'))
  expect(heard).toEqual(['a'])
})

test('a subscribe that times out drops the line and comes back', async () => {
  const world = new World()
  const conn = world.connect({ timeout: 5_000 })
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  await clock.turn(4_999)
  expect(conn.status).toBe('connected')
  await clock.turn(1)
  expect(conn.status).toBe('waiting')
  expect(socket.closedBy?.code).toBe(4504)
  const next = await world.nextSocket()
  next.opens()
  answer(next)
  await chat.ready
})
