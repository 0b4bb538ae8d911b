import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from 'tsup'
import { transpileDeclaration } from 'typescript'
import { afterEach, expect, test, vi } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { connectIn } from '../../src/connection.ts'
import type { CloseEvent } from '../../src/events.ts'
import { clock, useClock } from '../kit/clock.ts'
import { hearUncaught } from '../kit/uncaught.ts'
import { publish, refusal, subscribed, World } from '../kit/world.ts'

// What reconnecting-websocket 4.4.0 leaves open, one number for each defect (`there: …`), and what holds here instead.

useClock()

afterEach(() => {
  vi.unstubAllGlobals()
})

test('1 (there: closed early, it never opens again): a close before the first socket or in a wait leaves nothing behind, and another connection works', async () => {
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

test('2 (there: after the last try it is dead without a word): the number of tries has no end', async () => {
  const world = new World()
  world.connect()
  await clock.settle()
  for (let n = 1; n <= 200; n++) {
    expect(world.sockets).toHaveLength(n)
    await world.breakLine()
  }
})

test('3 (there: an address that is not found ends it in silence): a wrong address is thrown at once, and nothing that happens while the next try is prepared stops it', async () => {
  const wrong = new World()
  expect(() => connectIn(wrong.surroundings, 'ftp://hub.example.org', { WebSocket: wrong.WebSocket })).toThrow(
    expect.objectContaining({ code: 'bad_request' }),
  )
  using uncaught = hearUncaught()
  const world = new World()
  const conn = world.connect()
  conn.on('status', ({ status }) => {
    throw new Error(status)
  })
  await world.welcome()
  await world.breakLine()
  await world.welcome()
  expect(conn.status).toBe('connected')
  expect(uncaught.errors.map(String)).toEqual(
    ['connected', 'waiting', 'connecting', 'connected'].map((one) => `Error: ${one}`),
  )
})

test('4 (there: a constructor that throws ends it): a constructor that throws is told, and tried again', async () => {
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

test('5 (there: a wait cannot be hurried): waking up in a wait brings the next try at once, on online, visible, pageshow and resume', async () => {
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

test('6 (there: 1000 and clean after an error): close says what really happened', async () => {
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

test('6 (there: the end is made up before it came): a socket that errs and never says how it ended is over before the next one opens', async () => {
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

test.each([1000, 1009, 4400, 4401, 4403, 4406, 4429, 4499])(
  '7 (there: every code is tried again): after a close with %i nothing ever comes back',
  async (code) => {
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
  },
)

test.each([1001, 1006, 1011, 4500, 4502, 4503, 4504, 4508])(
  '7 (there: stopping once is for ever): after a close with %i the page comes back',
  async (code) => {
    const world = new World()
    const conn = world.connect()
    await world.welcome()
    await world.breakLine(code)
    await world.welcome()
    expect(conn.status).toBe('connected')
  },
)

test('8 (there: an endless queue goes out before any handshake): nothing precedes the handshake, and nothing stale is sent', async () => {
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

test('9 (there: the same waits on every page): the waits grow, are bounded and drawn anew for every try', async () => {
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

test('9 (there: the same waits on every page): full jitter: a wait lies between the floor and a bound that doubles up to the ceiling', async () => {
  async function waits(luck: number, backoff?: { min?: number; max?: number }): Promise<number[]> {
    const world = new World()
    world.luck = () => luck
    const conn = world.connect({ backoff })
    const told: number[] = []
    conn.on('status', ({ status, retryAt = 0 }) => {
      if (status === 'waiting') told.push(Math.round(retryAt - clock.now()))
    })
    await clock.settle()
    for (let n = 0; n < 8; n++) await world.breakLine()
    conn.disconnect()
    return told
  }
  expect(await waits(0)).toEqual(Array(8).fill(500))
  expect(await waits(1 - Number.EPSILON)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000, 20_000])
  expect(await waits(0.5)).toEqual([750, 1_250, 2_250, 4_250, 8_250, 10_250, 10_250, 10_250])
  expect(await waits(1 - Number.EPSILON, { min: 100, max: 300 })).toEqual([200, ...Array(7).fill(300)])
})

test('9 (there: the waits are short again after five seconds or never): a hub that throws everybody out again and again is not asked every half second', async () => {
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

test('10 (there: closed while it waits, connecting for ever after an early close): the status is our own, while waiting and after an early close', async () => {
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

test('11 (there: an error after giving up ends the process): a socket that is given up while connecting keeps a listener for its error', async () => {
  const world = new World()
  world.onSocket = (socket) => {
    const listeners = new Set<unknown>()
    const add = socket.addEventListener.bind(socket)
    const remove = socket.removeEventListener.bind(socket)
    socket.addEventListener = (...args: Parameters<typeof add>) => {
      if (args[0] === 'error') listeners.add(args[1])
      add(...args)
    }
    socket.removeEventListener = (...args: Parameters<typeof remove>) => {
      if (args[0] === 'error') listeners.delete(args[1])
      remove(...args)
    }
    const errs = socket.errs.bind(socket)
    // as in the `ws` package
    socket.errs = () => {
      if (listeners.size === 0) throw new Error('Unhandled error event')
      errs()
    }
  }
  world.connect()
  await clock.settle()
  const { socket } = world
  expect(() => socket.errs()).not.toThrow()
  expect(socket.closedBy).toBeDefined()
  // that it was closed before it had opened
  expect(() => socket.errs()).not.toThrow()
  const next = await world.nextSocket()
  await clock.turn(10_000)
  expect(next.closedBy).toBeDefined()
  expect(() => next.errs()).not.toThrow()
  await world.nextSocket()
  expect(world.sockets).toHaveLength(3)
})

test('12 (there: a listener that throws stops the others, or is swallowed): a handler that throws is reported, the others are told, and the line goes on', async () => {
  using uncaught = hearUncaught()
  const world = new World()
  const conn = world.connect()
  const chat = conn.subscribe('chat')
  const told: string[] = []
  const names = ['open', 'close', 'message', 'error'] as const
  for (const name of names) {
    conn.on(name, () => {
      throw new Error(name)
    })
    conn.on(name, () => told.push(name))
  }
  chat.on('publish', () => {
    throw new Error('publish')
  })
  chat.on('publish', () => told.push('publish'))
  const socket = await world.welcome()
  socket.hears(
    subscribed(socket.last('SUBSCRIBE')[0], 'chat'),
    publish('chat', 1, 'a'),
    [0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload: 1, datetime: '' }],
    refusal(0, 'internal', true),
    publish('chat', 2, 'b'),
  )
  socket.errs()
  socket.ends(1006, '', false)
  await world.nextSocket()
  await world.welcome()
  const all = ['open', 'publish', 'message', 'error', 'publish', 'close', 'open']
  expect(told).toEqual(all)
  expect(uncaught.errors).toEqual(all.map((name) => new Error(name)))
  expect(conn.status).toBe('connected')
})

test('13 (there: types that Node cannot import): it is bundled, imported in one place, and no type of it is in ours', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['@hookbox/protocol'])
  const folder = join(import.meta.dirname, '../../src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const texts = files.map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }))
  const importing = texts.filter(({ text }) => /from 'reconnecting-websocket'/.test(text))
  expect(importing.map(({ file }) => file)).toEqual([join('transport', 'websocket.ts')])
  const declared = texts
    .map(({ text }) => transpileDeclaration(text, { compilerOptions: { removeComments: true } }).outputText)
    .join('\n')
  expect(declared).toContain('export declare function connect(')
  expect(declared).not.toMatch(/reconnecting-?websocket/i)
})

test('14 (there: no heartbeat): a silent line is noticed by the clock', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome({ ping: 25 })
  await clock.turn(34_000)
  world.socket.hears([0, 'PING', {}])
  await clock.settle()
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

test.each([
  ['window', 'online'],
  ['window', 'pageshow'],
  ['document', 'visibilitychange'],
  ['document', 'resume'],
] as const)(
  '14 (there: timers only): a line that died while the machine slept is noticed when the page wakes (%s: %s)',
  async (target, event) => {
    const world = new World()
    const conn = world.connect()
    const old = await world.welcome({ ping: 25 })
    clock.suspend(60_000)
    world[target].dispatchEvent(new Event(event))
    expect(conn.status).not.toBe('connected')
    await clock.settle()
    expect(world.socket).not.toBe(old)
    expect(old.closedBy?.code).toBe(4504)
  },
)

test('14 (there: timers only): waking up does not end a line that was heard of lately', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome({ ping: 25 })
  clock.suspend(34_000)
  for (const name of ['online', 'pageshow']) world.window.dispatchEvent(new Event(name))
  for (const name of ['visibilitychange', 'resume']) world.document.dispatchEvent(new Event(name))
  await clock.settle()
  expect([conn.status, socket.closedBy, world.sockets.length]).toEqual(['connected', undefined, 1])
})

test('15 (there: what is in the subprotocol cannot be renewed): the first frame says who this is, and always the newest', async () => {
  const world = new World()
  world.connect({ payload: { login: 'mine' } })
  await world.welcome({ ticket: 'one' })
  await world.breakLine()
  await world.welcome({ ticket: 'two' })
  await world.breakLine()
  world.socket.opens()
  expect(world.sockets.map((socket) => socket.protocols)).toEqual(Array(3).fill('hookbox.v1'))
  const connects = world.sockets.map((socket) => socket.frames[0])
  expect(connects.map((frame) => frame?.[1])).toEqual(Array(3).fill('CONNECT'))
  expect(connects.map((frame) => frame?.[2].ticket)).toEqual([undefined, 'one', 'two'])
  expect(connects.map((frame) => frame?.[2].payload)).toEqual(Array(3).fill({ login: 'mine' }))
})

test('16 (there: without a class it throws once locked): without a WebSocket class connect says so, and nothing is touched at import', async () => {
  vi.stubGlobal('WebSocket', undefined)
  const world = new World()
  expect(() => world.connect({ WebSocket: undefined })).toThrow(/WebSocket: expected a class/)
  expect(world.window.listeners + world.document.listeners).toBe(0)
  const touched: string[] = []
  const names = ['window', 'document', 'location', 'navigator', 'localStorage', 'sessionStorage', 'WebSocket']
  const before = names.map((name) => Object.getOwnPropertyDescriptor(globalThis, name))
  for (const name of names) {
    Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) })
  }
  try {
    vi.resetModules()
    await import('../../src/index.ts')
    await import('../../src/global.ts')
  } finally {
    for (const [index, name] of names.entries()) {
      Reflect.deleteProperty(globalThis, name)
      const descriptor = before[index]
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
    }
  }
  expect(touched).toEqual([])
})

test('17 (there: ES5, a quarter larger): the build takes its source instead', async () => {
  const { default: builds } = await import('../../tsup.config.ts')
  expect(builds).toHaveLength(2)
  for (const { esbuildOptions, target } of builds as Options[]) {
    const options: { alias?: Record<string, string>; define?: Record<string, string> } = {}
    esbuildOptions?.(options, { format: 'esm' })
    expect(options.alias?.['reconnecting-websocket']).toMatch(/\.ts$/)
    expect(target).toBe('es2022')
  }
})

test('18 (there: told only when the hub has answered): a disconnect is told at once and does not wait for the hub', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const told: unknown[] = []
  conn.on('status', ({ status }) => told.push(status))
  conn.on('message', ({ payload }) => told.push(payload))
  conn.disconnect()
  expect(told).toEqual(['closed'])
  expect(socket.closedBy).toEqual({ code: 1000, reason: 'disconnected' })
  // one that was on its way already
  const message = [0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload: 1, datetime: '' }]
  socket.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(message) }))
  socket.ends(1000)
  await clock.settle()
  expect(told).toEqual(['closed'])
})
