import { settle } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { TestHub } from '../kit/hub.ts'

const watched = {
  moderated: false,
  server_presenceful: true,
  server_user_presence: ['bob', 'cid'],
  state: { topic: 'tea' },
}

test('the state tells of each listed user whether they are connected, as they come and go', async () => {
  await using hub = new TestHub({ create_channel: watched }, { linger: 15_000 })
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  expect((await ann.ask('SUBSCRIBE', { channel_name: 'chat' })).state).toEqual({ topic: 'tea', bob: true, cid: false })
  const cid = await hub.page('cid')
  const second = await hub.page('cid')
  await settle()
  expect(ann.all('STATE_UPDATE')).toMatchObject([{ updates: { cid: true }, deletes: [] }])
  cid.cut(1000)
  await settle()
  second.cut(1006)
  bob.cut(1000)
  await settle()
  expect(ann.all('STATE_UPDATE').slice(1)).toMatchObject([{ updates: { bob: false } }])
  await hub.clock.advance(15_000)
  expect(ann.all('STATE_UPDATE').slice(2)).toMatchObject([{ updates: { cid: false } }])
})

test('users who are listed no more are taken out of the state, also when it is switched off', async () => {
  await using hub = new TestHub({ create_channel: watched })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  await hub.hub.application.setChannelOptions('chat', { server_user_presence: ['cid', 'ann'] })
  await settle()
  expect((await hub.hub.application.channelInfo('chat')).options.state).toEqual({ topic: 'tea', cid: false, ann: true })
  await hub.hub.application.setChannelOptions('chat', { server_presenceful: false })
  await settle()
  expect((await hub.hub.application.channelInfo('chat')).options.state).toEqual({ topic: 'tea' })
  await hub.page('cid')
  await settle()
  expect((await hub.hub.application.channelInfo('chat')).options.state).toEqual({ topic: 'tea' })
})

test('a state that the application replaces keeps telling of them', async () => {
  await using hub = new TestHub({ create_channel: watched })
  const ann = await hub.page('ann')
  await ann.ask('SUBSCRIBE', { channel_name: 'chat' })
  await hub.hub.application.setChannelOptions('chat', { state: { topic: 'coffee' } })
  await settle()
  expect((await hub.hub.application.channelInfo('chat')).options.state).toEqual({
    topic: 'coffee',
    bob: false,
    cid: false,
  })
})
