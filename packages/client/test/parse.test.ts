import { expect, test, vi } from 'vitest'
import type { HookboxError, Json } from '../src/index.ts'
import { clock, useClock } from './kit/clock.ts'
import { publish, result, subscribed, World } from './kit/world.ts'

useClock()

interface Chat {
  readonly text: string
}

const mistake = new TypeError('text: expected a text')

function parse(payload: Json): Chat {
  if (typeof payload !== 'string') throw mistake
  return { text: payload }
}

const bad = { code: 'bad_request', temporary: false, cause: mistake, message: `payload: ${mistake}` }

async function chatting(args: Record<string, unknown> = {}) {
  const world = new World()
  const conn = world.connect()
  const errors: HookboxError[] = []
  const told: unknown[] = []
  const chat = conn.subscribe('chat', { parse })
  chat.on('error', (error) => errors.push(error))
  chat.on('publish', ({ payload }) => told.push(payload))
  const socket = await world.welcome()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', args))
  await clock.settle()
  return { world, conn, chat, socket, errors, told }
}

const entry = (offset: number, payload: Json) => ['PUBLISH', { user: 'bob', payload, offset }]

test('a publish comes as parse makes it; what it throws at is told as an error, and the position moves on', async () => {
  const { chat, conn, socket, errors, told } = await chatting({ history_size: 5 })
  const raw: unknown[] = []
  conn.subscribe('chat').on('publish', ({ payload }) => raw.push(payload))
  socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 7), publish('chat', 3, 'b'))
  expect(told).toEqual([{ text: 'a' }, { text: 'b' }])
  expect(raw).toEqual(['a', 7, 'b'])
  expect(errors).toEqual([expect.objectContaining(bad)])
  expect(chat.position).toBe('e1:3')
  expect(chat.status).toBe('subscribed')
  expect(chat.history.map(([, said]) => 'payload' in said && said.payload)).toEqual([{ text: 'a' }, { text: 'b' }])
  expect(errors).toHaveLength(1)
})

test('what only this page gets is parsed too', async () => {
  const { socket, errors, told } = await chatting()
  socket.hears(publish('chat', undefined, 'a'), publish('chat', undefined, 7))
  expect(told).toEqual([{ text: 'a' }])
  expect(errors).toHaveLength(1)
})

test('a history that comes with the agreement is parsed, and what is left out is told before it, once', async () => {
  const order: string[] = []
  const world = new World()
  const conn = world.connect()
  const chat = conn.subscribe('chat', { parse })
  chat.on('error', () => order.push('error'))
  chat.on('subscribed', () => order.push('subscribed'))
  const socket = await world.welcome()
  const history = [entry(1, 'a'), entry(2, 7), ['SUBSCRIBE', { user: 'bob', offset: 3 }]]
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', { position: 'e1:3', history_size: 5, history }))
  await clock.settle()
  expect(order).toEqual(['error', 'subscribed'])
  expect(chat.history).toEqual([entry(1, { text: 'a' }), ['SUBSCRIBE', { user: 'bob', offset: 3 }]])
  expect(order).toHaveLength(2)
  const late: HookboxError[] = []
  conn.subscribe('chat', { parse }).on('error', (error) => late.push(error))
  await clock.settle()
  expect(late).toEqual([expect.objectContaining(bad)])
  expect(order).toHaveLength(2)
})

test('history stays the same list, and its entries the same ones, until one comes', async () => {
  const history = [entry(1, 'a')]
  const { chat, socket } = await chatting({ position: 'e1:1', history_size: 5, history })
  const before = chat.history
  expect(chat.history).toBe(before)
  socket.hears(publish('chat', 2, 'b'))
  expect(chat.history).not.toBe(before)
  expect(chat.history).toHaveLength(2)
  expect(chat.history[0]).toBe(before[0])
})

test('what was told before a break is not told again after it', async () => {
  const { world, chat, socket, errors, told } = await chatting({ history_size: 5 })
  socket.hears(publish('chat', 1, 7))
  expect(errors).toHaveLength(1)
  await world.breakLine()
  const next = await world.welcome()
  next.hears(
    subscribed(next.last('SUBSCRIBE')[0], 'chat', { position: 'e1:3', history_size: 5, recovered: true, missed: 2 }),
    publish('chat', 2, 8),
    publish('chat', 3, 'b'),
  )
  expect(errors).toHaveLength(2)
  expect(told).toEqual([{ text: 'b' }])
  expect(chat.position).toBe('e1:3')
})

test('fetched history is parsed, and what is left out is told', async () => {
  const { chat, socket, errors } = await chatting()
  const page = chat.fetchHistory({ limit: 2 })
  await clock.settle()
  socket.hears(result(socket.last('HISTORY')[0], { history: [entry(1, 'a'), entry(2, 7)], cursor: 'next' }))
  expect(await page).toEqual({ history: [entry(1, { text: 'a' })], cursor: 'next' })
  expect(errors).toEqual([expect.objectContaining(bad)])
})

test('an iteration passes over what is left out', async () => {
  const { chat, socket } = await chatting()
  const reading = chat[Symbol.asyncIterator]()
  socket.hears(publish('chat', 1, 7), publish('chat', 2, 'b'))
  expect((await reading.next()).value).toMatchObject({ payload: { text: 'b' }, offset: 2 })
})

test('each entry of a history is parsed once', async () => {
  const world = new World()
  const count = vi.fn((payload: Json) => payload)
  const chat = world.connect().subscribe('chat', { parse: count })
  const socket = await world.welcome()
  const history = [entry(1, 'a'), entry(2, 'b')]
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', { position: 'e1:2', history_size: 5, history }))
  await clock.settle()
  expect(chat.history).toHaveLength(2)
  expect(chat.history).toHaveLength(2)
  expect(count).toHaveBeenCalledTimes(2)
})
