import { afterEach, describe, expect, test, vi } from 'vitest'
import { connectLegacy, logging } from '../src/legacy.ts'
import { clock, useClock } from './kit/clock.ts'
import type { FakeSocket, Frame } from './kit/socket.ts'
import { publish, refusal, result, subscribed, World } from './kit/world.ts'

useClock()
afterEach(() => vi.unstubAllGlobals())

// Each word of the contract's "The page's side" is a row here.

const datetime = '2026-11-23T12:00:00.000Z'
const snapshot = {
  position: 'e1:1',
  presenceful: true,
  reflective: false,
  history_size: 5,
  history: [['PUBLISH', { user: 'bob', payload: 'hi', datetime, offset: 1 }]],
  presence: ['bob', 'ann'],
  state: { turn: 'bob' },
  initial_data: { seat: 2 },
}
const join: Frame = [0, 'SUBSCRIBE', { channel_name: 'chat', user: 'cid', datetime, offset: 2 }]
const leave: Frame = [0, 'UNSUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 2 }]
const change: Frame = [0, 'STATE_UPDATE', { channel_name: 'chat', updates: { n: 1 }, deletes: ['turn'], offset: 2 }]
const message: Frame = [0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload: { card: 7 }, datetime, offset: 1 }]
const put = (socket: FakeSocket): void => socket.hears(subscribed(0, 'room', { ...snapshot, presence: ['ann'] }))
const end = (socket: FakeSocket): void => socket.hears([0, 'UNSUBSCRIBED', { channel_name: 'room', reason: 'removed' }])

async function page() {
  const world = new World()
  const conn = world.connect({ payload: { name: 'ann' } })
  const socket = await world.welcome({ payload: { theme: 'dark' } })
  return { world, conn, socket }
}

async function inChat() {
  const { world, conn, socket } = await page()
  const sub = conn.subscribe('chat')
  await clock.settle()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', snapshot))
  await sub.ready
  return { world, conn, socket, sub }
}

test('what is called before the connection is open waits, and goes out in order', async () => {
  const world = new World()
  const conn = world.connect()
  const sub = conn.subscribe('chat')
  const published = conn.publish('chat', 'hello')
  const sent = conn.message('bob', 'psst')
  expect([conn.status, sub.status]).toEqual(['connecting', 'subscribing'])
  const socket = await world.welcome()
  await clock.settle()
  expect(socket.frames.map(([, name]) => name)).toEqual(['CONNECT', 'SUBSCRIBE', 'PUBLISH', 'MESSAGE'])
  socket.hears(
    subscribed(2, 'chat'),
    result(socket.last('PUBLISH')[0], { position: 'e1:1' }),
    result(socket.last('MESSAGE')[0]),
  )
  await Promise.all([sub.ready, published, sent])
})

