import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse, TestHub } from '../kit/hub.ts'

const room = { presenceful: true, history_size: 10 }

async function annAndBob(hub: TestHub) {
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
  return { ann, bob }
}

describe('unsubscribing', () => {
  test('asks the application, answers, and is announced to the others', async () => {
    await using hub = new TestHub({ create_channel: room })
    const { ann, bob } = await annAndBob(hub)
    expect(await bob.ask('UNSUBSCRIBE', { channel_name: 'chat' })).toEqual({})
    expect(hub.asked('unsubscribe')).toMatchObject([{ fields: { channel_name: 'chat', user: 'bob' } }])
    expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ channel_name: 'chat', user: 'bob', offset: 3 }])
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual(['ann'])
    expect(hub.asked('destroy_channel')).toEqual([])
  })

  test('a refusal keeps the user subscribed', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: refuse('pay first') })
    const { ann, bob } = await annAndBob(hub)
    await expect(bob.ask('UNSUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({
      code: 'refused',
      message: 'pay first',
    })
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    expect(bob.all('PUBLISH')).toHaveLength(1)
  })

  test('a fault keeps the user subscribed, for the time being', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: new Error('down') })
    const { bob } = await annAndBob(hub)
    await expect(bob.ask('UNSUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({ code: 'webhook_failed' })
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual(['ann', 'bob'])
  })

  test('one of two tabs leaves without a word to anybody', async () => {
    await using hub = new TestHub({ create_channel: room })
    const { ann, bob } = await annAndBob(hub)
    const tab = await hub.page('bob')
    await tab.ask('SUBSCRIBE', { channel_name: 'chat' })
    await bob.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('unsubscribe')).toEqual([])
    expect(ann.all('UNSUBSCRIBE')).toEqual([])
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    expect(bob.all('PUBLISH')).toEqual([])
    expect(tab.all('PUBLISH')).toHaveLength(1)
  })

  test('from a channel that one is not in is a mistake', async () => {
    await using hub = new TestHub({ create_channel: room })
    const ann = await hub.page('ann')
    await expect(ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })).rejects.toMatchObject({ code: 'not_subscribed' })
  })

  test('the last one to leave lets the application say whether the channel goes', async () => {
    await using hub = new TestHub({ create_channel: room, destroy_channel: refuse() })
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    await ann.ask('PUBLISH', { channel_name: 'chat', payload: 'kept' })
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('destroy_channel')).toHaveLength(1)
    expect((await hub.hub.application.info()).channels).toEqual(['chat'])
    const again = await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    expect(JSON.stringify(again.history)).toContain('kept')
    hub.answers.destroy_channel = {}
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    await settle()
    expect(hub.asked('destroy_channel')).toHaveLength(2)
    expect((await hub.hub.application.info()).channels).toEqual([])
  })

  test('a faulty destroy_channel keeps the channel and is repeated with the same id until there is an answer', async () => {
    await using hub = new TestHub({ create_channel: room, destroy_channel: new Error('down') })
    const ann = await hub.page('ann')
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    await ann.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    await hub.clock.advance(3_000)
    expect((await hub.hub.application.info()).channels).toEqual(['chat'])
    hub.answers.destroy_channel = {}
    await hub.clock.advance(60_000)
    expect((await hub.hub.application.info()).channels).toEqual([])
    expect(new Set(hub.asked('destroy_channel').map(({ id }) => id)).size).toBe(1)
  })
})

