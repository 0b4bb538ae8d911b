import { afterEach, expect, test, vi } from 'vitest'
import { HookboxError } from '../src/index.ts'
import { connectLegacy, type LegacyConnection, type LegacySubscription, logging } from '../src/legacy.ts'
import { clock, useClock } from './kit/clock.ts'
import type { Frame } from './kit/socket.ts'
import { hearUncaught } from './kit/uncaught.ts'
import { publish, refusal, result, subscribed, World } from './kit/world.ts'

useClock()
afterEach(() => vi.unstubAllGlobals())

const url = 'https://hub.example.org'
const datetime = '2026-11-23T12:00:00.000Z'

/** A page of 2010: it calls `connect` as pages did then, and everything that it is told is noted. */
function oldPage(...[second, cookies]: [second?: unknown, cookies?: string]) {
  const world = new World()
  vi.stubGlobal('WebSocket', world.WebSocket)
  const conn = connectLegacy(world.surroundings, url, second as never, cookies)
  const told: unknown[] = []
  conn.onOpen = () => told.push('open')
  conn.onClose = ({ msg }, wasConnected) => told.push(['close', msg, wasConnected])
  conn.onConnectionLost = () => told.push('lost')
  conn.onError = ({ code, msg }) => told.push(['error', code, msg])
  conn.onMessaged = ({ sender, recipient, payload }) => told.push(['message', sender, recipient, payload])
  conn.onUnsubscribed = (sub, args) => told.push(['unsubscribed', sub.channelName, sub.canceled, args])
  return { world, conn, told }
}

/** The same in a channel, where the handlers are assigned in `onSubscribed`. */
async function inChat(args: Record<string, unknown> = {}) {
  const { world, conn, told } = oldPage()
  const subscriptions: LegacySubscription[] = []
  conn.onSubscribed = (name, sub) => {
    told.push(['subscribed', name])
    subscriptions.push(sub)
    sub.onPublish = ({ user, payload, datetime: at, channel_name }) =>
      told.push(['publish', channel_name, user, payload, at, sub.history.length])
    sub.onSubscribe = ({ user }) => told.push(['subscribe', user, sub.presence])
    sub.onUnsubscribe = ({ user }) => told.push(['unsubscribe', user, sub.presence])
    sub.onState = ({ updates, deletes }) => told.push(['state', updates, deletes, sub.state])
  }
  const socket = await world.welcome()
  conn.subscribe('chat')
  await clock.settle()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', args))
  const [sub] = subscriptions
  if (sub === undefined) throw new Error('onSubscribed was not called')
  return { world, conn, socket, sub, told }
}

test.each([
  ['a payload', { room: 1 }, undefined, { payload: { room: 1 }, cookie_string: 'session=1' }],
  [
    'a payload with the name of an option among others',
    { timeout: 1, room: 1 },
    undefined,
    { payload: { timeout: 1 } },
  ],
  ['a payload that looks like options, before cookies', { timeout: 1 }, 'a=1', { payload: { timeout: 1 } }],
  ['a text', 'ann', 'a=1', { payload: 'ann', cookie_string: 'a=1' }],
  ['a list', [], undefined, { payload: [] }],
  ['null', null, undefined, { payload: null }],
  ['nothing', undefined, undefined, { cookie_string: 'session=1' }],
  ['options', { payload: 7, cookies: 'b=2' }, undefined, { payload: 7, cookie_string: 'b=2' }],
  ['no cookies at all', undefined, '', {}],
])('connect takes %s', async (_, second, cookies, expected) => {
  const world = new World()
  world.document.jar.push('session=1')
  vi.stubGlobal('WebSocket', world.WebSocket)
  connectLegacy(world.surroundings, url, second as never, cookies)
  await clock.settle()
  world.socket.opens()
  const args = world.socket.last('CONNECT')[2]
  expect(args).toMatchObject(expected)
  expect('payload' in args).toBe('payload' in expected)
  if (cookies === '') expect(args.cookie_string).toBeUndefined()
})

test.each([
  ['https://hub.example.org/csp', 'wss://hub.example.org/ws'],
  ['https://hub.example.org/csp/', 'wss://hub.example.org/ws'],
  ['http://hub.example.org:8001', 'ws://hub.example.org:8001/ws'],
  ['http://hub.example.org:8001/', 'ws://hub.example.org:8001/ws'],
  ['/csp', 'wss://page.example.org/ws'],
  ['https://hub.example.org/base/csp', 'wss://hub.example.org/base/ws'],
])('the address %s is taken', async (address, expected) => {
  const world = new World()
  connectLegacy(world.surroundings, address, { WebSocket: world.WebSocket })
  await clock.settle()
  expect(world.socket.url).toBe(expected)
})

