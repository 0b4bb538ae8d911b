import { describe, expect, test } from 'vitest'
import { Durations } from '../../src/signals/durations.ts'
import { recoveryOf, Signals } from '../../src/signals/signals.ts'
import { Tally } from '../../src/signals/tally.ts'
import { refuse, TestHub } from '../kit/hub.ts'

/** Without what is zero. */
const counted = (tally: Tally) => Object.fromEntries([...tally.entries()].filter(([, count]) => count > 0))

const open = { create_channel: { moderated: false, presenceful: false, history_size: 5 } }

describe('what is counted', () => {
  test('an entry counts as often as it is handed to somebody, a publish once', async () => {
    await using hub = new TestHub(open)
    const pages = await Promise.all(['ann', 'bob', 'cyd'].map((name) => hub.page(name)))
    for (const page of pages) await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    const before = hub.signals.deliveries
    await pages[0]?.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm1' })
    await pages[0]?.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm1' })
    expect(hub.signals.deliveries - before).toBe(3)
    expect(counted(hub.signals.publishes)).toEqual({ published: 1, duplicate: 1 })
    expect(hub.hub.census()).toEqual({ users: 3, channels: 1, subscriptions: 3 })
  })

  test('a publish that comes to nothing counts by why', async () => {
    let answer: unknown = refuse('no')
    await using hub = new TestHub({ ...open, create_channel: {}, publish: () => answer })
    const page = await hub.page('ann')
    await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    const publish = () => page.ask('PUBLISH', { channel_name: 'chat', payload: 1 }).catch(() => {})
    await publish()
    answer = new Error('boom')
    await publish()
    answer = { only_to_sender: true }
    await publish()
    expect(counted(hub.signals.publishes)).toEqual({ refused: 1, webhook_failed: 1, only_to_sender: 1 })
    expect(counted(hub.signals.errors)).toEqual({ refused: 1, webhook_failed: 1 })
    const { outcomes, faults, durations, underWay } = hub.signals.webhook('publish')
    expect([counted(outcomes), counted(faults), durations.count, underWay]).toEqual([
      { allowed: 1, refused: 1, fault: 1 },
      { threw: 1 },
      3,
      0,
    ])
  })

  test('a wrong detail is a fault of its own kind', async () => {
    await using hub = new TestHub({ connect: { name: 7 } })
    const page = hub.stranger()
    await page.ask('CONNECT', { payload: null }).catch(() => {})
    expect(counted(hub.signals.webhook('connect').faults)).toEqual({ detail: 1 })
  })

  test('a webhook that is being asked counts as under way', async () => {
    let answer = (_details: object): void => {}
    await using hub = new TestHub({ connect: () => new Promise<object>((resolve) => (answer = resolve)) })
    hub.stranger().say('CONNECT', { payload: null })
    await hub.clock.settle()
    expect(hub.signals.webhook('connect').underWay).toBe(1)
    answer({ name: 'ann' })
    await hub.clock.settle()
    expect(hub.signals.webhook('connect').underWay).toBe(0)
  })

  test('a channel that is taken up again counts by whether anything is missing', async () => {
    await using hub = new TestHub(open)
    const page = await hub.page('ann')
    const { position } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    await page.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
    await page.ask('SUBSCRIBE', { channel_name: 'chat', since: 'other:1' })
    expect(counted(hub.signals.channelRecoveries)).toEqual({ recovered: 1, epoch: 1 })
  })

  test.each([
    [[], 'a', 'recovered'],
    [undefined, 'a', 'expired'],
    [undefined, 'b', 'epoch'],
  ])('what is missing is %j, in epoch %s: %s', (missed, epoch, result) => {
    expect(recoveryOf(missed, { epoch }, { epoch: 'a' })).toBe(result)
  })

  test('private messages and their recoveries', async () => {
    await using hub = new TestHub({ message: {} })
    const [ann] = [await hub.page('ann'), await hub.page('bob')]
    await ann.ask('MESSAGE', { name: 'bob', payload: 1 })
    const { messages: position } = (await ann.answer(1)) as { messages: { position: string } }
    await hub.stranger().ask('CONNECT', { payload: { name: 'ann' }, messages_since: position.position })
    expect([hub.signals.messages, counted(hub.signals.messageRecoveries)]).toEqual([1, { recovered: 1 }])
  })

  test('lines that end count by their code, once, and by `other` where the page made it up', async () => {
    await using hub = new TestHub(open)
    for (const code of [1000, 4508, 4508, 3999, 4999]) (await hub.page('ann')).cut(code)
    expect(counted(hub.signals.closed)).toEqual({ 1000: 1, 4508: 2, other: 2 })
  })
})

test('a REST method counts by what came of it', () => {
  const signals = new Signals()
  for (const code of ['ok', 'unauthorized', 'ok']) signals.restCalled('publish', code)
  expect([...signals.rest].map(([method, codes]) => [method, counted(codes)])).toEqual([
    ['publish', { ok: 2, unauthorized: 1 }],
  ])
})

test('words that are known are there from the start', () => {
  expect([...new Tally(['a', 'b']).entries()]).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  expect([...new Signals(['connect']).webhook('connect').outcomes.entries()]).toEqual([
    ['allowed', 0],
    ['refused', 0],
    ['fault', 0],
  ])
})

test('durations are counted by bounds, each with all that is shorter', () => {
  const durations = new Durations([0.1, 1])
  for (const seconds of [0.05, 0.1, 0.5, 7]) durations.add(seconds)
  expect([durations.cumulated, durations.count, durations.sum]).toEqual([[2, 3], 4, 7.65])
})
