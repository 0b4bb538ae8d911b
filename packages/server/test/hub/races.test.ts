import { deferred, settle } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { refuse, TestHub } from '../kit/hub.ts'

const chat = { channel_name: 'chat' }
const room = { presenceful: true, history_size: 10 }

/** An answer that a test gives when it likes. */
function held(): { answer: () => Promise<unknown>; give(value?: unknown): void } {
  const waiting: ((value: unknown) => void)[] = []
  return {
    answer: () => new Promise((resolve) => waiting.push(resolve)),
    give: (value = {}) => waiting.shift()?.(value),
  }
}

test('a page that goes while its subscribe is asked about is not let in, and the application is told that it has left', async () => {
  const subscribe = held()
  await using hub = new TestHub({ create_channel: room, subscribe: subscribe.answer })
  const ann = await hub.page('ann')
  ann.say('SUBSCRIBE', chat)
  await settle()
  ann.cut()
  await settle()
  subscribe.give()
  await settle()
  expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual([])
  expect(hub.calls.map(({ action }) => action).slice(-3)).toEqual(['subscribe', 'unsubscribe', 'disconnect'])
  expect((await hub.hub.application.info()).users).toEqual([])
})

test('nobody is let into a channel through a connection whose leave is still being told', async () => {
  const unsubscribe = held()
  await using hub = new TestHub({ create_channel: room, unsubscribe: unsubscribe.answer })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  await hub.hub.application.createChannel('games', {}, false)
  ann.cut()
  await settle()
  await hub.hub.application.subscribeUser('games', 'ann', false)
  unsubscribe.give()
  await settle()
  expect((await hub.hub.application.channelInfo('games')).subscribers).toEqual([])
})

test('a page that was taken out before it had entered is not told that it is in', async () => {
  await using hub = new TestHub({ create_channel: { ...room, moderated: false } })
  const ann = await hub.page('ann')
  await hub.hub.application.createChannel('chat', room, false)
  const { log } = hub.broker
  const { read } = log
  const reading = held()
  Object.assign(log, {
    read: async (...args: Parameters<typeof read>) => [await reading.answer(), await read(...args)][1],
  })
  const entering = hub.hub.application.subscribeUser('chat', 'ann', false)
  await settle()
  const leaving = hub.hub.application.unsubscribeUser('chat', 'ann', false)
  await settle()
  reading.give()
  await expect(entering).rejects.toMatchObject({ code: 'refused' })
  await leaving
  expect((await ann.news()).slice(1)).toEqual([['UNSUBSCRIBED', { ...chat, reason: 'removed' }]])
})

test('a channel is not offered to destroy_channel while the application is asked about somebody who enters it', async () => {
  const subscribe = held()
  await using hub = new TestHub({ create_channel: room })
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  await ann.ask('SUBSCRIBE', chat)
  hub.answers.subscribe = subscribe.answer
  const id = bob.say('SUBSCRIBE', chat)
  await settle()
  await ann.ask('UNSUBSCRIBE', chat)
  subscribe.give()
  expect(await bob.answer(id)).toMatchObject({ presence: ['bob'] })
  expect(hub.asked('destroy_channel')).toEqual([])
})

test('a channel is offered only when the application has heard of the last leave', async () => {
  await using hub = new TestHub({ create_channel: room, unsubscribe: new Error('down') })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  ann.cut()
  await hub.clock.advance(10_000)
  expect(hub.asked('destroy_channel')).toEqual([])
  hub.answers.unsubscribe = {}
  await hub.clock.advance(60_000)
  expect(hub.asked('unsubscribe').length).toBeGreaterThan(2)
  expect(hub.asked('destroy_channel')).toHaveLength(1)
  expect((await hub.hub.application.info()).channels).toEqual([])
})

test('a channel that somebody entered by REST during destroy_channel is offered again when they leave', async () => {
  const destroy = held()
  await using hub = new TestHub({ create_channel: room, destroy_channel: destroy.answer })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  await ann.ask('UNSUBSCRIBE', chat)
  await hub.hub.application.subscribeUser('chat', 'ann', false)
  destroy.give()
  await settle()
  expect((await hub.hub.application.info()).channels).toEqual(['chat'])
  await ann.ask('UNSUBSCRIBE', chat)
  expect(hub.asked('destroy_channel')).toHaveLength(2)
})

test('a user who comes back while the leave waits for its turn does not wait for its repeats', async () => {
  const unsubscribe = held()
  await using hub = new TestHub({ create_channel: room, unsubscribe: unsubscribe.answer })
  const keeper = await hub.page('keeper')
  await keeper.ask('SUBSCRIBE', chat)
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  ann.say('UNSUBSCRIBE', chat)
  await settle()
  ann.cut()
  const back = await hub.page('ann')
  const id = back.say('SUBSCRIBE', chat)
  hub.answers.unsubscribe = new Error('down')
  unsubscribe.give(refuse('stay'))
  await settle()
  expect(await back.answer(id)).toMatchObject({ presence: ['keeper', 'ann'] })
  expect(hub.asked('unsubscribe')).toHaveLength(3)
})

