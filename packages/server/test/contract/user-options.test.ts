import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { createHookbox } from '../../src/hookbox.ts'
import { readUserOptions } from '../../src/hub/user-options.ts'
import { refuse, TestHub, type TestPage } from '../kit/hub.ts'
import { RunningHub } from '../kit/running-hub.ts'

type Options = Record<string, unknown>

const chat = { channel_name: 'chat' }

/** A hub and the first connection of ann, who has these options. */
class Stage implements AsyncDisposable {
  readonly hub: TestHub
  readonly ann: TestPage

  constructor(hub: TestHub, ann: TestPage) {
    this.hub = hub
    this.ann = ann
  }

  /** A page of ann's that has entered the channel. */
  async enter(page = this.ann): Promise<TestPage> {
    await page.ask('SUBSCRIBE', chat)
    return page
  }

  /** A further connection of ann's. */
  tab(): Promise<TestPage> {
    return this.hub.page('ann')
  }

  async subscribers(): Promise<string[]> {
    return (await this.hub.hub.application.channelInfo('chat')).subscribers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hub[Symbol.asyncDispose]()
  }
}

/** Every way in which a user gets its options. */
const ways: [way: string, start: (options: Options) => Promise<Stage>][] = [
  [
    'the reply to connect',
    async (options) => {
      const hub = new TestHub({
        connect: ({ payload: { name } }: { payload: { name: string } }) => ({ name, ...(name === 'ann' && options) }),
      })
      return new Stage(hub, await hub.page('ann'))
    },
  ],
  [
    'REST set_user_options',
    async (options) => {
      const hub = new TestHub({})
      const ann = await hub.page('ann')
      await hub.hub.application.setUserOptions('ann', options)
      return new Stage(hub, ann)
    },
  ],
  [
    'the defaults of all users',
    async (options) => {
      const hub = new TestHub({}, { userDefaults: readUserOptions(options) })
      return new Stage(hub, await hub.page('ann'))
    },
  ],
]

/** The numbers of the frames by which a page was told that it is in the channel. */
function told(page: TestPage): number[] {
  const frames = page.frames.filter((frame) => frame.name === 'SUBSCRIBED' && frame.args.channel_name === 'chat')
  return frames.map(({ id }) => id)
}

const defaults = {
  reflective: true,
  moderated_message: true,
  per_connection_subscriptions: true,
  global_unsubscriptions: false,
  auto_subscribe: [],
}

test('every option has its default, which get_user_info shows', async () => {
  await using hub = await RunningHub.start()
  const { id } = await (await hub.stranger()).connect({ payload: { name: 'ann' } })
  const { details } = await hub.rest('get_user_info', { user_name: 'ann' })
  expect(details).toEqual({ name: 'ann', channels: [], connections: [id], options: defaults })
})

const others = {
  reflective: false,
  moderated_message: false,
  per_connection_subscriptions: false,
  global_unsubscriptions: true,
  auto_subscribe: ['chat'],
}

