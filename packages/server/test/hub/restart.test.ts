import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { refuse, TestHub } from '../kit/hub.ts'

const room = { presenceful: true, history_size: 10, state: { open: true } }
const linger = 15_000

/** Ann, back on a new line with what she showed before. */
async function back(hub: TestHub, ticket: unknown, more: { [field: string]: unknown } = {}) {
  const page = hub.stranger('session=ann')
  return { page, connected: await page.ask('CONNECT', { payload: { name: 'ann' }, ticket, ...more }) }
}

async function annInChat(hub: TestHub) {
  const ann = hub.stranger('session=ann')
  const { ticket, messages } = await ann.ask('CONNECT', { payload: { name: 'ann' } })
  const { position } = await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  return { ann, ticket, position, messages: (messages as { position: string }).position }
}

describe('a hub that goes on where another one was stopped', () => {
  test('takes pages back in as if nothing had been: recovered, without a webhook, and nobody has left', async () => {
    await using before = new TestHub({ create_channel: room }, { linger })
    const { ann, ticket, position } = await annInChat(before)
    const bob = await before.page('bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    await bob.ask('PUBLISH', { channel_name: 'chat', payload: 'before' })
    await before.hub.application.setUserOptions('ann', { reflective: false })
    await using hub = await before.restart(60_000)
    expect(await hub.hub.application.info()).toEqual({ channels: ['chat'], connections: [], users: ['ann', 'bob'] })
    await hub.hub.application.publish('chat', { payload: '"after"', originator: null, messageId: undefined } as never)
    const { page } = await back(hub, ticket)
    const answer = await page.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
    expect(answer).toMatchObject({ recovered: true, missed: 3 })
    expect(page.all('PUBLISH').map(({ payload }) => payload)).toEqual(['before', 'after'])
    expect(page.all('SUBSCRIBE')).toMatchObject([{ user: 'bob' }])
    expect((await hub.hub.application.userInfo('ann')).options).toMatchObject({ reflective: false })
    expect(hub.calls).toEqual([])
    expect(ann.end?.code).toBe(4503)
  })

  test('counts the linger time from its start, and then tells who has not come back', async () => {
    await using before = new TestHub({ create_channel: room }, { linger })
    await annInChat(before)
    await using hub = await before.restart(3_600_000)
    const bob = await hub.page('bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    await hub.clock.advance(linger - 1)
    expect(bob.all('UNSUBSCRIBE')).toEqual([])
    hub.calls.length = 0
    await hub.clock.advance(1)
    expect(bob.all('UNSUBSCRIBE')).toMatchObject([{ user: 'ann' }])
    expect(hub.calls).toMatchObject([
      { action: 'unsubscribe', cookies: 'session=ann', fields: { user: 'ann' } },
      { action: 'disconnect', cookies: 'session=ann', fields: { name: 'ann', channels: '["chat"]' } },
    ])
  })

  test('keeps history, state, options and message ids', async () => {
    await using before = new TestHub({ create_channel: room }, { linger })
    const { ann, ticket } = await annInChat(before)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
    await ann.ask('MESSAGE', { name: 'ann', payload: 1, message_id: 'm' })
    await before.hub.application.setStateKey('chat', 'door', '"shut"' as never)
    await using hub = await before.restart()
    const { options } = await hub.hub.application.channelInfo('chat')
    expect(options).toMatchObject({ presenceful: true, history_size: 10, state: { open: true, door: 'shut' } })
    const { page } = await back(hub, ticket)
    const { history } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(history).toMatchObject([
      ['SUBSCRIBE', { user: 'ann', offset: 1 }],
      ['PUBLISH', { payload: 1, offset: 2 }],
    ])
    expect(await page.ask('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })).toMatchObject({
      duplicate: true,
    })
    expect(await page.ask('MESSAGE', { name: 'ann', payload: 1, message_id: 'm' })).toEqual({ duplicate: true })
    await page.ask('PUBLISH', { channel_name: 'chat', payload: 2 })
    expect(page.all('PUBLISH')).toMatchObject([{ payload: 2, offset: 4 }])
  })

  test('keeps what a page was for itself: repeats of a publish for its sender alone, message ids of a channel that is gone', async () => {
    await using before = new TestHub({ create_channel: room, publish: { only_to_sender: true } }, { linger })
    const { ann, ticket } = await annInChat(before)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'mine', message_id: 'm' })
    before.answers.publish = {}
    await ann.ask('PUBLISH', { channel_name: 'gone', payload: 1, message_id: 'm' })
    await before.hub.application.destroyChannel('gone', false)
    await using hub = await before.restart()
    const { page } = await back(hub, ticket)
    await page.ask('PUBLISH', { channel_name: 'chat', payload: 'mine', message_id: 'm' })
    expect(page.all('PUBLISH')).toMatchObject([{ payload: 'mine' }])
    expect(await page.ask('PUBLISH', { channel_name: 'gone', payload: 1, message_id: 'm' })).toMatchObject({
      duplicate: true,
    })
    expect(hub.asked('publish')).toEqual([])
  })

  test('keeps private messages', async () => {
    await using before = new TestHub({}, { linger })
    const { ticket, messages } = await annInChat(before)
    await before.hub.application.message('bob', 'ann', '1' as never)
    await using hub = await before.restart(1_000)
    await hub.hub.application.message('bob', 'ann', '2' as never)
    const { page, connected } = await back(hub, ticket, { messages_since: messages })
    expect(connected.messages).toMatchObject({ recovered: true, missed: 2 })
    expect(page.all('MESSAGE').map(({ payload }) => payload)).toEqual([1, 2])
  })

  test('restores what pages were given, and tells them what was taken from them', async () => {
    await using before = new TestHub(
      { connect: { name: 'ann', auto_subscribe: ['news', 'old'] }, create_channel: room },
      { linger },
    )
    const { ann, ticket } = await annInChat(before)
    const given = ann.all('SUBSCRIBED').filter(({ channel_name }) => channel_name !== 'chat')
    const since = Object.fromEntries(given.map(({ channel_name, position }) => [channel_name, position]))
    ann.cut()
    await before.hub.application.unsubscribeUser('old', 'ann', false)
    await using hub = await before.restart()
    const { page } = await back(hub, ticket, { since })
    expect(page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news', recovered: true, missed: 0 }])
    expect(page.all('UNSUBSCRIBED')).toEqual([{ channel_name: 'old', reason: 'removed' }])
  })

  test('goes on telling what the application had not heard, under the same ids', async () => {
    const down = new Error('down')
    await using before = new TestHub({ create_channel: room, unsubscribe: down, disconnect: down }, { linger: 0 })
    const { ann } = await annInChat(before)
    ann.cut(1000)
    await before.clock.advance(3_000)
    before.answers.unsubscribe = {}
    before.answers.disconnect = {}
    await using hub = await before.restart()
    await hub.clock.advance(120_000)
    for (const action of ['unsubscribe', 'disconnect'] as const) {
      const ids = (which: TestHub) => [...new Set(which.asked(action).map(({ id }) => id))]
      expect(ids(hub)).toEqual(ids(before))
      expect(hub.asked(action)).toMatchObject([{ cookies: 'session=ann' }])
    }
    expect(await hub.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
  })

  test.each([
    ['while it is being told for the first time', 0],
    ['between two tries', 3_000],
  ])('does not wait for an application that answers late: a leave goes on being told, %s', async (_, wait) => {
    const never = () => new Promise(() => {})
    await using before = new TestHub(
      { create_channel: room, unsubscribe: wait ? new Error('down') : never },
      { linger },
    )
    const { ann } = await annInChat(before)
    ann.cut(1000)
    await before.clock.advance(wait)
    await before.stop()
    before.answers.unsubscribe = never
    await using hub = new TestHub(
      before.answers,
      before.settings,
      before.clock,
      createMemoryBroker(before.clock),
      false,
    )
    let started = false
    hub.takeUp(before).then(() => {
      started = true
    })
    await settle()
    expect(started).toBe(true)
    // Should this one be gone as well, the next one knows of it.
    await hub.stop()
    await using last = new TestHub(
      { create_channel: room },
      { linger },
      before.clock,
      createMemoryBroker(before.clock),
      false,
    )
    await last.takeUp(hub)
    await settle()
    expect(last.asked('unsubscribe').map(({ id }) => id)).toEqual([before.asked('unsubscribe')[0]?.id])
    const due = [...last.broker.save()].flatMap((piece) => (piece.kind === 'node' ? piece.notes : []))
    expect(due.filter(([key]) => key.includes('leave'))).toEqual([])
  })

  test('does not offer a channel again that the application wants to keep', async () => {
    await using before = new TestHub({ create_channel: room, destroy_channel: refuse() }, { linger })
    const { ann } = await annInChat(before)
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    await settle()
    expect(before.asked('destroy_channel')).toHaveLength(1)
    await using hub = await before.restart()
    await hub.clock.advance(600_000)
    expect(hub.asked('destroy_channel')).toEqual([])
    expect((await hub.hub.application.info()).channels).toEqual(['chat'])
  })

  test('offers a channel again that the application was just being asked about', async () => {
    await using before = new TestHub({ create_channel: room, destroy_channel: new Error('down') }, { linger })
    const { ann } = await annInChat(before)
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    await settle()
    await using hub = await before.restart()
    hub.answers.destroy_channel = {}
    await hub.clock.advance(60_000)
    expect((await hub.hub.application.info()).channels).toEqual([])
  })

  test('does not give back what was told longer ago than the recovery window', async () => {
    await using before = new TestHub({ create_channel: room }, { linger })
    const { ann, ticket, position } = await annInChat(before)
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    await using hub = await before.restart(300_000)
    const { page } = await back(hub, ticket)
    expect(await page.ask('SUBSCRIBE', { channel_name: 'chat', since: position })).toMatchObject({ recovered: false })
  })
})
