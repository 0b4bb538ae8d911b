import { expect, test } from 'vitest'
import type { GapEvent, SubscribedEvent } from '../src/events.ts'
import type { Subscription } from '../src/subscription.ts'
import { answer, inChat } from './kit/chat.ts'
import { clock, useClock } from './kit/clock.ts'
import { walks } from './kit/walks.ts'
import { publish, refusal, result, subscribed, World } from './kit/world.ts'

useClock()

test('a subscription is a live view of the channel', async () => {
  const { socket, chat } = await inChat({
    position: 'e1:2',
    history: [
      ['SUBSCRIBE', { user: 'bob', datetime: '2026-11-23T12:00:00.000Z', offset: 1 }],
      ['PUBLISH', { user: 'bob', payload: 'hi', datetime: '2026-11-23T12:00:01.000Z', offset: 2, message_id: 'm' }],
    ],
    history_size: 3,
    presence: ['bob', 'ann'],
    state: { turn: 'bob' },
    presenceful: true,
    initial_data: { hand: [1] },
  })
  const told: unknown[] = []
  chat.on('subscribe', (event) => told.push(['subscribe', event, chat.presence]))
  chat.on('unsubscribe', (event) => told.push(['unsubscribe', event, chat.presence]))
  chat.on('presence', (users) => told.push(['presence', users]))
  chat.on('state', (state, change) => told.push(['state', state, change]))
  expect(chat).toMatchObject({
    channelName: 'chat',
    status: 'subscribed',
    position: 'e1:2',
    historySize: 3,
    presence: ['bob', 'ann'],
    present: 2,
    state: { turn: 'bob' },
    presenceful: true,
    reflective: true,
    initialData: { hand: [1] },
  })
  const datetime = '2026-11-23T12:00:02.000Z'
  socket.hears(
    [0, 'SUBSCRIBE', { channel_name: 'chat', user: 'cid', datetime, offset: 3 }],
    [0, 'UNSUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 4 }],
    [0, 'STATE_UPDATE', { channel_name: 'chat', updates: { turn: 'ann', n: 1 }, deletes: [], offset: 5 }],
  )
  expect(told).toEqual([
    ['subscribe', { user: 'cid', datetime }, ['bob', 'ann', 'cid']],
    ['presence', ['bob', 'ann', 'cid']],
    ['unsubscribe', { user: 'bob', datetime }, ['ann', 'cid']],
    ['presence', ['ann', 'cid']],
    ['state', { turn: 'ann', n: 1 }, { updates: { turn: 'ann', n: 1 }, deletes: [] }],
  ])
  expect(chat.history.map(([name]) => name)).toEqual(['PUBLISH', 'SUBSCRIBE', 'UNSUBSCRIBE'])
  expect(chat.history[0]?.[1]).toEqual({
    user: 'bob',
    payload: 'hi',
    datetime: '2026-11-23T12:00:01.000Z',
    offset: 2,
    message_id: 'm',
  })
  const { history, presence, state } = chat
  socket.hears([0, 'POSITION', { channel_name: 'chat', offset: 6 }])
  expect([chat.history === history, chat.presence === presence, chat.state === state]).toEqual([true, true, true])
  expect(chat.position).toBe('e1:6')
})

test('snapshots have a stable identity: history, presence and state are others only when their content is', async () => {
  const content = { history_size: 5, presenceful: true, presence: ['ann'], state: { turn: 'ann' } }
  const { world, socket, chat } = await inChat(content)
  const datetime = '2026-11-23T12:00:02.000Z'
  let before = [chat.history, chat.presence, chat.state] as const
  /** Whether history, presence and state are others than the last time; what was read stays as it was. */
  const changed = (): boolean[] => {
    const old = before
    before = [chat.history, chat.presence, chat.state]
    return before.map((snapshot, index) => snapshot !== old[index])
  }
  expect(changed()).toEqual([false, false, false])
  const [empty] = before
  socket.hears(publish('chat', 1, 'a'))
  expect([changed(), empty]).toEqual([[true, false, false], []])
  const [, alone] = before
  socket.hears([0, 'SUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 2 }])
  expect([changed(), alone]).toEqual([[true, true, false], ['ann']])
  const [, , first] = before
  socket.hears([0, 'STATE_UPDATE', { channel_name: 'chat', updates: { turn: 'bob' }, deletes: [], offset: 3 }])
  expect([changed(), first]).toEqual([[false, false, true], { turn: 'ann' }])
  socket.hears([0, 'STATE_UPDATE', { channel_name: 'chat', updates: { turn: 'bob' }, deletes: ['none'], offset: 4 }])
  socket.hears([0, 'POSITION', { channel_name: 'chat', offset: 5 }], publish('chat', 1, 'again'))
  expect(changed()).toEqual([false, false, false])
  const next = await world.breakLine()
  expect(changed()).toEqual([false, false, false])
  next.opens()
  answer(next, { ...content, position: 'e1:5', recovered: true, missed: 0 })
  expect(changed()).toEqual([false, false, false])
  const third = await world.breakLine()
  third.opens()
  // after a gap: all of it comes anew, and is what it was
  answer(third, {
    ...{ ...content, presence: ['ann', 'bob'], state: { turn: 'bob' }, history: [...chat.history] },
    ...{ position: 'e2:1', recovered: false },
  })
  expect([changed(), chat.position]).toEqual([[false, false, false], 'e2:1'])
})

test('a repeat is dropped, and after a jump what is missing is asked for', async () => {
  const { socket, heard, told } = await inChat()
  socket.hears(publish('chat', 1, 'a'), publish('chat', 1, 'a'), publish('chat', 3, 'c'))
  await clock.settle()
  expect(socket.last('SUBSCRIBE')[2]).toEqual({ channel_name: 'chat', since: 'e1:1' })
  socket.hears(publish('chat', 4, 'd'))
  answer(socket, { position: 'e1:4', recovered: true, missed: 3 })
  socket.hears(publish('chat', 2, 'b'), publish('chat', 3, 'c'), publish('chat', 4, 'd'), publish('chat', 5, 'e'))
  expect(heard).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(told.slice(1)).toEqual([['subscribed', { recovered: true, replayed: 3 } satisfies SubscribedEvent]])
})

test('after a break what was missed comes first, marked as replayed', async () => {
  const { world, socket, chat } = await inChat()
  const told: unknown[] = []
  chat.on('publish', ({ payload, replayed }) => told.push([payload, replayed]))
  socket.hears(publish('chat', 1, 'a'))
  const next = await world.breakLine()
  expect(chat.status).toBe('resuming')
  next.opens()
  expect(next.frames.map(([, name, args]) => [name, args])).toMatchObject([
    ['CONNECT', { ticket: 'ticket-1', since: { chat: 'e1:1' } }],
    ['SUBSCRIBE', { channel_name: 'chat', since: 'e1:1' }],
  ])
  expect(next.messages).toHaveLength(1)
  answer(next, { position: 'e1:2', recovered: true, missed: 1 })
  next.hears(publish('chat', 2, 'b'), publish('chat', 3, 'c'))
  expect(told).toEqual([
    ['a', false],
    ['b', true],
    ['c', false],
  ])
})

test.each([
  ['expired', 'e1:9', { reason: 'expired', last: 'e1:1', now: 'e1:9', lost: 8 }],
  ['epoch', 'e2:4', { reason: 'epoch', last: 'e1:1', now: 'e2:4' }],
  ['rolled back', 'e1:0', { reason: 'expired', last: 'e1:1', now: 'e1:0' }],
])('what is lost is told as one gap, then subscribed (%s)', async (_, position, gap) => {
  const { world, socket, chat, told } = await inChat({ presence: ['old'], state: { old: true } })
  socket.hears(publish('chat', 1, 'a'))
  const next = await world.breakLine()
  next.opens()
  answer(next, { position, recovered: false, presence: ['new'], state: { new: true }, history_size: 1 })
  expect(told.slice(1)).toEqual([
    ['gap', gap satisfies GapEvent | object],
    ['subscribed', { recovered: false, replayed: 0 }],
  ])
  expect(chat).toMatchObject({ position, presence: ['new'], state: { new: true }, historySize: 1, history: [] })
})

test('a log that begins anew is taken up from the position', async () => {
  const { socket, told } = await inChat()
  socket.hears([0, 'EPOCH', { channel_name: 'chat', epoch: 'e2' }], publish('chat', 1, 'new'))
  await clock.settle()
  expect(socket.last('SUBSCRIBE')[2]).toEqual({ channel_name: 'chat', since: 'e1:0' })
  answer(socket, { position: 'e2:1', recovered: false })
  expect(told.map(([name]) => name)).toEqual(['subscribed', 'gap', 'subscribed'])
})

test('what only this page is told has no number and moves nothing', async () => {
  const { socket, chat, heard } = await inChat({ history_size: 5 })
  socket.hears(publish('chat', undefined, 'for you'))
  expect(heard).toEqual(['for you'])
  expect(chat.position).toBe('e1:0')
  expect(chat.history).toEqual([])
})

test('where a channel is not reflective, what this page published is not told when it comes back late', async () => {
  const { world, socket, conn, chat, heard } = await inChat({ reflective: false })
  const generated = conn.publish('chat', 'mine')
  const chosen = conn.publish('chat', 'mine too', { id: 'my-id' })
  await clock.settle()
  const ids = socket.frames.filter(([, name]) => name === 'PUBLISH').map(([, , args]) => args.message_id)
  const next = await world.breakLine()
  next.opens()
  answer(next, { position: 'e1:3', recovered: true, missed: 3, reflective: false })
  next.hears(
    publish('chat', 1, 'mine', { message_id: ids[0] }),
    publish('chat', 2, 'mine too', { message_id: ids[1] }),
    publish('chat', 3, 'theirs', { message_id: 'theirs' }),
  )
  expect(heard).toEqual(['theirs'])
  expect(chat.position).toBe('e1:3')
  void generated
  void chosen
})

test('a subscribe never overtakes the answer to an unsubscribe', async () => {
  const { conn, socket, chat } = await inChat()
  const left = chat.cancel()
  await clock.settle()
  const again = conn.subscribe('chat')
  await clock.settle()
  expect([socket.count('UNSUBSCRIBE'), socket.count('SUBSCRIBE')]).toEqual([1, 1])
  socket.hears(publish('chat', 1, 'ghost'))
  expect(again.position).toBeUndefined()
  socket.hears(result(socket.last('UNSUBSCRIBE')[0]))
  await left
  await clock.settle()
  expect(socket.last('SUBSCRIBE')[2]).toEqual({ channel_name: 'chat' })
  answer(socket, { position: 'e1:7' })
  await again.ready
  expect(again.position).toBe('e1:7')
})

test('a subscription cancelled while it is unanswered is left again', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  await clock.settle()
  chat.cancel()
  answer(socket)
  await clock.settle()
  expect(socket.last('UNSUBSCRIBE')[2]).toEqual({ channel_name: 'chat' })
})

test('a channel given up and taken again while it is being resumed gets a snapshot, not what was missed', async () => {
  const { conn, socket, chat, heard } = await inChat()
  socket.hears(publish('chat', 2, 'jump'))
  await clock.settle()
  chat.cancel()
  await clock.settle()
  const again = conn.subscribe('chat')
  const told: unknown[] = []
  again.on('publish', ({ payload }) => told.push(payload))
  again.on('gap', () => told.push('gap'))
  await clock.settle()
  answer(socket, { position: 'e1:2', recovered: true, missed: 2 })
  socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'))
  await clock.settle()
  expect(socket.last('SUBSCRIBE')[2]).toEqual({ channel_name: 'chat' })
  answer(socket, { position: 'e1:2', presence: ['ann'] })
  socket.hears(publish('chat', 3, 'c'))
  expect([heard, told, again.presence]).toEqual([[], ['c'], ['ann']])
})

test('a second subscription is told that the hub has agreed long ago', async () => {
  const { conn } = await inChat({ position: 'e1:5' })
  const second = conn.subscribe('chat')
  const told: unknown[] = []
  second.on('subscribed', (event) => told.push(event))
  await second.ready
  await clock.settle()
  expect(told).toEqual([{ recovered: false, replayed: 0 }])
  expect(second.position).toBe('e1:5')
})

test('what was cancelled while the line was away stays cancelled', async () => {
  const { world, conn, chat } = await inChat()
  const next = await world.breakLine()
  await chat.cancel()
  next.opens()
  expect(next.frames.map(([, name]) => name)).toEqual(['CONNECT', 'UNSUBSCRIBE'])
  expect(next.last('CONNECT')[2].since).toEqual({})
  const made: unknown[] = []
  conn.on('subscribed', (sub) => made.push(sub))
  next.hears(subscribed(0, 'chat'))
  expect(made).toEqual([])
})

test('what is given back and taken again in one go while the line is away begins anew', async () => {
  const { world, conn, chat } = await inChat({ position: 'e1:3' })
  const next = await world.breakLine()
  chat.cancel()
  const again = conn.subscribe('chat')
  const told: unknown[] = []
  again.on('gap', (event) => told.push(event))
  again.on('subscribed', (event) => told.push(event))
  next.opens()
  await clock.settle()
  expect(next.last('SUBSCRIBE')[2].since).toBeUndefined()
  answer(next, { position: 'e2:1' })
  expect(told).toEqual([{ recovered: false, replayed: 0 }])
})

test('a refused subscribe rejects, and is not tried again', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  const errors: unknown[] = []
  chat.on('error', ({ code }) => errors.push(code))
  await clock.settle()
  socket.hears(refusal(socket.last('SUBSCRIBE')[0], 'refused', false, 'members only'))
  await expect(chat.ready).rejects.toMatchObject({ code: 'refused', message: 'members only' })
  expect([chat.status, errors]).toEqual(['refused', ['refused']])
  await clock.turn(19_000)
  await world.breakLine()
  world.socket.opens()
  expect(world.socket.count('SUBSCRIBE')).toBe(0)
})

test('a temporary error is tried again on the same line, with growing waits', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  world.luck = () => 1
  const chat = conn.subscribe('chat')
  const errors: unknown[] = []
  chat.on('error', ({ code, temporary }) => errors.push([code, temporary]))
  await clock.settle()
  for (const wait of [1_000, 2_000, 4_000]) {
    const count = socket.count('SUBSCRIBE')
    socket.hears(refusal(socket.last('SUBSCRIBE')[0], 'webhook_failed', true))
    await clock.turn(wait - 1)
    expect(socket.count('SUBSCRIBE')).toBe(count)
    await clock.turn(1)
    expect(socket.count('SUBSCRIBE')).toBe(count + 1)
  }
  answer(socket)
  await chat.ready
  expect(errors).toEqual(Array(3).fill(['webhook_failed', true]))
  expect(world.sockets).toHaveLength(1)
})