describe.each(ways)('given by %s', (_way, start) => {
  test('every option is shown as it was set', async () => {
    await using at = await start(others)
    expect((await at.hub.hub.application.userInfo('ann')).options).toEqual(others)
  })

  test('1 and 0 stand for true and false', async () => {
    await using at = await start({ reflective: 0, global_unsubscriptions: 1 })
    expect((await at.hub.hub.application.userInfo('ann')).options).toEqual({
      ...defaults,
      reflective: false,
      global_unsubscriptions: true,
    })
  })

  test('they hold for the later connections of the user too', async () => {
    await using at = await start(others)
    await at.tab()
    expect((await at.hub.hub.application.userInfo('ann')).options).toEqual(others)
  })

  test.each([
    [true, 1],
    [false, 0],
  ])('reflective %s: the sender of a private message gets %i copies', async (reflective, copies) => {
    await using at = await start({ reflective })
    const bob = await at.hub.page('bob')
    await at.ann.ask('MESSAGE', { name: 'bob', payload: 'psst' })
    const message = { sender: 'ann', recipient: 'bob', payload: 'psst' }
    expect(bob.all('MESSAGE')).toMatchObject([message])
    expect(at.ann.all('MESSAGE')).toMatchObject(Array(copies).fill(message))
  })

  test.each([true, false])('reflective %s: a message to oneself arrives once', async (reflective) => {
    await using at = await start({ reflective })
    await at.ann.ask('MESSAGE', { name: 'ann', payload: 'note' })
    expect(at.ann.all('MESSAGE')).toHaveLength(1)
  })

  test('moderated_message: private messages ask the webhook, which may refuse them', async () => {
    await using at = await start({ moderated_message: true })
    const bob = await at.hub.page('bob')
    at.hub.answers.message = refuse('blocked')
    await expect(at.ann.ask('MESSAGE', { name: 'bob', payload: 1 })).rejects.toThrow('blocked')
    expect(at.hub.asked('message')).toHaveLength(1)
    expect(bob.all('MESSAGE')).toEqual([])
  })

  test('moderated_message off: private messages go without asking', async () => {
    await using at = await start({ moderated_message: false })
    const bob = await at.hub.page('bob')
    at.hub.answers.message = refuse('blocked')
    await at.ann.ask('MESSAGE', { name: 'bob', payload: 1 })
    expect(at.hub.asked('message')).toEqual([])
    expect(bob.all('MESSAGE')).toMatchObject([{ sender: 'ann', payload: 1 }])
  })

  describe('per_connection_subscriptions', () => {
    test('on: a subscription is its connection’s own, and so is its end', async () => {
      await using at = await start({ per_connection_subscriptions: true })
      const other = await at.tab()
      await at.enter()
      const later = await at.tab()
      await settle()
      for (const page of [other, later]) expect(told(page)).toEqual([])
      await at.enter(other)
      await at.ann.ask('UNSUBSCRIBE', chat)
      await other.ask('PUBLISH', { ...chat, payload: 1 })
      expect(other.all('UNSUBSCRIBED')).toEqual([])
      expect([at.ann, other, later].map((page) => page.all('PUBLISH').length)).toEqual([0, 1, 0])
      expect(at.hub.asked('unsubscribe')).toEqual([])
    })

    test('off: every connection of the user is told SUBSCRIBED unasked, later ones too', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      const other = await at.tab()
      const bob = await at.hub.page('bob')
      await at.enter()
      await settle()
      const later = await at.tab()
      await settle()
      for (const page of [other, later]) expect(told(page)).toEqual([0])
      expect(told(at.ann)).toHaveLength(1)
      expect(told(bob)).toEqual([])
      await at.ann.ask('PUBLISH', { ...chat, payload: 1 })
      for (const page of [at.ann, other, later]) expect(page.all('PUBLISH')).toMatchObject([{ payload: 1 }])
      expect(at.hub.asked('subscribe')).toHaveLength(1)
      expect(await at.subscribers()).toEqual(['ann'])
    })

    test('off: an unsubscribe ends it for all of them, and is asked and announced once', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      at.hub.answers.create_channel = { presenceful: true }
      const other = await at.tab()
      const bob = await at.hub.page('bob')
      await at.enter(bob)
      await at.enter()
      await settle()
      await other.ask('UNSUBSCRIBE', chat)
      await settle()
      expect(at.ann.all('UNSUBSCRIBED')).toMatchObject([chat])
      expect(bob.all('UNSUBSCRIBE')).toMatchObject([{ user: 'ann' }])
      expect(at.hub.asked('unsubscribe')).toMatchObject([{ fields: { ...chat, user: 'ann' } }])
      expect(await at.subscribers()).toEqual(['bob'])
      await bob.ask('PUBLISH', { ...chat, payload: 1 })
      for (const page of [at.ann, other]) expect(page.all('PUBLISH')).toEqual([])
      const later = await at.tab()
      await settle()
      expect(told(later)).toEqual([])
    })

    test('off: a refused unsubscribe keeps all of them', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      at.hub.answers.unsubscribe = refuse('stay')
      const other = await at.tab()
      await at.enter()
      await settle()
      await expect(at.ann.ask('UNSUBSCRIBE', chat)).rejects.toThrow('stay')
      await other.ask('PUBLISH', { ...chat, payload: 1 })
      for (const page of [at.ann, other]) expect(page.all('PUBLISH')).toHaveLength(1)
    })

    test('off: the others stay where one connection has gone, and the last one’s going is the leave', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      const other = await at.tab()
      await at.enter()
      await settle()
      at.ann.cut(1000)
      await settle()
      expect(at.hub.asked('unsubscribe')).toEqual([])
      await other.ask('PUBLISH', { ...chat, payload: 1 })
      expect(other.all('PUBLISH')).toHaveLength(1)
      other.cut(1000)
      await settle()
      expect(at.hub.asked('unsubscribe')).toHaveLength(1)
    })

    test('off: REST subscribe means all, later ones too', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      const other = await at.tab()
      await at.hub.hub.application.createChannel('chat', {}, false)
      await at.hub.hub.application.subscribeUser('chat', 'ann', false)
      const later = await at.tab()
      await settle()
      for (const page of [at.ann, other, later]) expect(told(page)).toEqual([0])
    })

    test('off: a channel entered by auto_subscribe of a reply is shared too', async () => {
      await using at = await start({ per_connection_subscriptions: false })
      const other = await at.tab()
      at.hub.answers.publish = { auto_subscribe: ['chat'] }
      await at.ann.ask('PUBLISH', { channel_name: 'lobby', payload: 1 })
      await settle()
      const later = await at.tab()
      await settle()
      for (const page of [at.ann, other, later]) expect(told(page)).toEqual([0])
    })
  })

  test('on: REST subscribe acts on all connections of the moment, not on later ones', async () => {
    await using at = await start({ per_connection_subscriptions: true })
    const other = await at.tab()
    await at.hub.hub.application.createChannel('chat', {}, false)
    await at.hub.hub.application.subscribeUser('chat', 'ann', false)
    const later = await at.tab()
    await settle()
    expect([at.ann, other, later].map(told)).toEqual([[0], [0], []])
  })

  test.each([
    [true, [0, 0, 0], 1],
    [false, [0, 1, 1], 0],
  ])(
    'global_unsubscriptions %s: after one connection’s leaving the others get %j publishes',
    async (global, publishes, asked) => {
      await using at = await start({ global_unsubscriptions: global })
      const pages = [await at.enter(), await at.enter(await at.tab()), await at.enter(await at.tab())]
      const bob = await at.hub.page('bob')
      await at.ann.ask('UNSUBSCRIBE', chat)
      await settle()
      expect(at.hub.asked('unsubscribe')).toHaveLength(asked)
      expect((await at.hub.hub.application.userInfo('ann')).channels).toEqual(global ? [] : ['chat'])
      await bob.ask('PUBLISH', { ...chat, payload: 1 })
      expect(pages.map((page) => page.all('PUBLISH').length)).toEqual(publishes)
      const told = pages.slice(1).map((page) => page.all('UNSUBSCRIBED').length)
      expect(told).toEqual(global ? [1, 1] : [0, 0])
    },
  )

  test('global_unsubscriptions: a subscription is its connection’s own all the same', async () => {
    await using at = await start({ global_unsubscriptions: true })
    const other = await at.tab()
    await at.enter()
    const later = await at.tab()
    await settle()
    for (const page of [other, later]) expect(told(page)).toEqual([])
  })

  test('global_unsubscriptions: one connection’s line breaking off ends nothing of the others', async () => {
    await using at = await start({ global_unsubscriptions: true })
    const other = await at.enter(await at.tab())
    await at.enter()
    at.ann.cut(1000)
    await settle()
    await other.ask('PUBLISH', { ...chat, payload: 1 })
    expect(other.all('PUBLISH')).toHaveLength(1)
  })

  test('auto_subscribe: a connection of the user joins these on connecting, without asking subscribe', async () => {
    await using at = await start({ auto_subscribe: ['chat', 'news'] })
    const tab = await at.tab()
    await settle()
    const names = tab.all('SUBSCRIBED').map(({ channel_name }) => channel_name)
    expect(names.toSorted()).toEqual(['chat', 'news'])
    expect(told(tab)).toEqual([0])
    expect(at.hub.asked('create_channel')).toHaveLength(2)
    expect(at.hub.asked('subscribe')).toEqual([])
    expect(await at.subscribers()).toEqual(['ann'])
  })

  test('auto_subscribe []: none', async () => {
    await using at = await start({ auto_subscribe: [] })
    const tab = await at.tab()
    await settle()
    expect(tab.all('SUBSCRIBED')).toEqual([])
  })
})

