import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { TestHub, type TestPage } from '../kit/hub.ts'
import { RunningHub } from '../kit/running-hub.ts'

type Options = Record<string, unknown>
type Entry = [name: string, args: Record<string, unknown>]

const chat = { channel_name: 'chat' }
const now = '2026-11-23T16:34:05.120Z'

/** Every way in which a channel gets its options. */
const ways: [way: string, start: (options: Options) => Promise<TestHub>][] = [
  ['the reply to create_channel', async (options) => new TestHub({ create_channel: options })],
  [
    'REST create_channel',
    async (options) => {
      const hub = new TestHub({})
      await hub.hub.application.createChannel('chat', options, false)
      return hub
    },
  ],
  [
    'REST set_channel_options',
    async (options) => {
      const hub = new TestHub({})
      await hub.hub.application.createChannel('chat', {}, false)
      await hub.hub.application.setChannelOptions('chat', options)
      return hub
    },
  ],
]

async function enter(hub: TestHub, name: string): Promise<TestPage> {
  const page = await hub.page(name)
  await page.ask('SUBSCRIBE', chat)
  return page
}

async function publish(page: TestPage, ...payloads: (number | string)[]): Promise<void> {
  for (const payload of payloads) await page.ask('PUBLISH', { ...chat, payload })
}

async function optionsOf(hub: TestHub): Promise<Options> {
  return (await hub.hub.application.channelInfo('chat')).options
}

/** The history as a page gets it that comes now. */
async function historyFor(hub: TestHub, name: string): Promise<Entry[]> {
  const page = await hub.page(name)
  return (await page.ask('SUBSCRIBE', chat)).history as Entry[]
}

function payloadsOf(history: unknown): unknown[] {
  return (history as Entry[]).filter(([name]) => name === 'PUBLISH').map(([, { payload }]) => payload)
}

test('every option has its default, which get_channel_info shows', async () => {
  await using hub = await RunningHub.start()
  await hub.rest('create_channel', chat)
  const { details } = await hub.rest('get_channel_info', chat)
  expect(details).toMatchObject({ name: 'chat', subscribers: [] })
  expect(details.options).toMatchObject({
    reflective: true,
    history_size: 0,
    history_duration: 0,
    history_publish_only: false,
    history: [],
    moderated: true,
    moderated_publish: false,
    moderated_subscribe: false,
    moderated_unsubscribe: false,
    presenceful: false,
    anonymous: false,
    state: {},
    polling: null,
  })
})