test('a subscription that the application made is told, and ended by it', async () => {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const told: unknown[] = []
  conn.on('subscribed', (sub) => {
    told.push([sub.channelName, sub.status, sub.presence])
    sub.on('publish', ({ payload }) => told.push(payload))
  })
  conn.on('unsubscribed', (event) => told.push(event))
  socket.hears(subscribed(0, 'room', { presence: ['ann'] }), publish('room', 1, 'hi'))
  socket.hears([0, 'UNSUBSCRIBED', { channel_name: 'room', reason: 'removed' }], publish('room', 2, 'ghost'))
  expect(told).toEqual([['room', 'subscribed', ['ann']], 'hi', { channel: 'room', reason: 'removed' }])
})

test('after a break the hub restores what the application subscribed, or says that it is gone: the page never asks for it', async () => {
  const world = new World()
  const conn = world.connect({ timeout: 5_000 })
  const first = await world.welcome()
  first.hears(subscribed(0, 'room'), publish('room', 1, 'hi'))
  const next = await world.breakLine()
  next.opens()
  expect(next.frames).toHaveLength(1)
  expect(next.last('CONNECT')[2].since).toEqual({ room: 'e1:1' })
  await world.welcome().catch(() => {})
  next.hears(subscribed(0, 'room', { position: 'e1:1', recovered: true, missed: 0 }))
  await clock.turn(6_000)
  expect(next.count('SUBSCRIBE')).toBe(0)
  const third = await world.breakLine()
  await world.welcome()
  const ended: unknown[] = []
  conn.on('unsubscribed', (event) => ended.push(event))
  third.hears([0, 'UNSUBSCRIBED', { channel_name: 'room', reason: 'removed' }])
  await clock.turn(60_000)
  expect(ended).toEqual([{ channel: 'room', reason: 'removed' }])
  expect(third.count('SUBSCRIBE')).toBe(0)
  conn.disconnect()
})