describe('connection', () => {
  test('subscribe gives a subscription at once; ready tells when the hub has agreed', async () => {
    const { conn, socket } = await page()
    const sub = conn.subscribe('chat')
    let ready = false
    sub.ready.then(() => {
      ready = true
    })
    await clock.settle()
    expect(ready).toBe(false)
    socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat'))
    await clock.settle()
    expect(ready).toBe(true)
  })

  test('publish reaches a channel that the page is not in', async () => {
    const { conn, socket } = await page()
    const published = conn.publish('chat', { text: 'hello' })
    await clock.settle()
    const [id, , args] = socket.last('PUBLISH')
    expect(args).toMatchObject({ channel_name: 'chat', payload: { text: 'hello' } })
    socket.hears(result(id, { position: 'e1:1' }))
    expect(await published).toEqual({ position: 'e1:1', duplicate: false })
  })

  test('message goes to a user', async () => {
    const { conn, socket } = await page()
    const sent = conn.message('bob', { card: 7 })
    await clock.settle()
    const [id, , args] = socket.last('MESSAGE')
    expect(args).toMatchObject({ name: 'bob', payload: { card: 7 } })
    socket.hears(result(id))
    await sent
  })

  test('disconnect leaves for good', async () => {
    const { world, conn, socket } = await page()
    conn.disconnect()
    expect([conn.status, socket.closedBy?.code]).toEqual(['closed', 1000])
    await clock.turn(60_000)
    expect(world.sockets).toHaveLength(1)
  })

  test("the user's name and the connect reply's payload", async () => {
    const { conn } = await page()
    expect([conn.user, conn.payload]).toEqual(['ann', { theme: 'dark' }])
  })

  test('tells of open', async () => {
    const world = new World()
    const told = vi.fn()
    world.connect().on('open', told)
    await world.welcome({ payload: 1 })
    expect(told).toHaveBeenCalledExactlyOnceWith({ user: 'ann', id: '0'.repeat(32), payload: 1, again: false })
  })

  test('tells of close', async () => {
    const { conn, socket } = await page()
    const told = vi.fn()
    conn.on('close', told)
    socket.ends(4403, 'removed')
    const close = { code: 4403, reason: 'removed', wasClean: true, wasConnected: true, comesBack: false }
    expect(told).toHaveBeenCalledExactlyOnceWith(close)
  })

  test('tells of error', async () => {
    const { conn, socket } = await page()
    const told = vi.fn()
    conn.on('error', told)
    socket.hears(refusal(0, 'unavailable', true, 'stopping'))
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: 'unavailable', message: 'stopping' }))
  })

  test('tells of subscribed, with the Subscription that the application made', async () => {
    const { conn, socket } = await page()
    const told: unknown[] = []
    conn.on('subscribed', (sub) => {
      const { channelName, status, presence, state, initialData } = sub
      told.push({ channelName, status, presence, state, initialData })
      sub.on('publish', ({ payload }) => told.push(payload))
    })
    put(socket)
    socket.hears(publish('room', 2, 'hello'))
    const { state, initial_data: initialData } = snapshot
    expect(told).toEqual([
      { channelName: 'room', status: 'subscribed', presence: ['ann'], state, initialData },
      'hello',
    ])
  })

  test('tells of unsubscribed, where the application ended it', async () => {
    const { conn, socket } = await page()
    const told = vi.fn()
    conn.on('unsubscribed', told)
    put(socket)
    end(socket)
    expect(told).toHaveBeenCalledExactlyOnceWith({ channel: 'room', reason: 'removed' })
  })

  test('tells of message: a private one', async () => {
    const { conn, socket } = await page()
    const told = vi.fn()
    conn.on('message', told)
    socket.hears(message)
    expect(told).toHaveBeenCalledExactlyOnceWith(message[2])
  })
})

describe('subscription', () => {
  test.each([
    ['channelName', 'chat'],
    ['history', snapshot.history],
    ['historySize', 5],
    ['presence', ['bob', 'ann']],
    ['state', { turn: 'bob' }],
    ['presenceful', true],
    ['reflective', false],
    ['initialData', { seat: 2 }],
  ] as const)('%s', async (name, value) => {
    const { sub } = await inChat()
    expect(sub[name]).toEqual(value)
  })

  test('publish', async () => {
    const { sub, socket } = await inChat()
    const published = sub.publish('hello')
    await clock.settle()
    const [id, , args] = socket.last('PUBLISH')
    expect(args).toMatchObject({ channel_name: 'chat', payload: 'hello' })
    socket.hears(result(id, { position: 'e1:2' }))
    await published
  })

  test('cancel', async () => {
    const { sub, socket } = await inChat()
    const left = sub.cancel()
    expect(sub.status).toBe('cancelled')
    await clock.settle()
    socket.hears(result(socket.last('UNSUBSCRIBE')[0]))
    await left
  })

  test('tells of publish', async () => {
    const { sub, socket } = await inChat()
    const told = vi.fn()
    sub.on('publish', told)
    socket.hears(publish('chat', 2, 'hello', { datetime }))
    const event = { user: 'bob', payload: 'hello', datetime, offset: 2, replayed: false }
    expect(told).toHaveBeenCalledExactlyOnceWith(event)
  })

  test('tells of subscribe: someone joined', async () => {
    const { sub, socket } = await inChat()
    const told = vi.fn()
    sub.on('subscribe', (event) => told(event, sub.presence))
    socket.hears(join)
    expect(told).toHaveBeenCalledExactlyOnceWith({ user: 'cid', datetime }, ['bob', 'ann', 'cid'])
  })

  test('tells of unsubscribe: someone left', async () => {
    const { sub, socket } = await inChat()
    const told = vi.fn()
    sub.on('unsubscribe', (event) => told(event, sub.presence))
    socket.hears(leave)
    expect(told).toHaveBeenCalledExactlyOnceWith({ user: 'bob', datetime }, ['ann'])
  })

  test('tells of state, with updates and deletes', async () => {
    const { sub, socket } = await inChat()
    const told = vi.fn()
    sub.on('state', told)
    socket.hears(change)
    expect(told).toHaveBeenCalledExactlyOnceWith({ n: 1 }, { updates: { n: 1 }, deletes: ['turn'] })
  })
})

