import { settle } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { refuse, TestHub } from '../kit/hub.ts'

const datetime = '2026-11-23T16:34:05.120Z'

test('a private message asks the application and reaches all tabs of its recipient, with a copy for its sender', async () => {
  await using hub = new TestHub({})
  const ann = await hub.page('ann')
  const tabs = [await hub.page('bob'), await hub.page('bob')]
  const cid = await hub.page('cid')
  await ann.ask('MESSAGE', { name: 'bob', payload: { text: 'psst' } })
  const message = { sender: 'ann', recipient: 'bob', payload: { text: 'psst' }, datetime, offset: 1 }
  for (const page of [...tabs, ann]) expect(page.all('MESSAGE')).toEqual([message])
  expect(cid.all('MESSAGE')).toEqual([])
  expect(hub.asked('message')[0]?.fields).toEqual({
    sender: 'ann',
    recipient: 'bob',
    recipient_exists: 'true',
    payload: { text: 'psst' },
  })
})

test('a private message that the application refuses reaches nobody', async () => {
  await using hub = new TestHub({ message: refuse('blocked') })
  const ann = await hub.page('ann')
  const bob = await hub.page('bob')
  await expect(ann.ask('MESSAGE', { name: 'bob', payload: 1 })).rejects.toThrow('blocked')
  expect(bob.all('MESSAGE')).toEqual([])
})

test('a private message is sent to whom and as the application says', async () => {
  await using hub = new TestHub({ message: { override_recipient_name: 'cid', override_payload: 'rewritten' } })
  const ann = await hub.page('ann')
  const cid = await hub.page('cid')
  await ann.ask('MESSAGE', { name: 'nobody', payload: 1 })
  expect(hub.asked('message')[0]?.fields.recipient_exists).toBe('false')
  expect(cid.all('MESSAGE')).toMatchObject([{ recipient: 'cid', payload: 'rewritten' }])
})

test('a private message that is sent again with its id arrives once, also while the first is being decided', async () => {
  let decide = (_details: unknown) => {}
  await using hub = new TestHub({ message: () => new Promise((resolve) => (decide = resolve)) })
  const ann = await hub.page('ann')
  const again = await hub.page('ann')
  const bob = await hub.page('bob')
  const message = { name: 'bob', payload: 1, message_id: 'm' }
  const first = ann.say('MESSAGE', message)
  await settle()
  const second = again.say('MESSAGE', message)
  await settle()
  decide({})
  expect(await ann.answer(first)).toEqual({})
  expect(await again.answer(second)).toEqual({ duplicate: true })
  expect(await ann.ask('MESSAGE', message)).toEqual({ duplicate: true })
  expect(bob.all('MESSAGE')).toHaveLength(1)
  expect(hub.asked('message')).toHaveLength(1)
  await hub.clock.advance(300_000)
  const late = ann.say('MESSAGE', message)
  await settle()
  decide({})
  expect(await ann.answer(late)).toEqual({})
})

test('a refused private message is asked about anew when it is sent again', async () => {
  await using hub = new TestHub({ message: refuse() })
  const ann = await hub.page('ann')
  await expect(ann.ask('MESSAGE', { name: 'bob', payload: 1, message_id: 'm' })).rejects.toThrow()
  hub.answers.message = {}
  expect(await ann.ask('MESSAGE', { name: 'bob', payload: 1, message_id: 'm' })).toEqual({})
})

test('what was sent while the line was broken is sent when the page is back, in order and once', async () => {
  await using hub = new TestHub({}, { linger: 15_000 })
  const ann = await hub.page('ann')
  const bob = hub.stranger()
  const { messages } = await bob.ask('CONNECT', { payload: { name: 'bob' } })
  const { position } = messages as { position: string }
  await ann.ask('MESSAGE', { name: 'bob', payload: 1 })
  bob.cut()
  for (const payload of [2, 3]) await ann.ask('MESSAGE', { name: 'bob', payload })
  const back = hub.stranger()
  const answer = await back.ask('CONNECT', { payload: { name: 'bob' }, messages_since: position.replace(/0$/, '1') })
  expect(answer.messages).toEqual({ position: position.replace(/0$/, '3'), recovered: true, missed: 2 })
  await ann.ask('MESSAGE', { name: 'bob', payload: 4 })
  expect(back.all('MESSAGE').map(({ payload, offset }) => [payload, offset])).toEqual([
    [2, 2],
    [3, 3],
    [4, 4],
  ])
})

test('private messages are kept for the recovery window after their user has left, and no longer', async () => {
  await using hub = new TestHub({})
  const ann = await hub.page('ann')
  const bob = hub.stranger()
  const { messages } = await bob.ask('CONNECT', { payload: { name: 'bob' } })
  const messages_since = (messages as { position: string }).position
  bob.cut(1000)
  await settle()
  await ann.ask('MESSAGE', { name: 'bob', payload: 'soon' })
  await hub.clock.advance(299_000)
  const soon = hub.stranger()
  expect((await soon.ask('CONNECT', { payload: { name: 'bob' }, messages_since })).messages).toMatchObject({
    recovered: true,
    missed: 1,
  })
  soon.cut(1000)
  await hub.clock.advance(301_000)
  const late = hub.stranger()
  expect((await late.ask('CONNECT', { payload: { name: 'bob' }, messages_since })).messages).toMatchObject({
    recovered: false,
  })
  expect(late.all('MESSAGE')).toEqual([])
})

test('a private message to somebody who was never here is kept by nobody', async () => {
  await using hub = new TestHub({})
  const ann = await hub.page('ann')
  await ann.ask('MESSAGE', { name: 'nobody', payload: 1 })
  const late = hub.stranger()
  const { messages } = await late.ask('CONNECT', { payload: { name: 'nobody' } })
  expect(messages).toEqual({ position: expect.stringMatching(/^[0-9a-f]{32}:0$/) })
})
