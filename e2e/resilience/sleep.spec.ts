import { connectionIds, expect, startPlace, test } from './fixtures.ts'
import { payloads, toldOf } from './observer.ts'
import { type Tab, until } from './tab.ts'

/** Goes elsewhere. Where the browser would throw the page away, it is told what it would be told if it were kept. */
async function leave(tab: Tab, elsewhere: string): Promise<void> {
  if (tab.keepsPages) return tab.open(elsewhere)
  await tab.run(() => void dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true })))
}

async function comeBack(tab: Tab): Promise<void> {
  if (tab.keepsPages) return tab.back()
  await tab.run(() => void dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })))
}

test('a page that the browser keeps lets its line go, and comes back once, with what it missed and no ghost', async ({
  openObserver,
  elsewhere,
}) => {
  await using place = await startPlace({}, ['--linger', '2'])
  const tab = await openObserver(place)
  for (const round of [1, 2]) {
    await place.publish('chat', `before ${round}`)
    await until(tab, (payload) => told.some(([, , one]) => one === payload), `before ${round}`)
    await leave(tab, elsewhere)
    await expect.poll(() => place.proxy.lines).toBe(0)
    for (const half of ['a', 'b']) await place.publish('chat', `away ${round}${half}`)
    await comeBack(tab)
    await until(tab, (payload) => told.some(([, , one]) => one === payload), `away ${round}b`)
    await place.publish('chat', `after ${round}`)
    await until(tab, (payload) => told.some(([, , one]) => one === payload), `after ${round}`)
  }
  expect(await payloads(tab, 'chat')).toEqual(
    [1, 2].flatMap((round) => [`before ${round}`, `away ${round}a`, `away ${round}b`, `after ${round}`]),
  )
  expect(await toldOf(tab, 'subscribed', 'gap', 'error')).toEqual([
    ['subscribed', 'chat', false, 0],
    ['subscribed', 'chat', true, 2],
    ['subscribed', 'chat', true, 2],
  ])
  const shown = await tab.run(() => seen.filter(([name]) => name === 'pagehide' || name === 'pageshow'))
  expect(shown).toEqual([['pageshow', false], ['pagehide'], ['pageshow', true], ['pagehide'], ['pageshow', true]])
  expect([place.proxy.lines, place.proxy.asked]).toEqual([1, 3])
  await expect.poll(() => connectionIds(place)).toEqual([await tab.run(() => conn.id ?? '')])
})

test('a frozen page has no line, and takes everything up when it thaws', async ({ openObserver }) => {
  await using place = await startPlace()
  const tab = await openObserver(place)
  await tab.setFrozen(true)
  await expect.poll(() => place.proxy.lines).toBe(0)
  for (const payload of ['frozen', 'still frozen']) await place.publish('chat', payload)
  await tab.setFrozen(false)
  await until(tab, () => told.some(([, , payload]) => payload === 'still frozen'))
  expect(await tab.run(() => seen.map(([name]) => name))).toEqual(['pageshow', 'freeze', 'resume'])
  expect(await toldOf(tab, 'close', 'subscribed', 'publish', 'gap', 'error')).toEqual([
    ['subscribed', 'chat', false, 0],
    ['close', 4001, true],
    ['subscribed', 'chat', true, 2],
    ['publish', 'chat', 'frozen', true],
    ['publish', 'chat', 'still frozen', true],
  ])
  expect(place.proxy.asked).toBe(2)
})

test.describe('while the timers of a tab stand still', () => {
  test('a silent line is noticed by the clock, at whatever tells that the page runs again', async ({
    openObserver,
  }) => {
    await using place = await startPlace()
    const tab = await openObserver(place)
    const events = ['visibilitychange', 'pageshow', 'online', 'resume']
    for (const [index, event] of events.entries()) {
      await tab.run(() => doze())
      place.proxy.lose()
      await place.publish('chat', `unheard until ${event}`)
      await tab.run(() => turn(40_000))
      // the clock was turned, and no timer noticed
      await until(
        tab,
        (by) => Date.now() - performance.timeOrigin - performance.now() > by,
        (index + 1) * 40_000 - 1_000,
      )
      expect(await toldOf(tab, 'close')).toHaveLength(index)
      await tab.run((name) => {
        const target = name === 'visibilitychange' || name === 'resume' ? document : globalThis
        target.dispatchEvent(new Event(name))
      }, event)
      await until(tab, (payload) => told.some(([, , one]) => one === payload), `unheard until ${event}`)
    }
    expect(await toldOf(tab, 'close', 'publish', 'gap')).toEqual(
      events.flatMap((event) => [
        ['close', 4504, true],
        ['publish', 'chat', `unheard until ${event}`, true],
      ]),
    )
  })

  test('a page that waits for its next try is woken when it is seen again', async ({ openObserver }) => {
    await using place = await startPlace()
    const tab = await openObserver(place, { backoff: { min: 20_000, max: 20_000 } })
    place.proxy.cut()
    await until(tab, () => conn.status === 'waiting')
    await place.publish('chat', 'meanwhile')
    await tab.run(() => doze())
    expect(place.proxy.asked).toBe(1)
    await tab.run(() => void document.dispatchEvent(new Event('visibilitychange')))
    await until(tab, () => told.some(([, , payload]) => payload === 'meanwhile'))
    expect(place.proxy.asked).toBe(2)
  })
})