test('the reply to connect counts before the defaults of all users', async () => {
  await using hub = new TestHub(
    { connect: { name: 'ann', reflective: true } },
    { userDefaults: readUserOptions({ reflective: false, moderated_message: false }) },
  )
  await hub.page('ann')
  expect((await hub.hub.application.userInfo('ann')).options).toEqual({ ...defaults, moderated_message: false })
})

test('set_user_options counts before the reply to connect, and leaves what it does not name', async () => {
  await using hub = new TestHub({ connect: { name: 'ann', reflective: false, moderated_message: false } })
  await hub.page('ann')
  await hub.hub.application.setUserOptions('ann', { reflective: true })
  expect((await hub.hub.application.userInfo('ann')).options).toEqual({ ...defaults, moderated_message: false })
})

test('per_connection_subscriptions switched off shares what each connection has', async () => {
  await using hub = new TestHub({})
  const [one, two] = [await hub.page('ann'), await hub.page('ann')]
  await one.ask('SUBSCRIBE', chat)
  await two.ask('SUBSCRIBE', { channel_name: 'news' })
  await hub.hub.application.setUserOptions('ann', { per_connection_subscriptions: false })
  await settle()
  expect(told(two)).toEqual([0])
  expect(one.all('SUBSCRIBED').map(({ channel_name }) => channel_name)).toEqual(['chat', 'news'])
})

