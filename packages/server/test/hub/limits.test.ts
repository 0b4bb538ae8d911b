import { describe, expect, test } from 'vitest'
import { TestHub } from '../kit/hub.ts'

describe('a state', () => {
  const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, 1]))

  test.each([
    ['1,000 keys', keys(1_000)],
    ['nearly 64 KiB', { text: 'x'.repeat(65_400) }],
  ])('of %s is taken', async (_name, state) => {
    await using hub = new TestHub({})
    await hub.hub.application.createChannel('chat', { state }, false)
    expect((await hub.hub.application.channelInfo('chat')).options.state).toEqual(state)
  })

  test.each([
    ['1,001 keys', keys(1_001)],
    ['more than 64 KiB', { text: 'x'.repeat(65_536) }],
    ['more than 64 KiB of UTF-8', { text: 'ä'.repeat(33_000) }],
  ])('of %s is refused by whatever way it comes, and nothing is changed', async (_name, state) => {
    await using hub = new TestHub({})
    await expect(hub.hub.application.createChannel('chat', { state }, false)).rejects.toMatchObject({
      code: 'too_large',
    })
    expect((await hub.hub.application.info()).channels).toEqual([])
    await hub.hub.application.createChannel('chat', { state: keys(999) }, false)
    const before = await hub.hub.application.channelInfo('chat')
    const change = { state, history_size: 5 }
    await expect(hub.hub.application.setChannelOptions('chat', change)).rejects.toMatchObject({ code: 'too_large' })
    const big = JSON.stringify('x'.repeat(65_500)) as never
    await expect(hub.hub.application.setStateKey('chat', 'big', big)).rejects.toMatchObject({ code: 'too_large' })
    expect(await hub.hub.application.channelInfo('chat')).toEqual(before)
    await hub.hub.application.setStateKey('chat', 'last', '1' as never)
    await expect(hub.hub.application.setStateKey('chat', 'more', '1' as never)).rejects.toMatchObject({
      code: 'too_large',
    })
  })
})

test('a history_size of 10,000 is taken, and one more refused', async () => {
  await using hub = new TestHub({})
  await hub.hub.application.createChannel('chat', { history_size: 10_000 }, false)
  await expect(hub.hub.application.setChannelOptions('chat', { history_size: 10_001 })).rejects.toThrow(
    'history_size: expected',
  )
})

test('a private message whose frame would be beyond 64 KiB is refused', async () => {
  await using hub = new TestHub({ message: { override_payload: 'x'.repeat(65_500) } })
  const ann = await hub.page('ann')
  await expect(ann.ask('MESSAGE', { name: 'bob', payload: 1 })).rejects.toMatchObject({ code: 'too_large' })
})

test('initial_data beyond 256 KiB is a fault of the application', async () => {
  await using hub = new TestHub({ subscribe: { initial_data: 'x'.repeat(262_144) } })
  const ann = await hub.page('ann')
  await expect(ann.ask('SUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({ code: 'webhook_failed' })
})

test('what a page sends before CONNECTED is bounded in its length', async () => {
  await using hub = new TestHub({ connect: () => new Promise(() => {}) })
  const page = hub.stranger()
  page.say('CONNECT', {})
  const payload = 'x'.repeat(60_000)
  const ids = Array.from({ length: 36 }, () => page.say('PUBLISH', { channel_name: 'chat', payload }))
  await expect(page.answer(ids[35] ?? 0)).rejects.toMatchObject({ code: 'too_many' })
  expect(page.frames.filter(({ name }) => name === 'ERROR')).toHaveLength(2)
})
