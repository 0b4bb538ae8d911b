import { expect, type Place, startPlace, test } from './fixtures.ts'
import { toldOf } from './observer.ts'
import { type Tab, until } from './tab.ts'

/** Everything that brings a page back which is only away for a while. */
async function shake(tab: Tab): Promise<void> {
  await tab.run(() => {
    for (const event of ['offline', 'online', 'pagehide', 'pageshow']) dispatchEvent(new Event(event))
    for (const event of ['freeze', 'resume', 'visibilitychange']) document.dispatchEvent(new Event(event))
    turn(600_000)
  })
  await until(tab, () => Date.now() - performance.timeOrigin - performance.now() > 599_000)
}

/** After the connect of somebody else from the same page: whoever would have come back by then had the time to. */
async function expectNoMore(tab: Tab, place: Place, connects: readonly string[]): Promise<void> {
  await shake(tab)
  await tab.run(() => hookbox.connect(hubUrl, { payload: { name: 'marker' } }).ready)
  const names = place.app.calls('connect').map(({ fields }) => JSON.parse(fields.payload ?? 'null').name)
  expect(names).toEqual([...connects, 'marker'])
  expect(place.proxy.lines).toBe(1)
  expect(await tab.run(() => conn.status)).toBe('closed')
}

test('a page whose connect is refused is closed and never asks again', async ({ openObserver }) => {
  await using place = await startPlace({
    connect: ({ payload }) =>
      payload?.includes('marker') ? [true, { name: 'marker' }] : [false, { error: 'sign in' }],
  })
  const tab = await openObserver(place, { channels: [] })
  await until(tab, () => conn.status === 'closed')
  expect(await tab.run(() => conn.ready.catch(({ code, message }) => [code, message]))).toEqual([
    'unauthorized',
    expect.stringContaining('sign in'),
  ])
  expect(await toldOf(tab, 'close')).toEqual([['close', 4401, false]])
  await expectNoMore(tab, place, ['ann'])
})

test('a login that expires closes the page for good', async ({ openObserver }) => {
  await using place = await startPlace({
    connect: ({ payload, reason }) => {
      if (payload?.includes('marker')) return [true, { name: 'marker' }]
      return reason === 'expired' ? [false, { error: 'sign in again' }] : [true, { name: 'ann', expires_in: 3 }]
    },
  })
  const tab = await openObserver(place)
  await until(tab, () => conn.status === 'closed')
  expect(await toldOf(tab, 'close', 'gap')).toEqual([['close', 4401, false]])
  await expectNoMore(tab, place, ['ann', 'ann'])
})

test('a page whose login expired while its line was cut comes back once, to hear it', async ({ openObserver }) => {
  // a page that is back in time would be taken in without asking
  await using place = await startPlace({}, ['--linger', '0'])
  const tab = await openObserver(place)
  place.app.reply('connect', ({ payload }) =>
    payload?.includes('marker') ? [true, { name: 'marker' }] : [false, { error: 'sign in again' }],
  )
  await tab.run(() => send('chat', 'never said'))
  await until(tab, () => settled.length === 1)
  place.proxy.cut()
  await tab.run(() => send('chat', 'too late'))
  await until(tab, () => conn.status === 'closed')
  await until(tab, () => settled.length === 2)
  expect(await tab.run(() => settled)).toEqual(['"never said" stored', '"too late" unauthorized'])
  await expectNoMore(tab, place, ['ann', 'ann'])
})