test('a leave beyond what one user may have waiting is told all the same', async () => {
  const unsubscribe = held()
  await using hub = new TestHub({ create_channel: room })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  hub.answers.unsubscribe = unsubscribe.answer
  ann.say('UNSUBSCRIBE', chat)
  await settle()
  for (let i = 0; i < 300; i++) (await hub.page('ann')).say('SUBSCRIBE', chat)
  ann.cut()
  await settle()
  hub.answers.unsubscribe = {}
  unsubscribe.give(refuse('stay'))
  await settle()
  expect(hub.asked('unsubscribe')).toHaveLength(2)
})

test('the same publish twice at the same moment is asked about once', async () => {
  await using hub = new TestHub({ create_channel: room })
  const pages = [await hub.page('ann'), await hub.page('ann')]
  await pages[0]?.ask('SUBSCRIBE', chat)
  const ids = pages.map((page) => page.say('PUBLISH', { ...chat, payload: 1, message_id: 'm' }))
  const results = await Promise.all(pages.map((page, i) => page.answer(ids[i] ?? 0)))
  expect(hub.asked('publish')).toHaveLength(1)
  expect(results.map(({ duplicate }) => duplicate)).toEqual([undefined, true])
})

test('a channel that REST makes at the moment when create_channel is answered is the one that the page gets', async () => {
  const create = held()
  await using hub = new TestHub({ create_channel: create.answer })
  const ann = await hub.page('ann')
  const id = ann.say('SUBSCRIBE', chat)
  await settle()
  create.give({ history_size: 3 })
  const made = hub.hub.application.createChannel('chat', { history_size: 7 }, false).catch((error: unknown) => error)
  expect(await ann.answer(id)).toMatchObject({ history_size: 7 })
  expect(await made).toBeUndefined()
})

test('a create_channel that is answered after the hub has stopped makes no channel', async () => {
  const create = held()
  const hub = new TestHub({ create_channel: create.answer })
  const ann = await hub.page('ann')
  ann.say('SUBSCRIBE', chat)
  await settle()
  await hub.hub.stop()
  create.give({ polling: { mode: 'simple', url: 'http://app/' } })
  await settle()
  ann.cut(4503)
  expect((await hub.hub.application.info()).channels).toEqual([])
  expect(hub.clock.pending).toBe(0)
})

test('a hub that stops leaves no timer of a lingering connection behind', async () => {
  const hub = new TestHub({}, { linger: 15_000 })
  const ann = await hub.page('ann')
  ann.cut()
  expect(hub.clock.pending).toBe(1)
  await hub.hub.stop()
  expect(hub.clock.pending).toBe(0)
  expect(hub.asked('disconnect')).toEqual([])
})