test.each([
  ['too long', 'a='.padEnd(8_193, 'x')],
  ['of two lines', 'a=1\r\nX-Forged: 1'],
])('cookies that are %s are left out, and that is told', async (_, cookies) => {
  const world = new World()
  const logged: string[] = []
  connectLegacy(world.surroundings, url, { WebSocket: world.WebSocket, cookies, log: (text) => logged.push(text) })
  expect(logged).toEqual([expect.stringContaining('cookies left out')])
  await clock.settle()
  world.socket.opens()
  expect(world.socket.last('CONNECT')[2].cookie_string).toBeUndefined()
  const warn = vi.spyOn(console, 'warn').mockReturnValue()
  vi.stubGlobal('WebSocket', world.WebSocket)
  connectLegacy(world.surroundings, url, null, cookies)
  expect(warn).toHaveBeenCalledOnce()
})

test('a page that may not read its cookies does without', async () => {
  const world = new World()
  Object.defineProperty(world.document, 'cookie', {
    get: () => {
      throw new Error('sandboxed')
    },
  })
  connectLegacy(world.surroundings, url, { WebSocket: world.WebSocket })
  await clock.settle()
  world.socket.opens()
  expect(world.socket.last('CONNECT')[2].cookie_string).toBeUndefined()
})

test('connect, subscribe, and the subscription comes by onSubscribed, with what a newcomer gets', async () => {
  const history = [['PUBLISH', { user: 'bob', payload: 'hi', datetime, offset: 1 }]]
  const { conn, sub, told } = await inChat({
    ...{ position: 'e1:1', presenceful: true, presence: ['bob', 'ann'], state: { turn: 'bob' } },
    ...{ history, history_size: 5, initial_data: { seat: 2 } },
  })
  // the state that a newcomer finds is no change of it
  expect(told).toEqual(['open', ['subscribed', 'chat']])
  expect(conn.username).toBe('ann')
  expect(sub).toMatchObject({ channelName: 'chat', canceled: false, presence: ['bob', 'ann'], state: { turn: 'bob' } })
  expect(sub.history[0]).toEqual(['PUBLISH', { user: 'bob', payload: 'hi', datetime, offset: 1 }])
  let args: unknown
  conn.onSubscribed = (_name, _sub, what) => {
    args = what
  }
  expect(conn.subscribe('chat').status).toBe('subscribed')
  await clock.settle()
  expect(args).toEqual({
    ...{ channel_name: 'chat', user: 'ann', history, history_size: 5, presence: ['bob', 'ann'] },
    ...{ state: { turn: 'bob' }, presenceful: true, reflective: true, initial_data: { seat: 2 } },
  })
})