test('what the application subscribed, and the page gave back while it was away, it leaves when it is back', async () => {
  const world = new World()
  const conn = world.connect()
  const told: string[] = []
  let given: Subscription | undefined
  conn.on('subscribed', (sub) => {
    told.push(sub.channelName)
    given = sub
  })
  const first = await world.welcome()
  first.hears(subscribed(0, 'room'))
  const next = await world.breakLine()
  const left = given?.cancel()
  await world.welcome()
  expect(next.last('CONNECT')[2].since).toEqual({})
  expect(next.last('UNSUBSCRIBE')[2]).toEqual({ channel_name: 'room' })
  next.hears(subscribed(0, 'room'))
  next.hears([next.last('UNSUBSCRIBE')[0], 'RESULT', {}])
  await left
  expect(told).toEqual(['room'])
  conn.disconnect()
})

test('UNSUBSCRIBED ends the subscriptions with a status', async () => {
  const { conn, socket, chat } = await inChat()
  const second = conn.subscribe('chat')
  socket.hears([0, 'UNSUBSCRIBED', { channel_name: 'chat', reason: 'destroyed' }])
  expect([chat.status, second.status]).toEqual(['ended', 'ended'])
  const third = conn.subscribe('chat')
  await clock.settle()
  answer(socket, { position: 'e2:0' })
  await third.ready
  expect(chat.status).toBe('ended')
})

