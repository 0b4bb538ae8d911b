import { deferred } from '@hookbox/testkit'
import { expect, startPlace, test } from './fixtures.ts'
import { payloads, toldOf } from './observer.ts'
import { until } from './tab.ts'

test('a component that is mounted twice is one subscription, told once', async ({ openObserver }) => {
  await using place = await startPlace({ create_channel: [true, { moderated: true, presenceful: true }] })
  const tab = await openObserver(place, { channels: [] })
  await tab.run(() => conn.ready)
  await tab.run(() => {
    watch('chat').cancel()
    watch('chat')
  })
  await until(tab, () => subs.chat?.status === 'subscribed')
  await place.publish('chat', 'hello')
  await until(tab, () => told.some(([, , payload]) => payload === 'hello'))
  expect(await payloads(tab, 'chat')).toEqual(['hello'])
  const frames = await tab.run(() => sent.flatMap((message) => message.split('\n')))
  expect(frames.filter((frame) => /"(UN)?SUBSCRIBE"/.test(frame))).toHaveLength(1)
  expect(place.app.calls('subscribe')).toHaveLength(1)
  expect(place.app.calls('unsubscribe')).toEqual([])
  expect(await toldOf(tab, 'gap', 'error')).toEqual([])
  await tab.run(() => subs.chat?.cancel())
  await place.app.next('unsubscribe')
  expect(await place.rest('get_user_info', { user_name: 'ann' })).toMatchObject({ channels: [] })
})

test('a component that is mounted again while the hub still asks has one subscription in the end', async ({
  openObserver,
}) => {
  const answer = deferred<void>()
  await using place = await startPlace({
    create_channel: [true, { moderated: true, presenceful: true }],
    async subscribe() {
      await answer.promise
      return [true, {}]
    },
  })
  const tab = await openObserver(place, { channels: [] })
  await tab.run(() => conn.ready)
  await tab.run(() => void watch('chat'))
  await place.app.next('subscribe')
  await tab.run(() => void subs.chat?.cancel())
  await tab.run(() => void watch('chat'))
  answer.resolve()
  await until(tab, () => subs.chat?.status === 'subscribed')
  await place.publish('chat', 'hello')
  await until(tab, () => told.some(([, , payload]) => payload === 'hello'))
  expect(await payloads(tab, 'chat')).toEqual(['hello'])
  expect(await tab.run(() => subs.chat?.presence ?? [])).toEqual(['ann'])
  expect(await place.rest('get_channel_info', { channel_name: 'chat' })).toMatchObject({ subscribers: ['ann'] })
  expect(await toldOf(tab, 'subscribed')).toHaveLength(1)
})

test('a line that is cut between two mounts makes no second subscription', async ({ openObserver }) => {
  await using place = await startPlace({ create_channel: [true, { moderated: true, presenceful: true }] })
  const tab = await openObserver(place)
  await tab.run(() => void subs.chat?.cancel())
  place.proxy.cut()
  await until(tab, () => told.some(([name]) => name === 'close'))
  await tab.run(() => {
    watch('chat').cancel()
    watch('chat')
  })
  await until(tab, () => subs.chat?.status === 'subscribed')
  await place.publish('chat', 'hello')
  await until(tab, () => told.some(([, , payload]) => payload === 'hello'))
  expect(await payloads(tab, 'chat')).toEqual(['hello'])
  expect(await tab.run(() => subs.chat?.presence ?? [])).toEqual(['ann'])
})