test('disconnect_user ends a lingering connection at once', async () => {
  await using hub = new TestHub({ create_channel: room }, { linger: 15_000 })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  ann.cut()
  await settle()
  await hub.hub.application.disconnectUser('ann')
  await settle()
  expect(hub.asked('disconnect')).toHaveLength(1)
  expect(await hub.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
})

test('the options of a user that REST has set stand when another tab of the user connects', async () => {
  await using hub = new TestHub({})
  await hub.page('ann')
  await hub.hub.application.setUserOptions('ann', { moderated_message: false })
  await hub.page('ann')
  expect((await hub.hub.application.userInfo('ann')).options).toMatchObject({ moderated_message: false })
})

test('auto_unsubscribe in the reply to connect takes the user out', async () => {
  await using hub = new TestHub({ create_channel: room })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  hub.answers.connect = { name: 'ann', auto_unsubscribe: ['chat'] }
  await hub.page('ann')
  expect(ann.all('UNSUBSCRIBED')).toEqual([{ ...chat, reason: 'removed' }])
})

test('a visit begins without the initial_data of the one before', async () => {
  await using hub = new TestHub({ create_channel: room, subscribe: { initial_data: 'seat 3' } })
  const keeper = await hub.page('keeper')
  await keeper.ask('SUBSCRIBE', chat)
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', chat)
  await hub.hub.application.unsubscribeUser('chat', 'ann', false)
  await hub.hub.application.subscribeUser('chat', 'ann', false)
  expect(ann.all('SUBSCRIBED').at(-1)).not.toHaveProperty('initial_data')
})

test('two changes of a state at once do not take it beyond its bound together', async () => {
  await using hub = new TestHub({})
  await hub.hub.application.createChannel('chat', {}, false)
  const big = (key: string) => hub.hub.application.setStateKey('chat', key, JSON.stringify('x'.repeat(40_000)) as never)
  const outcomes = await Promise.allSettled([big('a'), big('b')])
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  expect(Object.keys((await hub.hub.application.channelInfo('chat')).options.state as object)).toEqual(['a'])
})

test('channel info shows a change whole or not at all', async () => {
  await using hub = new TestHub({})
  await hub.hub.application.createChannel('chat', { history_size: 9, state: { n: 1 } }, false)
  const history = [['PUBLISH', { payload: 2 }]]
  const changed = hub.hub.application.setChannelOptions('chat', { state: { n: 2 }, history })
  const infos = await Promise.all(Array.from({ length: 5 }, () => hub.hub.application.channelInfo('chat')))
  await changed
  for (const { options } of infos) {
    const wanted = JSON.stringify(options.history) === JSON.stringify(history) ? { n: 2 } : { n: 1 }
    expect(options.state).toEqual(wanted)
  }
})

test('an entry of a prefilled history beyond 64 KiB is refused, and nothing is made', async () => {
  await using hub = new TestHub({})
  const history = [['PUBLISH', { payload: 'x'.repeat(65_536) }]]
  await expect(hub.hub.application.createChannel('chat', { history }, false)).rejects.toMatchObject({
    code: 'too_large',
    message: expect.stringContaining('history[0]'),
  })
  expect((await hub.hub.application.info()).channels).toEqual([])
})

test('requests of one connection that wait are bounded, whatever they are for', async () => {
  await using hub = new TestHub({ message: held().answer })
  const ann = await hub.page('ann')
  for (let i = 0; i < 1_024; i++) ann.say('MESSAGE', { name: `user-${i}`, payload: 1 })
  await expect(ann.ask('MESSAGE', { name: 'one-more', payload: 1 })).rejects.toMatchObject({ code: 'too_many' })
})

test('Max-Age goes before Expires, as browsers have it', async () => {
  await using hub = new TestHub({ connect: { name: 'ann' } })
  const ann = hub.stranger()
  await ann.ask('CONNECT', {})
  ann.connection.caller.setCookies(['a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60'])
  expect(ann.connection.caller.cookies).toBe('a=1')
})

test('that a cookie cannot be told to the browser is logged once', async () => {
  await using hub = new TestHub({ connect: { name: 'ann' } })
  for (let i = 0; i < 2; i++) {
    const page = hub.stranger()
    await page.ask('CONNECT', {})
    page.connection.caller.setCookies(['s=1; HttpOnly', 't=1; HttpOnly'])
  }
  expect(hub.logged.filter(({ message }) => message.includes('cookie'))).toHaveLength(1)
})

test.each(['cut', 'UNSUBSCRIBE'])(
  'the application hears once of a user whose last tab unsubscribes just as the other one leaves (%s)',
  async (how) => {
    for (let moment = 0; moment < 30; moment++) {
      await using hub = new TestHub({ create_channel: { presenceful: true } })
      const tabs = [await hub.page('ann'), await hub.page('ann')] as const
      const bob = await hub.page('bob')
      for (const page of [...tabs, bob]) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
      const answer = tabs[0].ask('UNSUBSCRIBE', { channel_name: 'chat' })
      for (let turn = 0; turn < moment; turn++) await Promise.resolve()
      if (how === 'cut') tabs[1].cut()
      else tabs[1].say('UNSUBSCRIBE', { channel_name: 'chat' })
      expect(await answer, `at moment ${moment}`).toEqual({})
      expect(hub.asked('unsubscribe'), `at moment ${moment}`).toHaveLength(1)
      expect(bob.all('UNSUBSCRIBE')).toHaveLength(1)
    }
  },
)

test('a page that comes back while another node is just taking over from its own was never gone', async () => {
  const connect = { name: 'ann', auto_subscribe: ['news'] }
  await using a = new TestHub({ connect, create_channel: { presenceful: true } }, { linger: 15_000 })
  await using b = a.join()
  const page = a.stranger()
  const { ticket } = await page.ask('CONNECT', {})
  expect(page.all('SUBSCRIBED')).toHaveLength(1)
  a.calls.length = 0
  const { users } = b.broker
  const { find } = users
  const looking = deferred<void>()
  // The first to look is whoever takes over; it has claimed the connection by then.
  users.find = async (name) => {
    users.find = find
    await looking.promise
    return find(name)
  }
  const stopped = a.stop()
  await settle()
  const back = b.stranger()
  const asked = back.say('CONNECT', { ticket })
  await settle()
  looking.resolve()
  await back.answer(asked)
  await stopped
  await b.clock.advance(60_000)
  expect(a.calls).toEqual([])
  expect(back.all('SUBSCRIBED')).toHaveLength(1)
  expect((await b.hub.application.userInfo('ann')).connections).toEqual([back.connection.id])
})

test('that a user has gone is told also where the node dies as soon as it is so', async () => {
  await using a = new TestHub({})
  await using b = a.join()
  const ann = a.stranger('session=ann')
  await ann.ask('CONNECT', { payload: { name: 'ann' } })
  const { users } = a.broker
  const { leave } = users
  users.leave = async (user, id) => {
    const left = await leave(user, id)
    a.crash()
    return left
  }
  ann.cut(1000)
  await b.clock.advance(60_000)
  expect(a.asked('disconnect')).toMatchObject([{ cookies: 'session=ann', fields: { name: 'ann' } }])
})
