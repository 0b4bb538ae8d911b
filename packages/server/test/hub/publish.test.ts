import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse, TestHub } from '../kit/hub.ts'

const room = { moderated: false, history_size: 10 }
const datetime = '2026-11-23T16:34:05.120Z'

async function room2(hub: TestHub) {
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
  return { ann, bob }
}

describe('a publish', () => {
  test('reaches every subscriber with its number, and its publisher gets the position', async () => {
    await using hub = new TestHub({ create_channel: room })
    const { ann, bob } = await room2(hub)
    const result = await ann.ask('PUBLISH', { channel_name: 'chat', payload: { text: 'hi' }, message_id: 'm1' })
    expect(result).toEqual({ position: expect.stringMatching(/^[0-9a-f]{32}:1$/) })
    const frame = { channel_name: 'chat', offset: 1, user: 'ann', payload: { text: 'hi' }, datetime, message_id: 'm1' }
    expect(bob.all('PUBLISH')).toEqual([frame])
    expect(ann.all('PUBLISH')).toEqual([frame])
  })

  test('is the same bytes for all subscribers, encoded once', async () => {
    await using hub = new TestHub({ create_channel: room })
    const { ann, bob } = await room2(hub)
    const sent: unknown[] = []
    for (const page of [ann, bob]) page.send = (frame) => void sent.push(frame)
    ann.say('PUBLISH', { channel_name: 'chat', payload: 1 })
    await settle()
    expect(sent[0]).toBe(sent[1])
  })

  test('is withheld from its own sender where the channel is not reflective, with POSITION in its place', async () => {
    await using hub = new TestHub({ create_channel: { ...room, reflective: false } })
    const { ann, bob } = await room2(hub)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    expect(ann.all('PUBLISH')).toEqual([])
    expect(ann.all('POSITION')).toEqual([{ channel_name: 'chat', offset: 1 }])
    expect(bob.all('PUBLISH')).toHaveLength(1)
  })

  test('carries no user in an anonymous channel, to the webhook neither', async () => {
    await using hub = new TestHub({ create_channel: { anonymous: true, history_size: 1 } })
    const { ann, bob } = await room2(hub)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    expect(bob.all('PUBLISH')).toEqual([{ channel_name: 'chat', offset: 1, payload: 1, datetime }])
    expect(hub.asked('publish')[0]?.fields).toEqual({ channel_name: 'chat', payload: 1 })
  })

  test('asks the application where the channel is moderated, with the cookies of the publisher', async () => {
    await using hub = new TestHub({ create_channel: {} })
    const ann = hub.stranger('session=abc')
    await ann.ask('CONNECT', { payload: { name: 'ann' } })
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: [1], message_id: 'm' })
    expect(hub.asked('publish')).toMatchObject([
      {
        fields: { channel_name: 'chat', payload: [1], originator: 'ann', message_id: 'm' },
        cookies: 'session=abc',
      },
    ])
  })

  test('that the application refuses says why and reaches nobody', async () => {
    await using hub = new TestHub({ create_channel: {}, publish: refuse('no swearing') })
    const { ann, bob } = await room2(hub)
    await expect(ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })).rejects.toMatchObject({
      code: 'refused',
      message: 'no swearing',
    })
    expect(bob.all('PUBLISH')).toEqual([])
    expect((await hub.hub.application.channelInfo('chat')).options.history).toEqual([])
  })

  test('that the application rewrites reaches everybody as rewritten', async () => {
    await using hub = new TestHub({ create_channel: {}, publish: { override_payload: { text: '***' } } })
    const { ann, bob } = await room2(hub)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: { text: 'damn' } })
    expect(bob.all('PUBLISH')[0]?.payload).toEqual({ text: '***' })
  })

  test('for its sender alone has no number, enters no history, and a repeat brings it again', async () => {
    await using hub = new TestHub({
      create_channel: { history_size: 5, reflective: false },
      publish: { only_to_sender: true },
    })
    const { ann, bob } = await room2(hub)
    expect(await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).toEqual({})
    expect(await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).toEqual({ duplicate: true })
    const frame = { channel_name: 'chat', user: 'ann', payload: 1, datetime, message_id: 'm' }
    expect(ann.all('PUBLISH')).toEqual([frame, frame])
    expect(bob.all('PUBLISH')).toEqual([])
    expect(hub.asked('publish')).toHaveLength(1)
    const { history } = (await hub.hub.application.channelInfo('chat')).options
    expect(history).toEqual([
      ['SUBSCRIBE', { user: 'ann', datetime }],
      ['SUBSCRIBE', { user: 'bob', datetime }],
    ])
  })

  test('lets the application move the user between channels, also when it refuses', async () => {
    await using hub = new TestHub({
      create_channel: {},
      publish: refuse('moved', { auto_subscribe: ['games'], auto_unsubscribe: ['chat'] }),
    })
    const { ann, bob } = await room2(hub)
    await expect(ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })).rejects.toThrow('moved')
    await settle()
    expect(ann.all('SUBSCRIBED').map(({ channel_name }) => channel_name)).toEqual(['chat', 'games'])
    expect(ann.all('UNSUBSCRIBED')).toEqual([{ channel_name: 'chat', reason: 'removed' }])
    expect(bob.all('UNSUBSCRIBED')).toEqual([])
    expect(hub.asked('subscribe').map(({ fields }) => fields.channel_name)).toEqual(['chat', 'chat'])
  })

  test("by a page that is not in the channel is the application's to allow", async () => {
    await using hub = new TestHub({ create_channel: room })
    const ann = await hub.page('ann')
    await expect(ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })).resolves.toMatchObject({})
  })

  test("keeps its place among the page's own, although each may wait for the application", async () => {
    const waiting: ((details: unknown) => void)[] = []
    await using hub = new TestHub({
      create_channel: {},
      publish: () => new Promise((resolve) => waiting.push(resolve)),
    })
    const { ann, bob } = await room2(hub)
    for (const payload of [1, 2, 3]) ann.say('PUBLISH', { channel_name: 'chat', payload })
    for (let i = 0; i < 3; i++) {
      await settle()
      expect(waiting).toHaveLength(1)
      waiting.shift()?.({})
    }
    await settle()
    expect(bob.all('PUBLISH').map(({ payload }) => payload)).toEqual([1, 2, 3])
  })

  test('beyond what one page may have waiting at one channel is refused for the time being', async () => {
    await using hub = new TestHub({ create_channel: {}, publish: () => new Promise(() => {}) })
    const ann = await hub.page('ann')
    const ids = Array.from({ length: 257 }, () => ann.say('PUBLISH', { channel_name: 'chat', payload: 1 }))
    await expect(ann.answer(ids[256] as number)).rejects.toMatchObject({ code: 'too_many', temporary: true })
    expect(ann.frames.filter(({ name }) => name === 'ERROR')).toHaveLength(1)
  })

  test('whose entry would be beyond 64 KiB is refused, by whatever way it came', async () => {
    await using hub = new TestHub({ create_channel: { moderated: false } })
    const { ann, bob } = await room2(hub)
    const payload = JSON.stringify('x'.repeat(65_500)) as never
    const publish = { payload, originator: null, messageId: undefined, sendHook: false }
    await expect(hub.hub.application.publish('chat', publish)).rejects.toMatchObject({ code: 'too_large' })
    await expect(ann.ask('PUBLISH', { channel_name: 'chat', payload: 'x'.repeat(65_480) })).rejects.toMatchObject({
      code: 'too_large',
    })
    expect(bob.all('PUBLISH')).toEqual([])
  })
})