describe('over HTTP', () => {
  test('set_user_options takes a form, and get_user_info shows it', async () => {
    await using hub = await RunningHub.start()
    await hub.page('ann')
    const form = { user_name: 'ann', reflective: 'false', auto_subscribe: '["chat"]', global_unsubscriptions: '1' }
    expect(await hub.rest('set_user_options', form)).toEqual({ status: 200, ok: true, details: {} })
    expect((await hub.rest('get_user_info', { user_name: 'ann' })).details.options).toEqual({
      ...defaults,
      reflective: false,
      auto_subscribe: ['chat'],
      global_unsubscriptions: true,
    })
  })

  test('set_user_options of a user who is not connected is 404', async () => {
    await using hub = await RunningHub.start()
    expect(await hub.rest('set_user_options', { user_name: 'eve', reflective: 'false' })).toMatchObject({
      status: 404,
      ok: false,
    })
  })

  test('the configuration gives all users what the original did by default', async () => {
    await using hub = await RunningHub.start({}, { userDefaults: { per_connection_subscriptions: false } })
    const [one, two] = [await hub.page('ann'), await hub.page('ann')]
    await one.ask('SUBSCRIBE', chat)
    expect(await two.next('SUBSCRIBED')).toMatchObject({ id: 0, args: chat })
    await two.ask('UNSUBSCRIBE', chat)
    expect((await one.next('UNSUBSCRIBED')).args).toMatchObject(chat)
  })
})

const wrong: [name: string, value: unknown][] = [
  ...['reflective', 'moderated_message', 'per_connection_subscriptions', 'global_unsubscriptions'].flatMap((name) =>
    ['false', 2, null, {}].map((value): [name: string, value: unknown] => [name, value]),
  ),
  ['auto_subscribe', 'chat'],
  ['auto_subscribe', [7]],
  ['auto_subscribe', ['']],
  ['auto_subscribe', { 0: 'chat' }],
]

describe.each(wrong)('%s: %j is refused by its name', (name, value) => {
  const message = new RegExp(`${name}\\b.*expected`)

  test('by set_user_options, and nothing is changed', async () => {
    await using hub = new TestHub({})
    await hub.page('ann')
    const given = { moderated_message: false, reflective: false, [name]: value }
    await expect(hub.hub.application.setUserOptions('ann', given)).rejects.toThrow(message)
    expect((await hub.hub.application.userInfo('ann')).options).toEqual(defaults)
  })

  test('in the reply to connect, as a fault whose text is for the log', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', [name]: value } })
    const ann = hub.stranger()
    await expect(ann.ask('CONNECT', {})).rejects.toMatchObject({ code: 'webhook_failed', temporary: true })
    expect(ann.end).toMatchObject({ code: 4502 })
    expect((await hub.hub.application.info()).users).toEqual([])
    const errors = hub.logged.filter(({ level }) => level === 'error')
    expect(errors.map(({ fields }) => Object.values(fields).join(' '))).toEqual([expect.stringMatching(message)])
  })

  test('in the configuration', () => {
    expect(() => createHookbox({ userDefaults: { [name]: value } })).toThrow(message)
  })
})

test('a name that no option has is refused by set_user_options and passed over in the reply to connect', async () => {
  await using hub = new TestHub({ connect: { name: 'ann', reflexive: false } })
  await hub.page('ann')
  await expect(hub.hub.application.setUserOptions('ann', { reflexive: false })).rejects.toThrow(
    /^reflexive\b.*expected/,
  )
  expect((await hub.hub.application.userInfo('ann')).options).toEqual(defaults)
})

test('an unknown name in the defaults of all users stops the start by name', () => {
  expect(() => createHookbox({ cbhost: 'app', userDefaults: { reflectiv: true } })).toThrow(
    'user_defaults.reflectiv: unknown user option; expected one of reflective',
  )
})
