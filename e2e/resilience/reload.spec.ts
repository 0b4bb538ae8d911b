import { openWirePage } from '@hookbox/testkit'
import { connectionIds, expect, startPlace, test } from './fixtures.ts'
import { until } from './tab.ts'

test('a reload, and a look at another page, are not seen by others: nobody leaves or joins, and the application is not asked', async ({
  openObserver,
  elsewhere,
}) => {
  await using place = await startPlace({ create_channel: [true, { presenceful: true, moderated: true }] })
  await using bob = await openWirePage(place.hub.wsUrl)
  await bob.connect({ payload: 'bob' })
  await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
  const ann = await openObserver(place)
  const id = await ann.run(() => conn.id ?? '')
  const turns = [ann.reload, ann.reload, () => ann.open(elsewhere).then(ann.back)]
  for (const turn of turns) {
    await turn()
    await until(ann, () => subs.chat?.status === 'subscribed')
    expect(await ann.run(() => subs.chat?.presence ?? [])).toEqual(['bob', 'ann'])
  }
  // told after whatever the reloads would have told
  await using carol = await openWirePage(place.hub.wsUrl)
  await carol.connect({ payload: 'carol' })
  await carol.ask('SUBSCRIBE', { channel_name: 'chat' })
  await bob.next('SUBSCRIBE', ({ user }) => user === 'carol')
  const comings = bob.frames.filter(({ name }) => name === 'SUBSCRIBE' || name === 'UNSUBSCRIBE')
  expect(comings.map(({ name, args }) => [name, 'user' in args && args.user])).toEqual([
    ['SUBSCRIBE', 'ann'],
    ['SUBSCRIBE', 'carol'],
  ])
  expect(place.app.calls('subscribe').map(({ fields }) => fields.user)).toEqual(['bob', 'ann', 'carol'])
  expect([...place.app.calls('unsubscribe'), ...place.app.calls('disconnect')]).toEqual([])
  expect(await ann.run(() => conn.id)).not.toBe(id)
})

test('a page that was left and does not come back has left, once', async ({ openObserver, elsewhere }) => {
  await using place = await startPlace({ create_channel: [true, { presenceful: true, moderated: true }] }, [
    '--linger',
    '1',
  ])
  await using bob = await openWirePage(place.hub.wsUrl)
  await bob.connect({ payload: 'bob' })
  await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
  const ann = await openObserver(place)
  await ann.open(elsewhere)
  await bob.next('UNSUBSCRIBE', ({ user }) => user === 'ann')
  await place.app.next('unsubscribe')
  const { fields } = await place.app.next('disconnect')
  expect(fields).toMatchObject({ name: 'ann', channels: '["chat"]' })
  await expect.poll(() => connectionIds(place)).toHaveLength(1)
  expect(place.app.calls('unsubscribe')).toHaveLength(1)
  expect(bob.frames.filter(({ name }) => name === 'UNSUBSCRIBE')).toHaveLength(1)
})
