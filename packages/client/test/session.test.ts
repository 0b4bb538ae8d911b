import { expect, test } from 'vitest'
import type { CloseEvent, StatusEvent } from '../src/events.ts'
import { answer, inChat } from './kit/chat.ts'
import { clock, useClock } from './kit/clock.ts'
import { hearUncaught } from './kit/uncaught.ts'
import { connected, publish, refusal, subscribed, World } from './kit/world.ts'

useClock()

test('ready settles once: with the first connect', async () => {
  const world = new World()
  const conn = world.connect()
  const opens: unknown[] = []
  conn.on('open', (event) => opens.push(event))
  await world.welcome()
  await conn.ready
  await world.breakLine()
  await world.welcome({ id: 'b' })
  expect(opens).toEqual([
    { user: 'ann', id: '0'.repeat(32), payload: null, again: false },
    { user: 'ann', id: 'b', payload: null, again: true },
  ])
  conn.disconnect()
  await conn.ready
})

test.each(['bad_request', 'too_large'])('a connect that is wrong itself (%s) is not tried again', async (code) => {
  const world = new World()
  const conn = world.connect({ payload: 'x' })
  await clock.settle()
  world.socket.opens()
  world.socket.hears(refusal(1, code, false))
  await expect(conn.ready).rejects.toMatchObject({ code })
  await clock.turn(60_000)
  expect([conn.status, world.sockets.length]).toEqual(['closed', 1])
})

test('a connect that the application could not answer is tried again', async () => {
  const world = new World()
  const conn = world.connect()
  await clock.settle()
  world.socket.opens()
  world.socket.hears(refusal(1, 'webhook_failed', true))
  await world.breakLine(4502)
  await world.welcome()
  await conn.ready
})

test('a handshake that is not answered gives the line up', async () => {
  const world = new World()
  world.connect({ timeout: 5_000 })
  await clock.settle()
  const { socket } = world
  socket.opens()
  await clock.turn(5_000)
  expect(socket.closedBy?.code).toBe(4504)
  await world.nextSocket()
})

test('the status says when the next try comes', async () => {
  const world = new World()
  const conn = world.connect()
  const told: StatusEvent[] = []
  conn.on('status', (event) => told.push(event))
  await world.welcome()
  world.socket.ends(1006)
  expect(told.at(-1)).toEqual({ status: 'waiting', retryAt: clock.now() + 750 })
  await clock.turn(750)
  await world.welcome()
  expect(told.map(({ status }) => status)).toEqual(['connected', 'waiting', 'connecting', 'connected'])
})

test('the status says no time where no try is due: asleep or closed', async () => {
  const world = new World()
  const conn = world.connect()
  const told: StatusEvent[] = []
  conn.on('status', (event) => told.push(event))
  await world.welcome()
  world.socket.ends(1006)
  world.document.dispatchEvent(new Event('freeze'))
  expect(told.slice(1)).toEqual([{ status: 'waiting', retryAt: clock.now() + 750 }, { status: 'waiting' }])
  world.document.dispatchEvent(new Event('resume'))
  await world.welcome()
  world.document.dispatchEvent(new Event('freeze'))
  conn.disconnect()
  expect(told.slice(3)).toEqual(['connecting', 'connected', 'waiting', 'closed'].map((status) => ({ status })))
})

test('offline only tells: the line stays, and hearing anything takes it back', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  world.window.dispatchEvent(new Event('offline'))
  expect(conn.status).toBe('offline')
  expect(socket.closedBy).toBeUndefined()
  socket.hears([0, 'PING', {}])
  expect(conn.status).toBe('connected')
  await clock.settle()
  expect(socket.count('PONG')).toBe(1)
})

test('cookies that the application sets are set, and a page that may not have any does without', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  socket.hears([0, 'SET_COOKIE', { cookie: 'session=1; Path=/' }])
  expect(world.document.jar).toEqual(['session=1; Path=/'])
  Object.defineProperty(world.document, 'cookie', {
    set: () => {
      throw new Error('sandboxed')
    },
  })
  socket.hears([0, 'SET_COOKIE', { cookie: 'session=2' }])
  expect(conn.status).toBe('connected')
})

test('private messages come in order, once, and over a break', async () => {
  const world = new World()
  const conn = world.connect()
  const opens: unknown[] = []
  const heard: unknown[] = []
  conn.on('message', ({ payload }) => heard.push(payload))
  conn.on('open', ({ recovered }) => opens.push(recovered))
  const message = (offset: number | undefined, payload: unknown) =>
    [0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload, datetime: '', ...(offset && { offset }) }] as [
      number,
      string,
      Record<string, unknown>,
    ]
  const first = await world.welcome({ messages: { position: 'm:3' } })
  first.hears(message(4, 'a'), message(4, 'a'), message(undefined, 'copy'))
  // a jump: what lies between comes with a new connect only
  first.hears(message(6, 'c'), message(7, 'd'))
  expect(first.closedBy?.code).toBe(4500)
  const next = await world.nextSocket()
  next.opens()
  const [id, , args] = next.last('CONNECT')
  expect(args.messages_since).toBe('m:4')
  next.hears(
    connected(id, { messages: { position: 'm:6', recovered: true, missed: 2 } }),
    message(5, 'b'),
    message(6, 'c'),
  )
  expect(heard).toEqual(['a', 'copy', 'b', 'c'])
  await world.breakLine()
  await world.welcome({ messages: { position: 'm:20', recovered: false } })
  world.socket.hears(message(21, 'z'))
  expect(heard.at(-1)).toBe('z')
  expect(opens).toEqual([undefined, true, false])
})