test('a signal cancels a subscription', async () => {
  const world = new World()
  const conn = world.connect()
  await world.welcome()
  const controller = new AbortController()
  const chat = conn.subscribe('chat', { signal: controller.signal })
  controller.abort()
  expect(chat.status).toBe('cancelled')
  expect(conn.subscribe('chat', { signal: controller.signal }).status).toBe('cancelled')
})

test('a refused unsubscribe is told to whoever waits for it, and the page is out all the same', async () => {
  const { socket, chat, heard } = await inChat()
  const left = chat.cancel()
  await clock.settle()
  socket.hears(refusal(socket.last('UNSUBSCRIBE')[0], 'refused', false))
  await expect(left).rejects.toMatchObject({ code: 'refused' })
  socket.hears(publish('chat', 1, 'late'))
  expect(heard).toEqual([])
})

test('publishes can be iterated until the subscription is cancelled', async () => {
  const { socket, chat } = await inChat()
  const read: unknown[] = []
  const reading = (async () => {
    for await (const { payload } of chat) read.push(payload)
  })()
  socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'))
  await clock.settle()
  chat.cancel()
  await reading
  expect(read).toEqual(['a', 'b'])
})

test('an iteration that falls behind ends with an error, not with a silent gap', async () => {
  const { socket, chat } = await inChat()
  const iterator = chat[Symbol.asyncIterator]()
  for (let n = 1; n <= 1_001; n++) socket.hears(publish('chat', n, n))
  for (let n = 1; n <= 1_000; n++) expect((await iterator.next()).value.payload).toBe(n)
  await expect(iterator.next()).rejects.toMatchObject({ code: 'too_many' })
  expect(await iterator.next()).toEqual({ done: true, value: undefined })
})