describe.each(ways)('given by %s', (_way, start) => {
  test('every option is shown as it was set', async () => {
    const options = {
      reflective: false,
      history_size: 7,
      history_duration: 2.5,
      history_publish_only: true,
      moderated: false,
      moderated_publish: true,
      moderated_subscribe: true,
      moderated_unsubscribe: true,
      presenceful: true,
      anonymous: true,
      state: { a: [1] },
      history: [['PUBLISH', { payload: 1, datetime: now }]],
    }
    await using hub = await start(options)
    await enter(hub, 'ann')
    expect(await optionsOf(hub)).toMatchObject(options)
  })

  test('1 and 0 stand for true and false', async () => {
    await using hub = await start({ presenceful: 1, reflective: 0 })
    await enter(hub, 'ann')
    expect(await optionsOf(hub)).toMatchObject({ presenceful: true, reflective: false })
  })

  test('reflective: the publisher receives its own publishes too', async () => {
    await using hub = await start({ reflective: true })
    const ann = await enter(hub, 'ann')
    const bob = await enter(hub, 'bob')
    await publish(ann, 'a')
    for (const page of [ann, bob]) expect(page.all('PUBLISH')).toMatchObject([{ user: 'ann', payload: 'a' }])
  })

  test('reflective off: everybody but the publishing connection receives it', async () => {
    await using hub = await start({ reflective: false })
    const ann = await enter(hub, 'ann')
    const tab = await enter(hub, 'ann')
    const bob = await enter(hub, 'bob')
    await publish(ann, 'a')
    expect(ann.all('PUBLISH')).toEqual([])
    for (const page of [tab, bob]) expect(page.all('PUBLISH')).toMatchObject([{ user: 'ann', payload: 'a' }])
  })

  test.each([
    [0, []],
    [1, [3]],
    [2, [2, 3]],
    [5, [1, 2, 3]],
  ])('history_size %i keeps of three publishes %j', async (size, kept) => {
    await using hub = await start({ history_size: size, history_publish_only: true })
    await publish(await enter(hub, 'ann'), 1, 2, 3)
    expect(payloadsOf(await historyFor(hub, 'bob'))).toEqual(kept)
    expect(payloadsOf((await optionsOf(hub)).history)).toEqual(kept)
  })

  test('history_size counts joins and leaves like publishes', async () => {
    await using hub = await start({ history_size: 2 })
    const ann = await enter(hub, 'ann')
    await publish(ann, 1)
    await enter(hub, 'bob')
    expect((await optionsOf(hub)).history).toMatchObject([
      ['PUBLISH', { payload: 1 }],
      ['SUBSCRIBE', { user: 'bob' }],
    ])
  })

  test('history_duration: an entry lives so many seconds', async () => {
    await using hub = await start({ history_size: 5, history_duration: 10, history_publish_only: true })
    const ann = await enter(hub, 'ann')
    await publish(ann, 1)
    await hub.clock.advance(4_000)
    await publish(ann, 2)
    await hub.clock.advance(5_999)
    expect(payloadsOf(await historyFor(hub, 'bob'))).toEqual([1, 2])
    await hub.clock.advance(2)
    expect(payloadsOf(await historyFor(hub, 'cid'))).toEqual([2])
    await hub.clock.advance(4_000)
    expect(await historyFor(hub, 'dot')).toEqual([])
  })

  test('history_duration 0: an entry lives without limit', async () => {
    await using hub = await start({ history_size: 5, history_duration: 0, history_publish_only: true })
    await publish(await enter(hub, 'ann'), 1)
    await hub.clock.advance(30 * 86_400_000)
    expect(payloadsOf((await optionsOf(hub)).history)).toEqual([1])
  })

  test.each([
    [false, ['SUBSCRIBE', 'SUBSCRIBE', 'PUBLISH', 'UNSUBSCRIBE']],
    [true, ['PUBLISH']],
  ])('history_publish_only %s: the history holds %j', async (publishOnly, names) => {
    await using hub = await start({ history_size: 9, history_publish_only: publishOnly })
    const ann = await enter(hub, 'ann')
    const bob = await enter(hub, 'bob')
    await publish(ann, 1)
    await bob.ask('UNSUBSCRIBE', chat)
    expect(((await optionsOf(hub)).history as Entry[]).map(([name]) => name)).toEqual(names)
  })

  test('history_publish_only: joins and leaves are told all the same', async () => {
    await using hub = await start({ history_size: 9, history_publish_only: true, presenceful: true })
    const ann = await enter(hub, 'ann')
    const bob = await enter(hub, 'bob')
    await bob.ask('UNSUBSCRIBE', chat)
    expect(ann.all('SUBSCRIBE')).toMatchObject([{ user: 'bob' }])
    expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ user: 'bob' }])
  })

  const all = ['publish', 'subscribe', 'unsubscribe']
  const each = Object.fromEntries(all.map((action) => [`moderated_${action}`, true]))
  test.each<[options: Options, asked: string[]]>([
    [{}, all],
    [{ moderated: true }, all],
    [{ moderated: true, ...each }, all],
    [{ moderated: false }, []],
    [{ moderated: false, moderated_publish: true }, ['publish']],
    [{ moderated: false, moderated_subscribe: true }, ['subscribe']],
    [{ moderated: false, moderated_unsubscribe: true }, ['unsubscribe']],
    [{ moderated: false, ...each }, all],
  ])('%j: the webhooks that are asked are %j', async (options, asked) => {
    await using hub = await start(options)
    await enter(hub, 'cid')
    hub.calls.length = 0
    const ann = await enter(hub, 'ann')
    await publish(ann, 1)
    await ann.ask('UNSUBSCRIBE', chat)
    const bob = await enter(hub, 'bob')
    bob.cut(1000)
    await settle()
    const calls = hub.calls.map(({ action }) => action).filter((action) => all.includes(action))
    const twice = ['subscribe', 'publish', 'unsubscribe', 'subscribe', 'unsubscribe']
    expect(calls).toEqual(twice.filter((action) => asked.includes(action)))
  })

  test('presenceful: subscribers get the presence list and every join and leave, each user once', async () => {
    await using hub = await start({ presenceful: true })
    const ann = await enter(hub, 'ann')
    const bob = await hub.page('bob')
    expect(await bob.ask('SUBSCRIBE', chat)).toMatchObject({ presenceful: true, presence: ['ann', 'bob'] })
    const tab = await hub.page('bob')
    expect((await tab.ask('SUBSCRIBE', chat)).presence).toEqual(['ann', 'bob'])
    await tab.ask('UNSUBSCRIBE', chat)
    bob.cut(1000)
    await settle()
    expect(ann.all('SUBSCRIBE')).toMatchObject([{ ...chat, user: 'bob', datetime: now }])
    expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ ...chat, user: 'bob', datetime: now }])
  })

  test('presenceful off: joins and leaves are told to nobody, and stand in the history', async () => {
    await using hub = await start({ presenceful: false, history_size: 9 })
    const ann = await enter(hub, 'ann')
    const bob = await hub.page('bob')
    const subscribed = await bob.ask('SUBSCRIBE', chat)
    expect(subscribed.presenceful).toBe(false)
    expect(subscribed.presence ?? []).toEqual([])
    await bob.ask('UNSUBSCRIBE', chat)
    for (const page of [ann, bob]) expect([...page.all('SUBSCRIBE'), ...page.all('UNSUBSCRIBE')]).toEqual([])
    expect((await optionsOf(hub)).history).toEqual([
      ['SUBSCRIBE', { user: 'ann', datetime: now }],
      ['SUBSCRIBE', { user: 'bob', datetime: now }],
      ['UNSUBSCRIBE', { user: 'bob', datetime: now }],
    ])
  })

  test.each([
    [false, true],
    [true, false],
  ])('anonymous %s: publish, webhook and history carry a user: %s', async (anonymous, named) => {
    await using hub = await start({ anonymous, history_size: 9, history_publish_only: true })
    const ann = await enter(hub, 'ann')
    await publish(ann, 1)
    const by = named ? { user: 'ann' } : {}
    const entry = { ...by, payload: 1, datetime: now, offset: 1 }
    expect(ann.all('PUBLISH')).toEqual([{ ...chat, ...entry }])
    expect((await optionsOf(hub)).history).toEqual([['PUBLISH', entry]])
    expect(hub.asked('publish')[0]?.fields).toEqual({ ...chat, payload: 1, ...(named ? { originator: 'ann' } : {}) })
  })

  test('anonymous: what the application publishes under a name carries none', async () => {
    await using hub = await start({ anonymous: true })
    const ann = await enter(hub, 'ann')
    await hub.hub.application.publish('chat', {
      payload: '1' as never,
      originator: 'bot',
      messageId: undefined,
      sendHook: false,
    })
    expect(ann.all('PUBLISH')).toEqual([{ ...chat, payload: 1, datetime: now, offset: 1 }])
  })

  test('state is what a subscriber gets', async () => {
    await using hub = await start({ state: { topic: 'tea', seats: [1, null] } })
    const ann = await hub.page('ann')
    expect((await ann.ask('SUBSCRIBE', chat)).state).toEqual({ topic: 'tea', seats: [1, null] })
  })

  test('state may be [], as PHP writes it', async () => {
    await using hub = await start({ state: [] })
    const ann = await hub.page('ann')
    expect((await ann.ask('SUBSCRIBE', chat)).state).toEqual({})
  })

  const at = (minute: number) => `2026-11-23T16:${minute}:00.000Z`

  test('history pre-populates it with entries of all three kinds, whose user and datetime may be missing', async () => {
    const history: Entry[] = [
      ['PUBLISH', { user: 'eve', payload: { a: [1] }, datetime: at(10) }],
      ['SUBSCRIBE', { user: 'eve', datetime: at(11) }],
      ['SUBSCRIBE', { user: 'fay' }],
      ['UNSUBSCRIBE', { user: 'eve', datetime: at(12) }],
      ['UNSUBSCRIBE', { user: 'fay' }],
      ['PUBLISH', { payload: 'nobody said it' }],
      ['PUBLISH', { payload: null, datetime: at(13) }],
    ]
    await using hub = await start({ history_size: 20, history })
    const ann = await hub.page('ann')
    const subscribed = await ann.ask('SUBSCRIBE', chat)
    expect(subscribed.history).toEqual([...history, ['SUBSCRIBE', { user: 'ann', datetime: now }]])
    expect(ann.all('PUBLISH')).toEqual([])
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual(['ann'])
  })

  test('of a prefilled history the newest entries are kept', async () => {
    const history = [1, 2, 3].map((payload) => ['PUBLISH', { payload }])
    await using hub = await start({ history_size: 2, history_publish_only: true, history })
    expect(payloadsOf(await historyFor(hub, 'ann'))).toEqual([2, 3])
  })

  test('of a prefilled history what is older than history_duration is gone', async () => {
    const history = [
      ['PUBLISH', { payload: 'old', datetime: at(10) }],
      ['PUBLISH', { payload: 'new', datetime: at(34) }],
    ]
    await using hub = await start({ history_size: 9, history_duration: 60, history_publish_only: true, history })
    expect(payloadsOf(await historyFor(hub, 'ann'))).toEqual(['new'])
    await hub.clock.advance(60_000)
    expect(await historyFor(hub, 'bob')).toEqual([])
  })

  test('of a prefilled history only publishes are kept where history_publish_only says so', async () => {
    const history = [
      ['SUBSCRIBE', { user: 'eve' }],
      ['PUBLISH', { user: 'eve', payload: 1 }],
      ['UNSUBSCRIBE', { user: 'eve' }],
    ]
    await using hub = await start({ history_size: 9, history_publish_only: true, history })
    expect(await historyFor(hub, 'ann')).toEqual([['PUBLISH', { user: 'eve', payload: 1 }]])
  })

  test('options may be [], as PHP writes it', async () => {
    await using hub = await start([] as unknown as Options)
    await enter(hub, 'ann')
    expect(await optionsOf(hub)).toMatchObject({ reflective: true, moderated: true, history_size: 0 })
  })
})

