import { deferred } from '@hookbox/testkit'
import { expect, startPlace, test } from './fixtures.ts'
import { payloads, toldOf } from './observer.ts'
import { until } from './tab.ts'

test('a hub that is killed and started again gets its pages back: each channel has one gap, each publish one end', async ({
  openObserver,
}) => {
  const reached = deferred<void>()
  const over = deferred<void>()
  let asked = 0
  await using place = await startPlace({
    create_channel: [true, { history_size: 10, moderated_publish: true }],
    async publish() {
      // what was published before the hub died waits for the application until then
      if (++asked === 3) reached.resolve()
      if (asked <= 3) await over.promise
      return [true, {}]
    },
  })
  const tab = await openObserver(place, { channels: ['chat', 'news'] })
  await place.publish('news', 'old news')
  await until(tab, () => told.some(([, , payload]) => payload === 'old news'))
  await tab.run(() => {
    send('chat', 'one')
    send('news', 'two')
    send('games', 'three')
  })
  await reached.promise
  await place.hub.kill('SIGKILL')
  over.resolve()
  await until(tab, () => told.some(([name]) => name === 'close'))
  await tab.run(() => send('chat', 'said while there was none'))
  expect(await tab.run(() => settled)).toEqual([])
  await place.hub.restart()
  await until(tab, () => settled.length >= 4)
  await until(tab, () => told.some(([, , payload]) => payload === 'said while there was none'))
  await place.publish('news', 'new news')
  await until(tab, () => told.some(([, , payload]) => payload === 'new news'))

  expect((await tab.run(() => settled)).sort()).toEqual([
    '"one" stored',
    '"said while there was none" stored',
    '"three" stored',
    '"two" stored',
  ])
  expect(await payloads(tab, 'chat')).toEqual(['one', 'said while there was none'])
  expect(await payloads(tab, 'news')).toEqual(['old news', 'two', 'new news'])
  for (const channel of ['chat', 'news']) {
    const about = (await toldOf(tab, 'subscribed', 'gap')).filter(([, of]) => of === channel)
    expect(about).toEqual([
      ['subscribed', channel, false, 0],
      ['gap', channel, 'epoch'],
      ['subscribed', channel, false, 0],
    ])
  }
  // each of them asked the new hub once, and none of them twice
  expect(place.app.calls('publish').map(({ fields }) => fields.payload)).toHaveLength(3 + 4)
  expect(await toldOf(tab, 'error')).toEqual([])
})

test('a page that meets a hub which dies again and again is there in the end', async ({ openObserver }) => {
  await using place = await startPlace({ create_channel: [true, { history_size: 10 }] })
  const tab = await openObserver(place)
  for (const round of [1, 2]) {
    await place.hub.restart()
    await until(
      tab,
      (count) => told.filter(([name]) => name === 'gap').length === count && subs.chat?.status === 'subscribed',
      round,
    )
    await tab.run((n) => send('chat', n), round)
    await until(tab, (count) => settled.length === count, round)
  }
  await until(tab, () => told.some(([, , payload]) => payload === 2))
  expect(await payloads(tab, 'chat')).toEqual([1, 2])
  expect(await tab.run(() => settled)).toEqual(['1 stored', '2 stored'])
  expect(await toldOf(tab, 'gap')).toHaveLength(2)
})