describe("the original's style", () => {
  async function oldPage() {
    const world = new World()
    vi.stubGlobal('WebSocket', world.WebSocket)
    const conn = connectLegacy(world.surroundings, 'https://hub.example.org/csp', { name: 'ann' }, 'a=1')
    const told = vi.fn()
    return { world, conn, told }
  }
  async function oldChat() {
    const { world, conn, told } = await oldPage()
    const socket = await world.welcome()
    const sub = conn.subscribe('chat')
    await clock.settle()
    socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', snapshot))
    await clock.settle()
    return { world, conn, told, socket, sub }
  }

  test('connect(url, payload, cookieString)', async () => {
    const { world } = await oldPage()
    await clock.settle()
    world.socket.opens()
    expect(world.socket.last('CONNECT')[2]).toMatchObject({ payload: { name: 'ann' }, cookie_string: 'a=1' })
  })

  test("connect takes the original's URLs, with /csp at the end", async () => {
    const { world } = await oldPage()
    await clock.settle()
    expect(world.socket.url).toBe('wss://hub.example.org/ws')
  })

  test('logging.get(name).setLevel(logging.DEBUG) does no harm', () => {
    expect(() => logging.get('hookbox').setLevel(logging.DEBUG)).not.toThrow()
  })

  test('onOpen, and conn.username', async () => {
    const { world, conn, told } = await oldPage()
    conn.onOpen = told
    await world.welcome()
    expect(told).toHaveBeenCalledOnce()
    expect(conn.username).toBe('ann')
  })

  test('onClose(err, wasConnected)', async () => {
    const { conn, told } = await oldChat()
    conn.onClose = told
    conn.disconnect()
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ msg: 'disconnected' }), true)
  })

  test('onConnectionLost', async () => {
    const { conn, socket, told } = await oldChat()
    conn.onConnectionLost = told
    socket.ends(1006)
    expect(told).toHaveBeenCalledOnce()
  })

  test('onError(err) with err.msg', async () => {
    const { conn, socket, told, sub } = await oldChat()
    conn.onError = told
    sub.publish('spam')
    await clock.settle()
    socket.hears(refusal(socket.last('PUBLISH')[0], 'refused', false, 'no spam'))
    await clock.settle()
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ msg: 'no spam' }))
  })

  test('onSubscribed(name, sub, args)', async () => {
    const { conn, socket, told } = await oldChat()
    conn.onSubscribed = told
    put(socket)
    const sub = expect.objectContaining({ channelName: 'room', canceled: false })
    expect(told).toHaveBeenCalledExactlyOnceWith('room', sub, expect.objectContaining({ channel_name: 'room' }))
  })

  test('onUnsubscribed(sub, args), and sub.canceled', async () => {
    const { conn, socket, told } = await oldChat()
    conn.onUnsubscribed = told
    put(socket)
    end(socket)
    const sub = expect.objectContaining({ channelName: 'room', canceled: true })
    expect(told).toHaveBeenCalledExactlyOnceWith(sub, expect.objectContaining({ channel_name: 'room' }))
  })

  test('onMessaged', async () => {
    const { conn, socket, told } = await oldChat()
    conn.onMessaged = told
    socket.hears(message)
    expect(told).toHaveBeenCalledExactlyOnceWith(message[2])
  })

  test.each([
    ['onPublish', publish('chat', 2, 'hello', { datetime }), { user: 'bob', payload: 'hello', datetime }],
    ['onSubscribe', join, { user: 'cid', datetime }],
    ['onUnsubscribe', leave, { user: 'bob', datetime }],
    ['onState', change, { updates: { n: 1 }, deletes: ['turn'] }],
  ] as const)('%s(frame)', async (name, frame, expected) => {
    const { socket, sub, told } = await oldChat()
    sub[name] = told
    socket.hears(frame as Frame)
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(expected))
  })

  test('sub.history[i] is ["PUBLISH", {user, payload, datetime}]', async () => {
    const { sub } = await oldChat()
    expect(sub.history[0]).toEqual(['PUBLISH', expect.objectContaining({ user: 'bob', payload: 'hi', datetime })])
  })
})