describe('a line that ends', () => {
  test('for good is a leave at once: announced, then unsubscribe, destroy_channel, disconnect', async () => {
    await using hub = new TestHub({ create_channel: room })
    const ann = hub.stranger('session=ann')
    await ann.ask('CONNECT', { payload: { name: 'ann' } })
    await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
    hub.calls.length = 0
    ann.cut(1000)
    await settle()
    expect(hub.calls.map(({ action, fields, cookies }) => [action, fields, cookies])).toEqual([
      ['unsubscribe', { channel_name: 'chat', user: 'ann' }, 'session=ann'],
      ['destroy_channel', { channel_name: 'chat' }, undefined],
      ['disconnect', { name: 'ann', channels: '["chat"]' }, 'session=ann'],
    ])
    expect(await hub.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
  })

  test('by breaking off still counts for the linger time, and then is a leave', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger: 15_000 })
    const { ann, bob } = await annAndBob(hub)
    bob.cut(1006)
    await hub.clock.advance(14_999)
    expect(ann.all('UNSUBSCRIBE')).toEqual([])
    await hub.clock.advance(1)
    expect(ann.all('UNSUBSCRIBE')).toMatchObject([{ user: 'bob' }])
    expect(hub.asked('unsubscribe')).toHaveLength(1)
    expect(hub.asked('disconnect')).toHaveLength(1)
  })

  test('whose user is back in time was never gone: no webhook, no presence frame', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger: 15_000 })
    const { ann, bob } = await annAndBob(hub)
    bob.cut(1006)
    await hub.clock.advance(5_000)
    const back = await hub.page('bob')
    await back.ask('SUBSCRIBE', { channel_name: 'chat' })
    await hub.clock.advance(60_000)
    expect(ann.all('UNSUBSCRIBE')).toEqual([])
    expect(ann.all('SUBSCRIBE')).toHaveLength(1)
    expect(hub.asked('subscribe')).toHaveLength(2)
    expect(hub.asked('unsubscribe')).toEqual([])
    expect(hub.asked('disconnect')).toEqual([])
  })

  test('the application says no to a leave that has happened: it has happened', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: refuse() })
    const { ann, bob } = await annAndBob(hub)
    bob.cut()
    await settle()
    expect(ann.all('UNSUBSCRIBE')).toHaveLength(1)
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toEqual(['ann'])
  })

  test('a leave that the application could not be told is repeated with the same id, and announced once', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: new Error('down') })
    const { ann, bob } = await annAndBob(hub)
    bob.cut()
    await hub.clock.advance(10_000)
    hub.answers.unsubscribe = {}
    await hub.clock.advance(60_000)
    expect(new Set(hub.asked('unsubscribe').map(({ id }) => id)).size).toBe(1)
    expect(hub.asked('unsubscribe').length).toBeGreaterThan(2)
    expect(ann.all('UNSUBSCRIBE')).toHaveLength(1)
  })

  test('a leave that is given up in the end is logged and counted', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: new Error('down') })
    const { bob } = await annAndBob(hub)
    bob.cut()
    await hub.clock.advance(700_000)
    expect(hub.hub.givenUp).toBe(1)
    expect(hub.logged.map(({ message }) => message)).toContain('webhook given up: the application did not hear of it')
  })

  test('coming back ends the repeats: one last unsubscribe, and only then subscribe', async () => {
    await using hub = new TestHub({ create_channel: room, unsubscribe: new Error('down') })
    const { bob } = await annAndBob(hub)
    bob.cut()
    await settle()
    hub.calls.length = 0
    const back = await hub.page('bob')
    await back.ask('SUBSCRIBE', { channel_name: 'chat' })
    await hub.clock.advance(700_000)
    expect(hub.calls.map(({ action }) => action).filter((action) => action !== 'disconnect')).toEqual([
      'connect',
      'unsubscribe',
      'subscribe',
    ])
  })

  test('a disconnect that waits for the application is dropped when the user comes back', async () => {
    await using hub = new TestHub({ disconnect: new Error('down') })
    const ann = await hub.page('ann')
    ann.cut()
    await settle()
    await hub.page('ann')
    await hub.clock.advance(700_000)
    expect(hub.asked('disconnect')).toHaveLength(1)
    expect(hub.logged.map(({ message }) => message)).toContain('webhook dropped: it is no longer wanted')
  })

  test('while the application is asked about it: the user was here for a moment only', async () => {
    let admit = (_details: unknown) => {}
    await using hub = new TestHub({ connect: () => new Promise((resolve) => (admit = resolve)) })
    const ann = hub.stranger()
    ann.say('CONNECT', {})
    await settle()
    ann.cut()
    admit({ name: 'ann' })
    await settle()
    expect(hub.asked('disconnect')).toMatchObject([{ fields: { name: 'ann' } }])
    expect((await hub.hub.application.info()).users).toEqual([])
  })
})
