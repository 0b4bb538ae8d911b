import { expect, startPlace, test } from './fixtures.ts'
import { payloads, toldOf } from './observer.ts'
import { until } from './tab.ts'

test('a page says that it is offline, and tries at once when the network is back', async ({ openObserver }) => {
  await using place = await startPlace()
  // without the browser's word it would wait for longer
  const tab = await openObserver(place, { backoff: { min: 20_000, max: 20_000 } })
  await place.publish('chat', 'before')
  await until(tab, () => told.some(([, , payload]) => payload === 'before'))
  await tab.setOffline(true)
  await until(tab, () => conn.status === 'offline')
  place.proxy.cut()
  await until(tab, () => told.some(([name]) => name === 'close'))
  await place.publish('chat', 'meanwhile')
  await tab.run(() => send('chat', 'said offline'))
  expect(await tab.run(() => conn.status)).toBe('offline')
  await tab.run(() => {
    // how long the line takes from then on is up to the machine
    conn.on('status', ({ status }) => {
      if (status === 'connecting') told.push(['tries after', performance.now() - onlineAt])
    })
  })
  await tab.setOffline(false)
  await until(tab, () => told.some(([, , payload]) => payload === 'said offline'))
  const [[, after] = []] = await toldOf(tab, 'tries after')
  expect(after).toBeGreaterThanOrEqual(0)
  expect(after).toBeLessThan(1_000)
  expect(await payloads(tab, 'chat')).toEqual(['before', 'meanwhile', 'said offline'])
  await until(tab, () => settled.length > 0)
  expect(await tab.run(() => settled)).toEqual(['"said offline" stored'])
  expect(await toldOf(tab, 'status', 'subscribed', 'gap', 'error')).toEqual([
    ['status', 'connected', 'no try due'],
    ['subscribed', 'chat', false, 0],
    ['status', 'offline', 'no try due'],
    ['status', 'offline', 'a try due'],
    ['status', 'waiting', 'a try due'],
    ['status', 'connecting', 'no try due'],
    ['status', 'connected', 'no try due'],
    ['subscribed', 'chat', true, 1],
  ])
})

test('a line that lived through an offline time is used on, and the page connected as soon as it hears something', async ({
  openObserver,
}) => {
  await using place = await startPlace()
  const tab = await openObserver(place)
  await tab.run(() => void dispatchEvent(new Event('offline')))
  expect(await tab.run(() => conn.status)).toBe('offline')
  await place.publish('chat', 'heard all the same')
  await until(tab, () => told.some(([, , payload]) => payload === 'heard all the same'))
  expect(await tab.run(() => conn.status)).toBe('connected')
  expect(await toldOf(tab, 'close')).toEqual([])
  expect(place.proxy.asked).toBe(1)
})
