import { limits, type Position } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import type { Appending, Broker, Retention, Unnumbered } from '../../../src/broker/broker.ts'
import { PreparedFrame } from '../../../src/transport/prepared-frame.ts'
import {
  all,
  append,
  type Beginning,
  createChannel,
  joined,
  keep,
  listen,
  none,
  onlyKept,
  onlyTold,
  payloadsOf,
  publish,
  publishFrame,
  type Setup,
  told,
} from './kit.ts'

/** 60,000 bytes. */
const large = [
  ['a byte a character', 'x'.repeat(60_000)],
  ['two bytes a character', 'é'.repeat(30_000)],
] as const

export function logContract(setup: Setup): void {
  /** One node appends, another reads. */
  async function opened(): Promise<Beginning & { log: Broker['log']; other: Broker }> {
    const beginning = await setup()
    await createChannel(beginning.broker)
    return { ...beginning, log: beginning.broker.log, other: await beginning.join() }
  }

  describe('the log', () => {
    test('numbers what is told from 1, and tells it in order to every node, with the same bytes', async () => {
      const { broker, log, other } = await opened()
      const ears = [(await listen(broker)).ear, (await listen(other)).ear, (await listen(other)).ear]
      for (const payload of [1, 2, 3]) await log.append('chat', publish(payload, `origin ${payload}`), told)
      for (const ear of ears) {
        expect(await ear.take(3)).toEqual(['PUBLISH 1', 'PUBLISH 2', 'PUBLISH 3'])
        expect(ear.numbered.map(({ frame }) => frame.text)).toEqual([1, 2, 3].map((n) => publishFrame('chat', n, n)))
        expect(ear.numbered.map(({ origin }) => origin)).toEqual(['origin 1', 'origin 2', 'origin 3'])
      }
    })

    test('numbers across nodes without a gap or a repeat, and every node hears the same order', async () => {
      const { broker, other } = await opened()
      const ears = [(await listen(broker)).ear, (await listen(other)).ear]
      const nodes = [broker, other]
      const appended = await Promise.all(
        Array.from({ length: 100 }, (_, n) => nodes[n % 2]?.log.append('chat', publish(n), onlyTold)),
      )
      const offsets = appended.map((one) => (one && 'position' in one ? one.position.offset : 0))
      expect([...offsets].sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n + 1))
      const heard = []
      for (const ear of ears) {
        await ear.take(100)
        heard.push(ear.numbered.map(({ frame }) => frame.text))
      }
      expect(heard[0]).toEqual(heard[1])
      expect(heard[0]?.[0]).toBe(publishFrame('chat', 1, offsets.indexOf(1)))
    })

    test('what one node appends without waiting is numbered in its order', async () => {
      const { log, other } = await opened()
      const { ear } = await listen(other)
      await Promise.all(Array.from({ length: 50 }, (_, n) => log.append('chat', publish(n + 1), onlyTold)))
      await ear.take(50)
      expect(ear.numbered.map(({ frame }) => frame.text)).toEqual(
        Array.from({ length: 50 }, (_, n) => publishFrame('chat', n + 1, n + 1)),
      )
    })

    test('any text passes as it is', async () => {
      const { log, other } = await opened()
      const { ear } = await listen(other)
      const text = '{} [] \\ "\u2028 \0 €🦊 %s $1 \x7f'
      const inside = `"payload":${JSON.stringify(text)}`
      await log.append('chat', { name: 'PUBLISH', inside, at: 0, origin: 'a b=c' }, told)
      await ear.next()
      const [numbered] = ear.numbered
      expect(JSON.parse(numbered?.frame.text ?? '')).toEqual([
        0,
        'PUBLISH',
        { channel_name: 'chat', offset: 1, payload: text },
      ])
      expect(numbered?.origin).toBe('a b=c')
      expect(payloadsOf((await other.log.read('chat', keep)).history)).toEqual([text])
    })

    test('what is told to nobody stands in the history without a number, and the numbers go on as if it were not there', async () => {
      const { broker, log, other } = await opened()
      const { ear } = await listen(other)
      await log.append('chat', publish(1), told)
      const position = await append(broker, joined('ann'), onlyKept)
      expect(position.offset).toBe(1)
      await log.append('chat', publish(2), told)
      expect(JSON.parse((await other.log.read('chat', keep)).history)).toEqual([
        ['PUBLISH', { offset: 1, payload: 1 }],
        ['SUBSCRIBE', { user: 'ann' }],
        ['PUBLISH', { offset: 2, payload: 2 }],
      ])
      expect(await ear.take(2)).toEqual(['PUBLISH 1', 'PUBLISH 2'])
    })

    test('the history keeps its size, its duration, and nothing else', async () => {
      const { log, clock } = await opened()
      for (const payload of [1, 2, 3, 4]) await log.append('chat', { ...publish(payload), at: clock.now() }, told)
      const payloads = async (how: Retention) => payloadsOf((await log.read('chat', how)).history)
      expect(await payloads(keep)).toEqual([2, 3, 4])
      expect(await payloads({ size: 2, duration: 0, publishOnly: false })).toEqual([3, 4])
      expect(await payloads(all)).toEqual([3, 4])
      await clock.advance(10_000)
      const short = { size: 9, duration: 10_000, publishOnly: false }
      await log.append('chat', { ...publish(5), at: clock.now() }, { ...told, keep: short })
      expect(await payloads(short)).toEqual([5])
      await log.append('chat', publish(6), { ...told, keep: none })
      expect(await payloads(all)).toEqual([])
    })

    test('a history of publishes only holds no joins, and lets go of those it held', async () => {
      const { log } = await opened()
      await log.append('chat', joined('ann'), told)
      await log.append('chat', publish(1), told)
      const publishOnly = { ...keep, publishOnly: true }
      await log.append('chat', joined('bob'), { ...told, keep: publishOnly })
      const { history, top } = await log.read('chat', publishOnly)
      expect(JSON.parse(history)).toEqual([['PUBLISH', { offset: 2, payload: 1 }]])
      expect(top.offset).toBe(3)
    })

    test('recovers whatever was told since a position, although the history keeps nothing', async () => {
      const { broker, log, other } = await opened()
      const how = { ...onlyTold, keep: none }
      const since = await append(broker, publish(1), how)
      for (const payload of [2, 3]) await log.append('chat', publish(payload, `origin ${payload}`), how)
      const page = await other.log.read('chat', none, since)
      expect(page.missed?.map(({ position }) => position)).toEqual([
        { ...since, offset: 2 },
        { ...since, offset: 3 },
      ])
      expect(page.missed?.map(({ frame }) => frame.text)).toEqual([2, 3].map((n) => publishFrame('chat', n, n)))
      expect(page.missed?.map(({ origin }) => origin)).toEqual(['origin 2', 'origin 3'])
      expect(page.top).toEqual({ ...since, offset: 3 })
      expect((await log.read('chat', none, page.top)).missed).toEqual([])
      expect((await log.read('chat', none, { ...since, offset: 0 })).missed).toHaveLength(3)
      expect((await log.read('chat', none)).missed).toBeUndefined()
    })

    test.each<[why: string, since: (top: Position) => Position]>([
      ['another epoch', (top) => ({ epoch: 'another', offset: top.offset })],
      ['a position above the top', (top) => ({ ...top, offset: top.offset + 1 })],
    ])('recovers nothing from %s', async (_why, since) => {
      const { broker, log } = await opened()
      const position = await append(broker, publish(1), told)
      expect((await log.read('chat', keep, since(position))).missed).toBeUndefined()
    })

    test('recovers all or nothing: what is beyond the window by number or by time is gone', async () => {
      const { broker, log, clock } = await opened()
      const first = await append(broker, publish(0), told)
      await Promise.all(Array.from({ length: 1_000 }, (_, n) => log.append('chat', publish(n + 1), told)))
      expect((await log.read('chat', keep, first)).missed).toHaveLength(1_000)
      await log.append('chat', publish(1_001), told)
      expect((await log.read('chat', keep, first)).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...first, offset: 2 })).missed).toHaveLength(1_000)
      await clock.advance(300_000)
      expect((await log.read('chat', keep, { ...first, offset: 1_001 })).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...first, offset: 1_002 })).missed).toEqual([])
    })

    test.each(large)('recovers all or nothing: what is beyond the window by its bytes is gone: %s', async (_, text) => {
      const { log } = await opened()
      const inside = `"payload":"${text}"`
      for (let n = 0; n < 18; n++) await log.append('chat', { name: 'PUBLISH', inside, at: 0 }, onlyTold)
      const { top } = await log.read('chat', keep)
      expect((await log.read('chat', keep, { ...top, offset: 0 })).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...top, offset: 1 })).missed).toHaveLength(17)
    })

    test('what is appended without waiting is bounded like what is appended one after another', async () => {
      const { log, other } = await opened()
      const { ear } = await listen(other)
      const several = (count: number, from: number, text = '') =>
        Promise.all(
          Array.from({ length: count }, (_, n) => {
            const inside = `"payload":"${text}${from + n}"`
            return log.append('chat', { name: 'PUBLISH', inside, at: 0 }, { ...told, idKey: `id ${from + n}` })
          }),
        )
      const offsets = async (appended: ReturnType<typeof several>) =>
        (await appended).map((one) => ('position' in one ? one.position.offset : 0))
      expect(await offsets(several(3_000, 1))).toEqual(Array.from({ length: 3_000 }, (_, n) => n + 1))
      const { top, history } = await log.read('chat', keep)
      expect(payloadsOf(history)).toEqual(['2998', '2999', '3000'])
      expect((await log.read('chat', keep, { ...top, offset: 1_999 })).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...top, offset: 2_000 })).missed).toHaveLength(1_000)
      expect(await offsets(several(18, 3_001, 'x'.repeat(60_000)))).toEqual(
        Array.from({ length: 18 }, (_, n) => n + 3_001),
      )
      expect((await log.read('chat', keep, { ...top, offset: 3_000 })).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...top, offset: 3_001 })).missed).toHaveLength(17)
      await ear.take(3_018)
      expect(ear.numbered.map(({ position }) => position.offset)).toEqual(
        Array.from({ length: 3_018 }, (_, n) => n + 1),
      )
      expect((await several(2, 3_017)).map(({ duplicate }) => duplicate)).toEqual([true, true])
    })

    test('where an id comes twice without waiting, the second is a repeat of the first', async () => {
      const { log } = await opened()
      const appended = await Promise.all([
        log.append('chat', publish(1), { ...told, idKey: 'a' }),
        log.append('chat', publish(2), { ...told, idKey: 'a' }),
        log.append('chat', publish(3), { ...told, idKey: 'b' }),
      ])
      const { top } = await log.read('chat', keep)
      expect(appended).toEqual([
        { position: { ...top, offset: 1 }, duplicate: false },
        { position: { ...top, offset: 1 }, duplicate: true },
        { position: { ...top, offset: 2 }, duplicate: false },
      ])
    })

    test('a message id seen before gives the first position and tells nobody, also after the channel was made anew', async () => {
      const { broker, log, other, clock } = await opened()
      const { ear } = await listen(broker)
      const first = await log.append('chat', publish(1), { ...told, idKey: 'a' })
      const again = await other.log.append('chat', publish(1), { ...told, idKey: 'a' })
      expect(first.duplicate).toBe(false)
      expect(again).toEqual({ ...first, duplicate: true })
      await log.append('chat', publish(2), told)
      expect(await ear.take(2)).toEqual(['PUBLISH 1', 'PUBLISH 2'])
      const { duplicate: _, ...position } = first
      expect(await other.log.recall('chat', 'a')).toEqual(position)
      expect(await log.recall('chat', 'b')).toBeUndefined()
      await broker.channels.remove('chat')
      expect(await log.recall('chat', 'a')).toEqual(position)
      await createChannel(broker)
      expect(await log.append('chat', publish(1), { ...told, idKey: 'a' })).toEqual({ ...position, duplicate: true })
      await clock.advance(300_000)
      expect(await log.recall('chat', 'a')).toBeUndefined()
    })

    test('a frame that has no place in the log is kept under its id', async () => {
      const { log, other } = await opened()
      const text = '[0,"PUBLISH",{"payload":"🦊 \\" {}"}]'
      await log.remember('chat', 'a', new PreparedFrame(text))
      expect(await other.log.recall('chat', 'a')).toMatchObject({ frame: { text } })
      const again = await other.log.append('chat', publish(1), { ...told, idKey: 'a' })
      expect(again).toMatchObject({ duplicate: true, frame: { text } })
      expect((await log.read('chat', keep)).top.offset).toBe(0)
    })

    test('a message id that is remembered after the end of its channel is known for as long as any', async () => {
      const { broker, log, clock } = await opened()
      await log.append('chat', publish(1), { ...told, idKey: 'before' })
      await broker.channels.remove('chat')
      await clock.advance(1_000)
      const text = '[0,"PUBLISH",{"payload":1}]'
      await log.remember('chat', 'after', new PreparedFrame(text))
      await clock.advance(299_999)
      await createChannel(broker)
      expect(await log.recall('chat', 'before')).toBeUndefined()
      expect(await log.recall('chat', 'after')).toMatchObject({ frame: { text } })
      await clock.advance(1)
      expect(await log.recall('chat', 'after')).toBeUndefined()
    })

    test('forgets the oldest message ids beyond its bound, in number and in bytes', async () => {
      const { log } = await opened()
      const how = (n: number): Appending => ({ ...onlyTold, idKey: `id-${n}` })
      // A thousand at a time: more would not be answered in time on a busy machine.
      for (let start = 0; start < 10_001; start += 1_000) {
        const some = Array.from({ length: Math.min(1_000, 10_001 - start) }, (_, i) => start + i)
        await Promise.all(some.map((n) => log.append('chat', publish(n), how(n))))
      }
      expect(await log.recall('chat', 'id-0')).toBeUndefined()
      expect(await log.recall('chat', 'id-1')).toBeDefined()
      const frame = new PreparedFrame('x'.repeat(65_536))
      for (let n = 0; n < 17; n++) await log.remember('other', `m${n}`, frame)
      expect(await log.recall('other', 'm0')).toBeUndefined()
      expect(await log.recall('other', 'm1')).toEqual({ frame })
    })

    test('history comes in pieces, back from the newest or on from a position, each entry once', async () => {
      const { broker, log, other } = await opened()
      const how: Appending = { told: true, kept: true, keep: all }
      const position = await append(broker, publish(1), how)
      await log.append('chat', joined('ann'), { ...how, told: false })
      for (const payload of [2, 3, 4]) await log.append('chat', publish(payload), how)

      const newest = await log.history('chat', all, { limit: 2 })
      expect(payloadsOf(newest.history)).toEqual([3, 4])
      const older = await other.log.history('chat', all, { limit: 2, cursor: newest.cursor ?? '' })
      expect(payloadsOf(older.history)).toEqual(['ann', 2])
      await log.append('chat', publish(5), how)
      const oldest = await log.history('chat', all, { limit: 2, cursor: older.cursor ?? '' })
      expect(payloadsOf(oldest.history)).toEqual([1])
      expect(oldest.cursor).toBeUndefined()

      const on = await log.history('chat', all, { since: { ...position, offset: 2 }, limit: 1 })
      expect(payloadsOf(on.history)).toEqual([3])
      const rest = await log.history('chat', all, { cursor: on.cursor ?? '', limit: 9 })
      expect(payloadsOf(rest.history)).toEqual([4, 5])
      const before = await log.history('chat', all, { before: { ...position, offset: 3 }, limit: 9 })
      expect(payloadsOf(before.history)).toEqual([1, 'ann', 2])
      const between = { since: { ...position, offset: 1 }, before: { ...position, offset: 4 }, limit: 1 }
      const piece = await log.history('chat', all, between)
      expect(payloadsOf(piece.history)).toEqual([2])
      const next = await log.history('chat', all, { cursor: piece.cursor ?? '', limit: 9 })
      expect(payloadsOf(next.history)).toEqual([3])
      expect(next.cursor).toBeUndefined()
      expect(
        payloadsOf((await log.history('chat', all, { since: { ...position, offset: 5 }, limit: 9 })).history),
      ).toEqual([])
    })

    test('a cursor or position that is not of this log is a mistake that names the field', async () => {
      const { log } = await opened()
      const wrong = { epoch: 'other', offset: 1 }
      for (const cursor of ['x.f.1.2', '', 'nonsense']) {
        await expect(log.history('chat', keep, { cursor, limit: 1 })).rejects.toThrow('cursor: expected')
      }
      await expect(log.history('chat', keep, { since: wrong, limit: 1 })).rejects.toThrow('since: expected')
      await expect(log.history('chat', keep, { before: wrong, limit: 1 })).rejects.toThrow('before: expected')
    })

    test.each(large)(
      'one answer holds at most 256 KiB of history, the newest, and says that there is more: %s',
      async (_, text) => {
        const { log } = await opened()
        const big = (n: number): Unnumbered => ({ name: 'PUBLISH', inside: `"payload":"${text}${n}"`, at: 0 })
        for (let n = 1; n <= 6; n++) await log.append('chat', big(n), { told: true, kept: true, keep: all })
        const page = await log.read('chat', all)
        expect(page.more).toBe(true)
        const ends = (history: string) => payloadsOf(history).map((payload) => String(payload).at(-1))
        expect(ends(page.history)).toEqual(['3', '4', '5', '6'])
        const oldest = await log.history('chat', all, { before: { ...page.top, offset: 3 }, limit: 100 })
        expect(ends(oldest.history)).toEqual(['1', '2'])
        const forward = await log.history('chat', all, { since: { ...page.top, offset: 0 }, limit: 100 })
        expect(ends(forward.history)).toEqual(['1', '2', '3', '4'])
        expect(ends((await log.history('chat', all, { cursor: forward.cursor ?? '', limit: 100 })).history)).toEqual([
          '5',
          '6',
        ])
      },
    )

    test.each(
      ['Küche', 'Küche 🍲', 'n'.repeat(200)].flatMap((name) => [
        { name, isTold: true },
        { name, isTold: false },
      ]),
    )(
      'one answer holds 256 KiB of elements to the byte, whatever the channel is called: $name, told: $isTold',
      async ({ name, isTold }) => {
        const { log, broker } = await opened()
        await createChannel(broker, name)
        const sized = (bytes: number): Unnumbered => {
          const number = isTold ? '"offset":1,' : ''
          const around = `["PUBLISH",{${number}"payload":""}]`.length
          return { name: 'PUBLISH', inside: `"payload":"${'x'.repeat(bytes - around)}"`, at: 0 }
        }
        const quarter = limits.historyAnswer / 4
        const how = { told: isTold, kept: true, keep: all }
        const read = async () => {
          const { history, more } = await log.read(name, all)
          return { sizes: (JSON.parse(history) as unknown[]).map((one) => JSON.stringify(one).length - quarter), more }
        }
        for (let n = 0; n < 4; n++) await log.append(name, sized(quarter), how)
        expect(await read()).toEqual({ sizes: [0, 0, 0, 0], more: false })
        await log.append(name, sized(quarter + 1), how)
        expect(await read()).toEqual({ sizes: [0, 0, 1], more: true })
      },
    )
  })
}