describe('set_channel_options', () => {
  async function started(options: Options) {
    const hub = new TestHub({ create_channel: options })
    return { hub, ann: await enter(hub, 'ann'), [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose]() }
  }

  test('changes what is given, and leaves the rest', async () => {
    await using at = await started({ history_size: 9, presenceful: true, state: { a: 1 } })
    const before = await optionsOf(at.hub)
    await at.hub.hub.application.setChannelOptions('chat', { reflective: false })
    expect(await optionsOf(at.hub)).toEqual({ ...before, reflective: false })
  })

  test('of state replaces it; subscribers get the difference, and nobody anything where there is none', async () => {
    await using at = await started({ state: { stays: { x: 1 }, changes: 1, goes: true } })
    await at.hub.hub.application.setChannelOptions('chat', { state: { stays: { x: 1 }, changes: 2, comes: null } })
    await settle()
    expect(at.ann.all('STATE_UPDATE')).toMatchObject([
      { ...chat, updates: { changes: 2, comes: null }, deletes: ['goes'] },
    ])
    await at.hub.hub.application.setChannelOptions('chat', { state: { comes: null, changes: 2, stays: { x: 1 } } })
    await settle()
    expect(at.ann.all('STATE_UPDATE')).toHaveLength(1)
    expect((await optionsOf(at.hub)).state).toEqual({ stays: { x: 1 }, changes: 2, comes: null })
  })

  test('of a smaller history_size drops the oldest entries', async () => {
    await using at = await started({ history_size: 9, history_publish_only: true })
    await publish(at.ann, 1, 2, 3)
    await at.hub.hub.application.setChannelOptions('chat', { history_size: 2 })
    expect(payloadsOf(await historyFor(at.hub, 'bob'))).toEqual([2, 3])
  })

  test('of a larger history_size keeps more from then on', async () => {
    await using at = await started({ history_size: 1, history_publish_only: true })
    await publish(at.ann, 1, 2)
    await at.hub.hub.application.setChannelOptions('chat', { history_size: 9 })
    await publish(at.ann, 3)
    expect(payloadsOf(await historyFor(at.hub, 'bob'))).toEqual([2, 3])
  })

  test('of history_publish_only takes joins and leaves out of the history', async () => {
    await using at = await started({ history_size: 9 })
    await publish(at.ann, 1)
    await at.hub.hub.application.setChannelOptions('chat', { history_publish_only: true })
    expect((await historyFor(at.hub, 'bob')).map(([name]) => name)).toEqual(['PUBLISH'])
  })

  test('of history replaces it', async () => {
    await using at = await started({ history_size: 9, history_publish_only: true })
    await publish(at.ann, 1)
    await at.hub.hub.application.setChannelOptions('chat', { history: [['PUBLISH', { payload: 2 }]] })
    expect(payloadsOf(await historyFor(at.hub, 'bob'))).toEqual([2])
  })

  test('of presenceful tells those who are in the channel who is there', async () => {
    await using at = await started({})
    await enter(at.hub, 'bob')
    await at.hub.hub.application.setChannelOptions('chat', { presenceful: true })
    await settle()
    expect(at.ann.all('SUBSCRIBED').at(-1)).toMatchObject({ presenceful: true, presence: ['ann', 'bob'] })
    await enter(at.hub, 'cid')
    expect(at.ann.all('SUBSCRIBE')).toMatchObject([{ user: 'cid' }])
    await at.hub.hub.application.setChannelOptions('chat', { presenceful: false })
    await enter(at.hub, 'dot')
    expect(at.ann.all('SUBSCRIBE')).toHaveLength(1)
  })

  test.each([
    ['moderated', { moderated: true }],
    ['moderated_publish', { moderated_publish: true }],
  ])('of %s counts for the next action', async (_option, change) => {
    await using at = await started({ moderated: false })
    await publish(at.ann, 1)
    expect(at.hub.asked('publish')).toEqual([])
    await at.hub.hub.application.setChannelOptions('chat', change)
    await publish(at.ann, 2)
    expect(at.hub.asked('publish')).toHaveLength(1)
  })
})