describe('a publish that is sent again', () => {
  test('is answered with its first position, told to nobody, and not asked about', async () => {
    await using hub = new TestHub({ create_channel: { history_size: 5 } })
    const { ann, bob } = await room2(hub)
    const first = await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
    const again = await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
    expect(again).toEqual({ position: first.position, duplicate: true })
    expect(bob.all('PUBLISH')).toHaveLength(1)
    expect(hub.asked('publish')).toHaveLength(1)
  })

  test('from another connection while the first is still being decided waits for its outcome', async () => {
    let decide = (_details: unknown) => {}
    await using hub = new TestHub({ create_channel: {}, publish: () => new Promise((resolve) => (decide = resolve)) })
    const old = await hub.page('ann')
    const id = old.say('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
    await settle()
    const back = await hub.page('ann')
    const repeat = back.say('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
    await settle()
    decide({})
    const first = await old.answer(id)
    expect(await back.answer(repeat)).toEqual({ ...first, duplicate: true })
    expect(hub.asked('publish')).toHaveLength(1)
  })

  test('after a refusal is asked about anew', async () => {
    await using hub = new TestHub({ create_channel: {}, publish: refuse() })
    const ann = await hub.page('ann')
    await expect(ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).rejects.toThrow()
    hub.answers.publish = {}
    expect(await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).toEqual({
      position: expect.any(String),
    })
  })

  test('ids of different users and of REST never meet', async () => {
    await using hub = new TestHub({ create_channel: room })
    const { ann, bob } = await room2(hub)
    const publish = { channel_name: 'chat', payload: 1, message_id: 'm' }
    await ann.ask('PUBLISH', publish)
    expect(await bob.ask('PUBLISH', publish)).not.toHaveProperty('duplicate')
    const rest = { payload: '1' as never, originator: 'ann', messageId: 'm', sendHook: false }
    expect(await hub.hub.application.publish('chat', rest)).not.toHaveProperty('duplicate')
    expect(await hub.hub.application.publish('chat', rest)).toHaveProperty('duplicate', true)
  })

  test('counts as known where a prefilled history has its id', async () => {
    await using hub = new TestHub({
      create_channel: { ...room, history: [['PUBLISH', { user: 'ann', payload: 1, message_id: 'm' }]] },
    })
    const { ann, bob } = await room2(hub)
    expect(await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).toHaveProperty(
      'duplicate',
      true,
    )
    expect(bob.all('PUBLISH')).toEqual([])
  })
})