test('history, presence and state are up to date before a handler of the subscription runs', async () => {
  const { socket, told } = await inChat({ presenceful: true, presence: ['ann'], history_size: 5 })
  told.length = 0
  socket.hears(
    [0, 'SUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 1 }],
    [0, 'PUBLISH', { channel_name: 'chat', user: 'bob', payload: { text: 'hi' }, datetime, offset: 2 }],
    [0, 'STATE_UPDATE', { channel_name: 'chat', updates: { turn: 'bob' }, deletes: ['x'], offset: 3 }],
    [0, 'UNSUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 4 }],
  )
  expect(told).toEqual([
    ['subscribe', 'bob', ['ann', 'bob']],
    ['publish', 'chat', 'bob', { text: 'hi' }, datetime, 2],
    ['state', { turn: 'bob' }, ['x'], { turn: 'bob' }],
    ['unsubscribe', 'bob', ['ann']],
  ])
})

test('handlers may be assigned to what subscribe gives, and the modern style works beside them', async () => {
  const { world, conn } = oldPage()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  const told: unknown[] = []
  chat.onPublish = ({ payload }) => told.push(['old', payload])
  chat.on('publish', ({ payload }) => told.push(['new', payload]))
  await clock.settle()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat'), publish('chat', 1, 'a'))
  await chat.ready
  // one that is assigned late is told what comes from then on; the history has what came before
  chat.onPublish = ({ payload }) => told.push(['later', payload])
  socket.hears(publish('chat', 2, 'b'))
  expect(told).toEqual([
    ['old', 'a'],
    ['new', 'a'],
    ['later', 'b'],
    ['new', 'b'],
  ])
})

test('what the application subscribed comes by onSubscribed too, and what it ended by onUnsubscribed', async () => {
  const { conn, socket, told } = await inChat()
  const modern: unknown[] = []
  conn.on('subscribed', (sub) => modern.push(sub.channelName))
  told.length = 0
  socket.hears(subscribed(0, 'news', { state: { a: 1 } }), publish('news', 1, 'now', { datetime }))
  socket.hears([0, 'UNSUBSCRIBED', { channel_name: 'news', reason: 'removed' }], publish('news', 2, 'ghost'))
  expect(told).toEqual([
    ['subscribed', 'news'],
    ['publish', 'news', 'bob', 'now', datetime, 0],
    ['unsubscribed', 'news', true, { channel_name: 'news', user: 'ann' }],
  ])
  expect(modern).toEqual(['news'])
})

test('a cancelled subscription is told by onUnsubscribed, once the hub has let go', async () => {
  const { socket, sub, told } = await inChat()
  told.length = 0
  sub.cancel()
  sub.cancel()
  expect(sub.canceled).toBe(true)
  await clock.settle()
  expect(told).toEqual([])
  socket.hears(result(socket.last('UNSUBSCRIBE')[0]))
  await clock.settle()
  expect(told).toEqual([['unsubscribed', 'chat', true, { channel_name: 'chat', user: 'ann' }]])
})

test('onError tells what was refused and what failed, and not what is tried again by itself', async () => {
  const { conn, socket, sub, told } = await inChat()
  told.length = 0
  sub.publish('a')
  conn.publish('other', 'b')
  conn.message('bob', 'c')
  conn.subscribe('locked')
  await clock.settle()
  const [first, second] = socket.frames.filter(([, name]) => name === 'PUBLISH')
  socket.hears(
    refusal((first as Frame)[0], 'refused', false, 'no spam'),
    refusal((second as Frame)[0], 'webhook_failed', true, 'try again'),
    refusal(socket.last('MESSAGE')[0], 'refused', false, 'no messages'),
    refusal(socket.last('SUBSCRIBE')[0], 'webhook_failed', true, 'asked again'),
  )
  await clock.turn(1_000)
  socket.hears(refusal(socket.last('SUBSCRIBE')[0], 'refused', false, 'members only'))
  expect(told).toEqual([
    ['error', 'refused', 'no spam'],
    ['error', 'webhook_failed', 'try again'],
    ['error', 'refused', 'no messages'],
    ['error', 'refused', 'members only'],
  ])
  let error: unknown
  conn.onError = (told) => {
    error = told
  }
  const published = sub.publish((() => {}) as never)
  await expect(published).rejects.toBeInstanceOf(HookboxError)
  expect(error).toBeInstanceOf(HookboxError)
})

test('private messages come by onMessaged', async () => {
  const { socket, told } = await inChat()
  socket.hears([0, 'MESSAGE', { sender: 'bob', recipient: 'ann', payload: 1, datetime, offset: 1 }])
  expect(told.at(-1)).toEqual(['message', 'bob', 'ann', 1])
})

test('a line that breaks is told as lost; the page comes back without onOpen and onSubscribed again', async () => {
  const { world, conn, sub, told } = await inChat()
  told.length = 0
  const next = await world.breakLine()
  await world.welcome()
  next.hears(
    subscribed(next.last('SUBSCRIBE')[0], 'chat', { position: 'e1:1', recovered: true, missed: 1 }),
    publish('chat', 1, 'missed', { datetime }),
  )
  conn.disconnect()
  await sub.publish(1).catch(() => {})
  expect(told).toEqual(['lost', ['publish', 'chat', 'bob', 'missed', datetime, 0], ['close', 'disconnected', true]])
})

test('a refused connect is told by onError and onClose', async () => {
  const { world, told } = oldPage()
  await clock.settle()
  world.socket.opens()
  world.socket.hears(refusal(1, 'unauthorized', false, 'sign in first'))
  world.socket.ends(4401, '')
  expect(told).toEqual([
    ['error', 'unauthorized', 'sign in first'],
    ['close', 'closed with 4401', false],
  ])
})

test('a hub that is not there yet is no end: nothing is told until it is', async () => {
  const { world, told } = oldPage()
  await clock.settle()
  await world.breakLine()
  await world.welcome()
  expect(told).toEqual(['open'])
})

test('a handler that throws stops nothing, and no handler at all is no trouble', async () => {
  const world = new World()
  const conn: LegacyConnection = connectLegacy(world.surroundings, url, { WebSocket: world.WebSocket })
  using uncaught = hearUncaught()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  chat.onPublish = () => {
    throw new Error('of the page')
  }
  await clock.settle()
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat'), publish('chat', 1, 'a'), publish('chat', 2, 'b'))
  await clock.settle()
  expect([uncaught.errors.length, chat.position]).toEqual([2, 'e1:2'])
})

test('setting up the logging of 2010 does no harm', () => {
  const logger = logging.get('net.protocols.hookbox')
  logger.setLevel(logging.DEBUG)
  logger.debug('hello')
})