const flags = [
  'reflective',
  'history_publish_only',
  'moderated',
  'moderated_publish',
  'moderated_subscribe',
  'moderated_unsubscribe',
  'presenceful',
  'anonymous',
].flatMap((name) => ['true', 2, null, []].map((value): [name: string, value: unknown] => [name, value]))

const simple = { mode: 'simple', url: 'http://127.0.0.1/' }

/** An option, by the name that the message must have, and a value that it cannot have. */
const wrong: [name: string, value: unknown][] = [
  ...flags,
  ['history_size', '20'],
  ['history_size', -1],
  ['history_size', 1.5],
  ['history_size', null],
  ['history_size', true],
  ['history_duration', '60'],
  ['history_duration', -0.1],
  ['history_duration', null],
  ['history', {}],
  ['history', 'PUBLISH'],
  ['history', ['PUBLISH']],
  ['history', [['PUBLISH']]],
  ['history', [['JOIN', {}]]],
  ['history', [['PUBLISH', 'text']]],
  ['history', [['PUBLISH', { user: 7 }]]],
  ['history', [['SUBSCRIBE', { user: 'eve', datetime: 'yesterday' }]]],
  ['state', 'tea'],
  ['state', 7],
  ['state', ['tea']],
  ['polling', 'often'],
  ['polling', 5],
  ['polling', { ...simple, mode: 'sometimes' }],
  ['polling', { ...simple, url: 'ftp://127.0.0.1/' }],
  ['polling', { mode: 'simple' }],
  ['polling', { ...simple, interval: 'often' }],
  ['polling', { ...simple, interval: -1 }],
  ['polling', { ...simple, form: 'a=1' }],
  ['polling', { ...simple, originator: 7 }],
  ['polling', { ...simple, intervall: 5 }],
  ['histroy_size', 20],
]