test('history is fetched from the hub, over a break too', async () => {
  const { world, socket, chat } = await inChat()
  const page = chat.fetchHistory({ before: 'e1:9', limit: 2 })
  await clock.settle()
  expect(socket.last('HISTORY')[2]).toEqual({ channel_name: 'chat', before: 'e1:9', limit: 2 })
  const next = await world.breakLine()
  next.opens()
  expect(next.count('HISTORY')).toBe(0)
  answer(next, { recovered: true, missed: 0 })
  await clock.settle()
  next.hears(result(next.last('HISTORY')[0], { history: [['PUBLISH', { payload: 1 }]], cursor: 'c' }))
  expect(await page).toEqual({ history: [['PUBLISH', { payload: 1 }]], cursor: 'c' })
  const late = chat.fetchHistory()
  await clock.turn(20_000)
  await expect(late).rejects.toMatchObject({ code: 'timeout' })
  const over = chat.fetchHistory()
  chat.cancel()
  await expect(over).rejects.toMatchObject({ code: 'closed' })
  await expect(chat.fetchHistory({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
})

test('changed options replace options and snapshot, without a gap', async () => {
  const { conn, socket, chat, heard, told } = await inChat({ history_size: 5 })
  const changes: unknown[] = []
  const made: unknown[] = []
  conn.on('subscribed', (subscription) => made.push(subscription))
  chat.on('presence', (users) => changes.push(users))
  chat.on('state', (state, change) => changes.push([state, change]))
  socket.hears(publish('chat', 1, 'a'), publish('chat', 2, 'b'))
  const history = [['PUBLISH', { user: 'bob', payload: 'b', datetime: '2026-11-23T12:00:00.000Z', offset: 2 }]]
  const options = { presenceful: true, reflective: false, history_size: 1, history_duration: 60, more: true }
  const content = { history, presence: ['bob', 'ann'], state: { turn: 'ann' }, initial_data: 7 }
  const changed = subscribed(0, 'chat', { position: 'e1:2', ...options, ...content })
  socket.hears(changed, publish('chat', 2, 'b'), publish('chat', 3, 'c'))
  expect(chat).toMatchObject({
    ...{ presenceful: true, reflective: false, historySize: 1, moreHistory: true, initialData: 7 },
    ...{ presence: ['bob', 'ann'], state: { turn: 'ann' }, position: 'e1:3', status: 'subscribed' },
  })
  expect(heard).toEqual(['a', 'b', 'c'])
  expect(changes).toEqual([
    ['bob', 'ann'],
    [{ turn: 'ann' }, { updates: { turn: 'ann' }, deletes: [] }],
  ])
  const before = chat.history
  socket.hears(subscribed(0, 'chat', { position: 'e1:3', ...options, ...content, history: [...before] }))
  expect(chat.history).toBe(before)
  expect([changes.length, told.length, made, socket.count('SUBSCRIBE')]).toEqual([2, 1, [], 1])
})

test('changed options that come before what they include: that is asked for, told, and in the history once', async () => {
  const { socket, chat, heard, told } = await inChat({ history_size: 5 })
  socket.hears(publish('chat', 1, 'a'))
  const entry = (payload: string, offset: number) => ['PUBLISH', { user: 'bob', payload, offset }]
  const history = [entry('a', 1), entry('b', 2)]
  const changed = { position: 'e1:3', history_size: 5, history, presenceful: true, presence: ['ann', 'bob'] }
  socket.hears(subscribed(0, 'chat', changed))
  expect([chat.presence, chat.status]).toEqual([['ann', 'bob'], 'resuming'])
  await clock.settle()
  expect(socket.last('SUBSCRIBE')[2]).toEqual({ channel_name: 'chat', since: 'e1:1' })
  answer(socket, { position: 'e1:3', history_size: 5, presenceful: true, recovered: true, missed: 2 })
  const datetime = '2026-11-23T12:00:00.000Z'
  socket.hears(publish('chat', 2, 'b'), [0, 'SUBSCRIBE', { channel_name: 'chat', user: 'bob', datetime, offset: 3 }])
  expect(heard).toEqual(['a', 'b'])
  expect(chat.history.map(([, { offset }]) => offset)).toEqual([1, 2, 3])
  expect([chat.presence, chat.position]).toEqual([['ann', 'bob'], 'e1:3'])
  expect(told.map(([name]) => name)).toEqual(['subscribed', 'subscribed'])
})

test('changed options of another life of the log are a gap', async () => {
  const { socket, told } = await inChat()
  socket.hears(subscribed(0, 'chat', { position: 'e2:1' }))
  await clock.settle()
  answer(socket, { position: 'e2:1', recovered: false })
  expect(told.map(([name]) => name)).toEqual(['subscribed', 'gap', 'subscribed'])
})

test('where the history holds publishes only, joins and leaves are told and not kept', async () => {
  const { socket, chat } = await inChat({ history_size: 5, history_publish_only: true, presenceful: true })
  const told: unknown[] = []
  chat.on('subscribe', ({ user }) => told.push(user))
  const datetime = '2026-11-23T12:00:00.000Z'
  socket.hears([0, 'SUBSCRIBE', { channel_name: 'chat', user: 'cid', datetime, offset: 1 }], publish('chat', 2, 'a'))
  expect([told, chat.presence, chat.history.map(([name]) => name)]).toEqual([['cid'], ['cid'], ['PUBLISH']])
})

test('lists and objects that nobody hears or reads are not made', async () => {
  const users = Array.from({ length: 100 }, (_, index) => `user ${index}`)
  const state = Object.fromEntries(users.map((user) => [user, 1]))
  const { socket, chat, conn } = await inChat({ presenceful: true, presence: users, state })
  const other = conn.subscribe('chat')
  const datetime = '2026-11-23T12:00:00.000Z'
  let offset = 0
  const upset = () =>
    socket.hears(
      [0, 'SUBSCRIBE', { channel_name: 'chat', user: 'guest', datetime, offset: ++offset }],
      [0, 'UNSUBSCRIBE', { channel_name: 'chat', user: 'guest', datetime, offset: ++offset }],
      [0, 'STATE_UPDATE', { channel_name: 'chat', updates: { here: offset }, deletes: [], offset: ++offset }],
    )
  expect(walks(100, upset)).toBe(0)
  const told: unknown[] = []
  other.on('presence', (list) => told.push(list))
  other.on('state', (values, change) => told.push(values, change))
  upset()
  const change = { updates: { here: 5 }, deletes: [] }
  expect(told).toEqual([[...users, 'guest'], users, { ...state, ...change.updates }, change])
  expect(told.slice(1, 3)).toEqual([chat.presence, chat.state])
  expect([told[1] === other.presence, told[2] === chat.state]).toEqual([true, true])
})
