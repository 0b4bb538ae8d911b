import { settle, TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { refuse, TestHub } from '../kit/hub.ts'

const room = { moderated: false, history_size: 10, presenceful: true }

describe('subscribing', () => {
  test('answers with history, presence, state and options, the own join among them', async () => {
    await using hub = new TestHub({
      create_channel: { ...room, state: { topic: 'tea' }, history: [['PUBLISH', { user: 'eve', payload: 'old' }]] },
    })
    const ann = await hub.page('ann')
    const subscribed = await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const datetime = '2026-11-23T16:34:05.120Z'
    expect(subscribed).toEqual({
      channel_name: 'chat',
      position: expect.stringMatching(/^[0-9a-f]{32}:1$/),
      presenceful: true,
      reflective: true,
      history_size: 10,
      history_duration: 0,
      history_publish_only: false,
      history: [
        ['PUBLISH', { user: 'eve', payload: 'old' }],
        ['SUBSCRIBE', { offset: 1, user: 'ann', datetime }],
      ],
      state: { topic: 'tea' },
      presence: ['ann'],
    })
  })

  test('who is here is not looked up where nobody is told, and is where that changes meanwhile', async () => {
    const clock = new TestClock()
    const memory = createMemoryBroker(clock)
    const asked: unknown[] = []
    let arrive = (): void => {}
    const read: typeof memory.log.read = async (channel, keep, since, members) => {
      const snapshot = await memory.log.read(channel, keep, since, members)
      if (asked.push(members) === 2) await new Promise<void>((resolve) => (arrive = resolve))
      return snapshot
    }
    const broker = { ...memory, log: { ...memory.log, read } }
    await using hub = new TestHub({ create_channel: { moderated: false } }, {}, clock, broker)
    const [ann, bob] = [await hub.page('ann'), await hub.page('bob')]
    expect(await ann.ask('SUBSCRIBE', { channel_name: 'chat' })).toMatchObject({ presenceful: false, presence: [] })
    const entering = bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    await settle()
    await hub.hub.application.setChannelOptions('chat', { presenceful: true })
    arrive()
    expect(await entering).toMatchObject({ presenceful: true, presence: ['ann', 'bob'] })
    expect(asked.slice(0, 2)).toEqual([false, false])
  })

  test('a second tab of the same user is no new arrival: no webhook, no join', async () => {
    await using hub = new TestHub({ create_channel: { ...room, moderated: true } })
    const first = await hub.page('ann')
    await first.ask('SUBSCRIBE', { channel_name: 'chat' })
    const second = await hub.page('ann')
    await second.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('subscribe')).toHaveLength(1)
    expect(first.all('SUBSCRIBE')).toEqual([])
  })

  test('initial_data of the entry is handed to later tabs too', async () => {
    await using hub = new TestHub({ create_channel: { presenceful: true }, subscribe: { initial_data: { seat: 3 } } })
    const first = await hub.page('ann')
    const second = await hub.page('ann')
    expect((await first.ask('SUBSCRIBE', { channel_name: 'chat' })).initial_data).toEqual({ seat: 3 })
    expect((await second.ask('SUBSCRIBE', { channel_name: 'chat' })).initial_data).toEqual({ seat: 3 })
  })

  test('a refusal says why, leaves the user out, and is asked anew the next time', async () => {
    await using hub = new TestHub({ create_channel: {}, subscribe: refuse('members only') })
    const ann = await hub.page('ann')
    await expect(ann.ask('SUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({
      code: 'refused',
      message: 'members only',
      temporary: false,
    })
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual([])
    hub.answers.subscribe = {}
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual(['ann'])
  })

  test('a fault is temporary and leaves the user out', async () => {
    await using hub = new TestHub({ create_channel: {}, subscribe: new Error('down') })
    const ann = await hub.page('ann')
    await expect(ann.ask('SUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({
      code: 'webhook_failed',
      temporary: true,
    })
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual([])
  })

  test.each([
    ['moderated', {}, 1],
    ['not moderated', { moderated: false }, 0],
    ['moderated_subscribe alone', { moderated: false, moderated_subscribe: true }, 1],
  ])('the webhook is asked where the channel is %s', async (_name, options, calls) => {
    await using hub = new TestHub({ create_channel: options })
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('subscribe')).toHaveLength(calls)
  })

  test('what is published meanwhile arrives once, whenever the subscriber is admitted', async () => {
    await using hub = new TestHub({ create_channel: room })
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    for (let before = 0; before <= 6; before++) {
      const bob = await hub.page(`bob-${before}`)
      const payloads = Array.from({ length: 6 }, (_, i) => `${before}.${i}`)
      for (const payload of payloads.slice(0, before)) ann.say('PUBLISH', { channel_name: 'chat', payload })
      const id = bob.say('SUBSCRIBE', { channel_name: 'chat' })
      for (const payload of payloads.slice(before)) ann.say('PUBLISH', { channel_name: 'chat', payload })
      const subscribed = await bob.answer(id)
      await settle()
      const inHistory = (subscribed.history as [string, { payload?: string }][]).map(([, entry]) => entry.payload)
      const live = bob.all('PUBLISH').map(({ payload }) => payload)
      const seen = [...inHistory, ...live].filter((payload) => payloads.includes(payload as string))
      expect(seen).toEqual(payloads)
    }
  })

  test('resuming from a position brings the very frames that were missed and no snapshot', async () => {
    await using hub = new TestHub({ create_channel: { ...room, history_size: 0 } })
    const ann = await hub.page('ann')
    const bob = await hub.page('bob')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    const { position } = await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    bob.cut()
    await settle()
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'while away' })
    const back = await hub.page('bob')
    const resumed = await back.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
    expect(resumed).toMatchObject({ recovered: true, missed: 3 })
    expect(Object.keys(resumed)).not.toContain('history')
    expect(Object.keys(resumed)).not.toContain('presence')
    expect(back.frames.slice(-3).map(({ name }) => name)).toEqual(['UNSUBSCRIBE', 'PUBLISH', 'SUBSCRIBE'])
    expect(back.all('PUBLISH')).toEqual(ann.all('PUBLISH'))
  })

  test('resuming from a position of another life of the channel is a gap, with a whole snapshot', async () => {
    await using hub = new TestHub({ create_channel: room })
    const ann = await hub.page('ann')
    const resumed = await ann.ask('SUBSCRIBE', { channel_name: 'chat', since: 'other:3' })
    expect(resumed).toMatchObject({ recovered: false, presence: ['ann'], history: [expect.anything()] })
  })

  test('more than 128 channels are refused, however many were asked for at once', async () => {
    let allow = () => {}
    const held = new Promise<void>((resolve) => (allow = resolve))
    await using hub = new TestHub({
      create_channel: async () => {
        await held
        return { moderated: false }
      },
    })
    const ann = await hub.page('ann')
    const ids = Array.from({ length: 129 }, (_, i) => ann.say('SUBSCRIBE', { channel_name: `c${i}` }))
    allow()
    for (let i = 0; i < 20; i++) await settle()
    await expect(ann.answer(ids[128] as number)).rejects.toMatchObject({ code: 'too_many', temporary: false })
    expect(ann.all('SUBSCRIBED')).toHaveLength(128)
  })
})