describe.each(wrong)('%s: %j is refused by its name', (name, value) => {
  const told = new RegExp(`^(create_channel: )?${name}\\b.*expected`)
  const given = { presenceful: true, [name]: value }

  test('in the reply to create_channel: the page gets the text, the log too, and there is no channel', async () => {
    await using hub = new TestHub({ create_channel: given })
    const ann = await hub.page('ann')
    await expect(ann.ask('SUBSCRIBE', chat)).rejects.toThrow(told)
    expect((await hub.hub.application.info()).channels).toEqual([])
    const errors = hub.logged.filter(({ level }) => level === 'error')
    expect(errors).toHaveLength(1)
    expect(Object.values(errors[0]?.fields ?? {}).join(' ')).toContain(name)
    expect(ann.end).toBeUndefined()
  })

  test('by REST create_channel, and there is no channel', async () => {
    await using hub = new TestHub({})
    await expect(hub.hub.application.createChannel('chat', given, false)).rejects.toMatchObject({
      code: 'bad_request',
      message: expect.stringMatching(told),
    })
    expect((await hub.hub.application.info()).channels).toEqual([])
  })

  test('by REST set_channel_options, and nothing is changed', async () => {
    await using hub = new TestHub({ create_channel: { history_size: 3, state: { a: 1 } } })
    const ann = await enter(hub, 'ann')
    const before = await optionsOf(hub)
    await ann.news()
    await expect(
      hub.hub.application.setChannelOptions('chat', { ...given, ...(name !== 'state' && { state: { a: 2 } }) }),
    ).rejects.toMatchObject({ code: 'bad_request', message: expect.stringMatching(told) })
    expect(await optionsOf(hub)).toEqual(before)
    expect(await ann.news()).toEqual([])
  })
})