test.each(['not JSON', '{}', '[1]', '[0,"PUBLISH",7]', '[0,"SUBSCRIBED",{"channel_name":"x","position":"?"}]'])(
  'what is no frame (%s) is told, and the line is taken up anew',
  async (text) => {
    const world = new World()
    const conn = world.connect()
    const socket = await world.welcome()
    const errors: string[] = []
    conn.on('error', ({ code }) => errors.push(code))
    socket.hearsText(text)
    expect(errors).toEqual(['malformed'])
    expect(socket.closedBy?.code).toBe(4500)
    await world.nextSocket()
    await world.welcome()
    expect(conn.status).toBe('connected')
  },
)

test('of a message that holds what is no frame nothing is taken in: it is asked for again from before it', async () => {
  const { world, socket, heard } = await inChat()
  socket.hearsText(`${JSON.stringify(publish('chat', 1, 'a'))}\nnot JSON`)
  expect(heard).toEqual([])
  await world.nextSocket()
  await world.welcome()
  expect(world.socket.last('CONNECT')[2]).toMatchObject({ since: { chat: 'e1:0' } })
  answer(world.socket, { position: 'e1:1', recovered: true, missed: 1 })
  world.socket.hears(publish('chat', 1, 'a'))
  expect(heard).toEqual(['a'])
})

test('frames, errors and binary messages that this version does not know are no trouble', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const errors: string[] = []
  conn.on('error', ({ code, temporary }) => errors.push(`${code} ${temporary}`))
  socket.hears([0, 'NOVELTY', { channel_name: 'chat' }], [99, 'RESULT', {}], refusal(0, 'novel', true))
  socket.hearsText(new ArrayBuffer(2))
  expect(errors).toEqual(['novel true'])
  expect(conn.status).toBe('connected')
})

test('a multi-byte character is whole', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const chat = conn.subscribe('ch💬t')
  const heard: unknown[] = []
  chat.on('publish', ({ payload }) => heard.push(payload))
  await clock.settle()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'ch💬t'), publish('ch💬t', 1, '💬'))
  expect(heard).toEqual(['💬'])
})

test('a disconnect inside any handler is final', async () => {
  for (const name of ['open', 'status', 'close'] as const) {
    const world = new World()
    const conn = world.connect()
    conn.on(name, () => conn.disconnect())
    await clock.settle()
    world.socket.opens()
    if (world.socket.count('CONNECT')) world.socket.hears(connected(1))
    if (conn.status !== 'closed') world.socket.ends(1006)
    await clock.turn(60_000)
    expect([name, conn.status, world.sockets.length]).toEqual([name, 'closed', 1])
  }
})

test('a close for good while the next try is being prepared brings none', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome()
  await clock.turn(6_000)
  world.luck = () => 0
  world.socket.ends(4503)
  conn.disconnect()
  await clock.turn(60_000)
  expect([conn.status, world.sockets.length]).toEqual(['closed', 1])
})

test('everything asked of a closed connection is refused, quietly', async () => {
  const world = new World()
  const conn = world.connect()
  const closes: CloseEvent[] = []
  conn.on('close', (event) => closes.push(event))
  conn.disconnect()
  conn.disconnect()
  expect(closes).toHaveLength(1)
  const chat = conn.subscribe('chat')
  expect(chat.status).toBe('ended')
  await expect(chat.ready).rejects.toMatchObject({ code: 'closed' })
  await expect(chat.publish(1)).rejects.toMatchObject({ code: 'closed' })
  await expect(conn.message('bob', 1)).rejects.toMatchObject({ code: 'closed' })
  await expect(chat.fetchHistory()).rejects.toMatchObject({ code: 'closed' })
  await chat.cancel()
  for await (const _ of chat) throw new Error('told')
})

test('a first message of more than the hub takes is sent in pieces', async () => {
  const world = new World()
  const conn = world.connect()
  for (let n = 0; n < 20; n++) conn.publish('chat', 'x'.repeat(60_000))
  await world.welcome()
  expect(world.socket.count('PUBLISH')).toBe(20)
  expect(Math.max(...world.socket.messages.map((message) => message.length))).toBeLessThan(1_048_576)
})

test('a time-out of a dead line does not end the new one', async () => {
  const world = new World()
  const conn = world.connect({ timeout: 5_000 })
  await world.welcome()
  conn.subscribe('chat')
  await clock.turn(1_000)
  const next = await world.breakLine()
  await world.welcome()
  next.hears(subscribed(next.last('SUBSCRIBE')[0], 'chat'))
  await clock.turn(6_000)
  expect([conn.status, world.sockets.length]).toEqual(['connected', 2])
})

test('a disconnect inside a handler ends what came in the same message', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const heard: unknown[] = []
  conn.on('message', ({ payload }) => {
    heard.push(payload)
    conn.disconnect()
  })
  const message = (payload: number) =>
    [0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload, datetime: '' }] as [number, string, object]
  socket.hears(message(1) as never, message(2) as never)
  expect(heard).toEqual([1])
})

test('a `log` that throws stops nothing: the page hears of it as of any uncaught error, and goes on', async () => {
  using uncaught = hearUncaught()
  const world = new World()
  const conn = world.connect({
    log: () => {
      throw new Error('no room')
    },
  })
  const first = await world.welcome()
  first.hears(subscribed(0, 'room'))
  await world.breakLine()
  await world.welcome()
  expect(conn.status).toBe('connected')
  conn.disconnect()
  await clock.settle()
  expect(new Set(uncaught.errors.map(String))).toEqual(new Set(['Error: no room']))
})
