import { describe, expect, test } from 'vitest'
import type { Connection } from '../src/index.ts'
import { clock, useClock } from './kit/clock.ts'
import { publish, refusal, subscribed, World } from './kit/world.ts'

// What the language has for giving up, cleaning up, reading and comparing works on connections and subscriptions.

useClock()

async function inChat(args: Record<string, unknown> = {}) {
  const world = new World()
  const conn = world.connect()
  const chat = conn.subscribe('chat')
  const socket = await world.welcome()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', args))
  await clock.settle()
  return { world, conn, chat, socket }
}

describe('AbortSignal', () => {
  test('unbinds a handler of a connection and of a subscription', async () => {
    const { conn, chat, socket } = await inChat()
    const { signal, abort } = aborting()
    const told: string[] = []
    conn.on('message', () => told.push('message'), { signal })
    chat.on('publish', () => told.push('publish'), { signal })
    const message = { sender: 'bob', recipient: 'ann', payload: 1, datetime: '2026-11-23T12:00:00.000Z' }
    const both = () => socket.hears(publish('chat', undefined, 1), [0, 'MESSAGE', message])
    both()
    expect(told).toEqual(['publish', 'message'])
    abort()
    both()
    expect(told).toHaveLength(2)
  })

  test('cancels a subscription, whose channel is left, and one that aborted before makes none', async () => {
    const { conn, chat, socket } = await inChat()
    chat.cancel()
    const { signal, abort } = aborting()
    const mine = conn.subscribe('chat', { signal })
    await clock.settle()
    expect([mine.status, socket.count('UNSUBSCRIBE')]).toEqual(['subscribed', 0])
    abort()
    await clock.settle()
    expect([mine.status, socket.count('UNSUBSCRIBE')]).toEqual(['cancelled', 1])
    const never = conn.subscribe('elsewhere', { signal })
    await clock.settle()
    expect([never.status, socket.count('SUBSCRIBE')]).toEqual(['cancelled', 1])
  })

  test.each([
    ['publish', (conn: Connection, signal: AbortSignal) => conn.publish('chat', 1, { signal })],
    ['message', (conn: Connection, signal: AbortSignal) => conn.message('bob', 1, { signal })],
    ['history', (conn: Connection, signal: AbortSignal) => conn.subscribe('chat').fetchHistory({ signal })],
  ])('ends the wait for an answer to %s, and leaves nothing behind', async (_, send) => {
    const { conn, socket } = await inChat()
    const { signal, abort } = aborting()
    const answer = send(conn, signal)
    await clock.settle()
    abort(new Error('enough'))
    await expect(answer).rejects.toMatchObject({ code: 'aborted', cause: new Error('enough') })
    const sent = socket.frames
    await expect(send(conn, signal)).rejects.toMatchObject({ code: 'aborted' })
    await clock.settle()
    expect(socket.frames).toEqual(sent)
    await clock.turn(20_000)
    expect(conn.status).toBe('connected')
  })
})

test('await using: the connection ends with the block', async () => {
  const world = new World()
  let left: Connection
  {
    await using conn = world.connect()
    left = conn
    await world.welcome()
    expect(conn.status).toBe('connected')
  }
  expect(left.status).toBe('closed')
  expect(world.socket.closedBy).toEqual({ code: 1000, reason: 'disconnected' })
})

describe('an iteration', () => {
  test('serves several readers in turn, and what came before is read first', async () => {
    const { chat, socket } = await inChat()
    const reading = chat[Symbol.asyncIterator]()
    const both = [reading.next(), reading.next()]
    socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'), publish('chat', 3, 'c'))
    expect((await Promise.all(both)).map(({ value }) => value.payload)).toEqual(['a', 'b'])
    expect((await reading.next()).value.payload).toBe('c')
  })

  test('that is left by break reads nothing any more', async () => {
    const { chat, socket } = await inChat()
    const read: unknown[] = []
    const reading = (async () => {
      for await (const { payload } of chat) {
        read.push(payload)
        break
      }
    })()
    socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'))
    await reading
    expect(read).toEqual(['a'])
  })

  test('ends with the connection, after what was published before', async () => {
    const { conn, chat, socket } = await inChat()
    const reading = chat[Symbol.asyncIterator]()
    socket.hears(publish('chat', 1, 'a'))
    conn.disconnect()
    expect((await reading.next()).value.payload).toBe('a')
    expect(await reading.next()).toEqual({ done: true, value: undefined })
    expect(await chat[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined })
  })

  test('throws where the hub refuses', async () => {
    const world = new World()
    const chat = world.connect().subscribe('chat')
    const socket = await world.welcome()
    const next = chat[Symbol.asyncIterator]().next()
    socket.hears(refusal(socket.last('SUBSCRIBE')[0], 'refused', false, 'members only'))
    await expect(next).rejects.toMatchObject({ code: 'refused', message: 'members only' })
  })
})

test('history, presence and state stay the same objects until their content changes', async () => {
  const { chat, socket } = await inChat({
    history_size: 5,
    history: [['PUBLISH', { payload: 1 }]],
    presence: ['ann'],
    presenceful: true,
    state: { turn: 'ann' },
  })
  const snapshots = () => ({ history: chat.history, presence: chat.presence, state: chat.state })
  const changed = (before: ReturnType<typeof snapshots>) =>
    (['history', 'presence', 'state'] as const).filter((name) => snapshots()[name] !== before[name])
  const datetime = '2026-11-23T12:00:00.000Z'
  const update = { channel_name: 'chat', updates: { turn: 'bob' }, deletes: [] }
  const first = snapshots()
  expect(changed(first)).toEqual([])
  socket.hears(publish('chat', 1, 2))
  expect(changed(first)).toEqual(['history'])
  const second = snapshots()
  socket.hears([0, 'SUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 2 }])
  expect(changed(second)).toEqual(['history', 'presence'])
  const third = snapshots()
  socket.hears([0, 'STATE_UPDATE', { ...update, offset: 3 }])
  expect(changed(third)).toEqual(['state'])
  const fourth = snapshots()
  socket.hears([0, 'STATE_UPDATE', { ...update, offset: 4 }])
  expect(changed(fourth)).toEqual([])
})

function aborting() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason?: unknown) => controller.abort(reason) }
}