describe('creating a channel', () => {
  test('is asked once however many arrive at the same moment', async () => {
    await using hub = new TestHub({ create_channel: room })
    const pages = await Promise.all(['ann', 'bob', 'cid'].map((name) => hub.page(name)))
    await Promise.all(pages.map((page) => page.ask('SUBSCRIBE', { channel_name: 'chat' })))
    expect(hub.asked('create_channel')).toHaveLength(1)
  })

  test('a refusal concerns only the one whose cookies were shown; the next one asks with its own', async () => {
    const answers = [refuse('not you'), {}]
    await using hub = new TestHub({ create_channel: () => answers.shift() })
    const pages = await Promise.all(['ann', 'bob', 'cid'].map((name) => hub.page(name)))
    const outcomes = await Promise.allSettled(pages.map((page) => page.ask('SUBSCRIBE', { channel_name: 'chat' })))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
    expect(outcomes[0]).toMatchObject({ reason: { code: 'refused', message: 'not you' } })
    expect(hub.asked('create_channel')).toHaveLength(2)
  })

  test('a fault is shared by all who wait, and asked anew by the next', async () => {
    await using hub = new TestHub({ create_channel: new Error('down') })
    const pages = await Promise.all(['ann', 'bob'].map((name) => hub.page(name)))
    const outcomes = await Promise.allSettled(pages.map((page) => page.ask('SUBSCRIBE', { channel_name: 'chat' })))
    expect(outcomes).toMatchObject([{ reason: { code: 'webhook_failed' } }, { reason: { code: 'webhook_failed' } }])
    expect(hub.asked('create_channel')).toHaveLength(1)
    hub.answers.create_channel = {}
    await pages[0]?.ask('SUBSCRIBE', { channel_name: 'chat' })
  })

  test.each([
    ['an unknown option', { histroy_size: 3 }, 'create_channel: histroy_size: unknown channel option'],
    ['an option of the wrong type', { history_size: 'many' }, 'create_channel: history_size: expected a whole number'],
    ['a wrong entry', { history: [['PUBLISH']] }, 'create_channel: history[0]: expected'],
    ['a wrong polling', { polling: { mode: 'simple' } }, 'create_channel: polling.url: expected'],
  ])(
    '%s in the reply is told by name to the page that asked, and makes no channel',
    async (_name, details, message) => {
      await using hub = new TestHub({ create_channel: details })
      const ann = await hub.page('ann')
      await expect(ann.ask('SUBSCRIBE', { channel_name: 'chat' })).rejects.toThrow(message)
      expect((await hub.hub.application.info()).channels).toEqual([])
      expect(hub.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    },
  )

  test('a channel that nobody enters is offered to destroy_channel after a minute', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const ann = await hub.page('ann')
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    await hub.clock.advance(59_999)
    expect(hub.asked('destroy_channel')).toEqual([])
    await hub.clock.advance(1)
    expect(hub.asked('destroy_channel')).toHaveLength(1)
    expect((await hub.hub.application.info()).channels).toEqual([])
  })

  test('a page waits for a destroy_channel under way, and the channel is made anew if it was destroyed', async () => {
    let destroyed = (_answer: unknown) => {}
    await using hub = new TestHub({
      create_channel: { ...room },
      destroy_channel: () => new Promise((resolve) => (destroyed = resolve)),
    })
    const ann = await hub.page('ann')
    const { position } = await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    const id = ann.say('SUBSCRIBE', { channel_name: 'chat' })
    await settle()
    expect(ann.frames.some((frame) => frame.id === id)).toBe(false)
    destroyed({})
    const anew = await ann.answer(id)
    expect(hub.asked('create_channel')).toHaveLength(2)
    expect(String(anew.position).split(':')[0]).not.toBe(String(position).split(':')[0])
  })
})