describe('server_presenceful', () => {
  const watched = { server_presenceful: true, server_user_presence: ['bob', 'cid'], state: { topic: 'tea' } }

  test('server_presenceful keeps in the state whether each user of server_user_presence is connected to the server', async () => {
    await using hub = new TestHub({ create_channel: watched })
    await hub.page('bob')
    const ann = await enter(hub, 'ann')
    await settle()
    expect((await optionsOf(hub)).state).toEqual({ topic: 'tea', bob: true, cid: false })
    const cid = await hub.page('cid')
    await settle()
    expect(ann.all('STATE_UPDATE').at(-1)).toMatchObject({ updates: { cid: true }, deletes: [] })
    cid.cut(1000)
    await settle()
    expect(ann.all('STATE_UPDATE').at(-1)).toMatchObject({ updates: { cid: false }, deletes: [] })
  })

  test('server_user_presence alone does nothing', async () => {
    await using hub = new TestHub({ create_channel: { ...watched, server_presenceful: false } })
    await enter(hub, 'bob')
    await settle()
    expect((await optionsOf(hub)).state).toEqual({ topic: 'tea' })
  })

  test.each([
    ['server_presenceful', 'yes', 'server_presenceful: expected true or false'],
    ['server_user_presence', 'bob', 'server_user_presence: expected a list of user names'],
    ['server_user_presence', [7], 'server_user_presence: expected'],
  ])('%s: %j is refused by its name', async (name, value, message) => {
    await using hub = new TestHub({ create_channel: { [name]: value } })
    const ann = await hub.page('ann')
    await expect(ann.ask('SUBSCRIBE', chat)).rejects.toThrow(message)
    expect((await hub.hub.application.info()).channels).toEqual([])
  })
})
