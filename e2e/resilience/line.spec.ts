import type { Json } from '@hookbox/protocol'
import { connectionIds, expect, startPlace, test } from './fixtures.ts'
import { payloads, toldOf } from './observer.ts'
import { until } from './tab.ts'

/** Characters of one to four bytes. */
const text = (n: number): string => `${n} é 日本語 🎴🃏 ${'🎲'.repeat(n % 7)}`

const upTo = (count: number): Json[] => Array.from({ length: count }, (_, index) => text(index + 1))

test('a line that is cut at random moments, in the middle of messages and characters, loses nothing and repeats nothing', async ({
  openObserver,
  chance: { random, seed },
}) => {
  await using place = await startPlace()
  const tab = await openObserver(place)
  let count = 0
  for (let cuts = 0; cuts < 8; cuts++) {
    let isCut = false
    const cut = place.proxy.cutAfter(1 + Math.floor(random() * 1_500)).then(() => {
      isCut = true
    })
    // some of it while there is no line: the page is not waited for
    for (let n = 0; n < 10; n++) await place.publish('chat', text(++count))
    while (!isCut) {
      await Promise.race([cut, until(tab, () => conn.status === 'connected')])
      await place.publish('chat', text(++count))
    }
  }
  await until(tab, (last) => told.some(([, , payload]) => payload === last), text(count))
  expect(await payloads(tab, 'chat'), seed).toEqual(upTo(count))
  const [first, ...again] = await toldOf(tab, 'subscribed')
  expect(first).toEqual(['subscribed', 'chat', false, 0])
  expect(again.length, seed).toBeGreaterThan(0)
  for (const [, , recovered] of again) expect(recovered, seed).toBe(true)
  expect(await toldOf(tab, 'gap', 'error'), seed).toEqual([])
})

test('what the page publishes while its line is cut again and again is stored once, in order, and answered once', async ({
  openObserver,
  chance: { random, seed },
}) => {
  await using place = await startPlace()
  const tab = await openObserver(place)
  const count = 60
  for (let n = 1; n <= count; n += 10) {
    const over = place.proxy.cutAfter(1 + Math.floor(random() * 900))
    await tab.run((texts) => texts.forEach((one) => void send('chat', one)), upTo(count).slice(n - 1, n + 9))
    await over
  }
  await until(tab, (all) => settled.length >= all, count)
  await until(tab, (last) => told.some(([, , payload]) => payload === last), text(count))
  expect(await payloads(tab, 'chat'), seed).toEqual(upTo(count))
  const answers = await tab.run(() => settled)
  expect(answers, seed).toHaveLength(count)
  expect(answers.map((answer) => answer.replace(/ (stored|was there)$/, '')).sort(), seed).toEqual(
    upTo(count)
      .map((one) => JSON.stringify(one))
      .sort(),
  )
  expect(await toldOf(tab, 'gap', 'error'), seed).toEqual([])
})

test('bytes that come late and one by one make the same messages', async ({
  openObserver,
  chance: { random, seed },
}) => {
  await using place = await startPlace()
  place.proxy.shape({ delay: 15, piece: () => 1 + Math.floor(random() * 3) })
  const tab = await openObserver(place)
  const count = 10
  for (let n = 1; n <= count; n += 2) {
    await place.publish('chat', text(n))
    await tab.run((one) => conn.publish('chat', one).then(() => undefined), text(n + 1))
  }
  await until(tab, (all) => told.filter(([name]) => name === 'publish').length >= all, count)
  expect(await payloads(tab, 'chat'), seed).toEqual(upTo(count))
  expect(await toldOf(tab, 'gap', 'close', 'error'), seed).toEqual([])
})

test('a line that went silent is given up by the clock, and its late words change nothing', async ({
  openObserver,
}) => {
  await using place = await startPlace({}, ['--linger', '0'])
  const tab = await openObserver(place)
  await place.publish('chat', 'before')
  await until(tab, () => told.some(([, , payload]) => payload === 'before'))
  place.proxy.lose()
  for (const payload of ['lost', 'lost too']) await place.publish('chat', payload)
  // the hub says PING every 25 s, and 10 s later it counts as gone
  await tab.run(() => turn(35_000))
  await until(tab, () => told.some(([, , payload]) => payload === 'lost too'))
  expect(await toldOf(tab, 'close', 'subscribed', 'publish', 'gap')).toEqual([
    ['subscribed', 'chat', false, 0],
    ['publish', 'chat', 'before', false],
    ['close', 4504, true],
    ['subscribed', 'chat', true, 2],
    ['publish', 'chat', 'lost', true],
    ['publish', 'chat', 'lost too', true],
  ])
  place.proxy.go()
  await place.publish('chat', 'after')
  await until(tab, () => told.some(([, , payload]) => payload === 'after'))
  expect(await payloads(tab, 'chat')).toEqual(['before', 'lost', 'lost too', 'after'])
  await expect.poll(() => connectionIds(place)).toEqual([await tab.run(() => conn.id ?? '')])
})
