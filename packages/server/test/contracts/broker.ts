import { formatPosition, type JsonText, type Position } from '@hookbox/protocol'
import type { TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import type { Appending, Broker, Numbered, Retention, Unnumbered } from '../../src/broker/broker.ts'

const keep: Retention = { size: 3, duration: 0, publishOnly: false }
const seed = { history: [], state: new Map<string, JsonText>(), keep }

function publish(payload: number, origin?: string): Unnumbered {
  return { name: 'PUBLISH', inside: `"payload":${payload}`, at: 0, origin }
}

function presence(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', user: string): Unnumbered {
  return { name, inside: `"user":"${user}"`, at: 0 }
}

const told: Appending = { told: true, kept: true, keep }
const onlyKept: Appending = { told: false, kept: true, keep }

/** What every broker promises, whatever keeps its data. */
export function brokerContract(name: string, setup: () => Promise<{ broker: Broker; clock: TestClock }>): void {
  describe(`the ${name} broker`, () => {
    async function opened(channel = 'chat') {
      const { broker, clock } = await setup()
      await broker.channels.create(channel, { options: '{}' as JsonText }, seed)
      return { broker, clock, log: broker.log }
    }

    test('makes a channel once', async () => {
      const { broker } = await setup()
      const record = { options: '{"reflective":true}' as JsonText }
      expect(await broker.channels.create('chat', record, seed)).toBe(true)
      expect(await broker.channels.create('chat', { options: '{}' as JsonText }, seed)).toBe(false)
      expect(await broker.channels.load('chat')).toEqual(record)
      expect(await broker.channels.names()).toEqual(['chat'])
    })

    test('forgets a channel that was removed, and begins another epoch when it is made anew', async () => {
      const { broker, log } = await opened()
      const before = (await log.append('chat', publish(1), told)).position
      await broker.channels.remove('chat')
      expect(await broker.channels.load('chat')).toBeUndefined()
      await expect(log.append('chat', publish(2), told)).rejects.toMatchObject({ code: 'unknown_channel' })
      await broker.channels.create('chat', { options: '{}' as JsonText }, seed)
      const after = (await log.append('chat', publish(2), told)).position
      expect(after.offset).toBe(1)
      expect(after.epoch).not.toBe(before.epoch)
      expect((await log.read('chat', keep, before)).missed).toBeUndefined()
    })

    test('numbers what is told from 1, and tells it in order to every listener, with the same bytes', async () => {
      const { log } = await opened()
      const heard: Numbered[][] = [[], []]
      for (const list of heard) await log.listen('chat', (numbered) => list.push(numbered))
      for (const payload of [1, 2, 3]) await log.append('chat', publish(payload), told)
      expect(heard[0]?.map(({ position }) => position.offset)).toEqual([1, 2, 3])
      expect(heard[0]?.map(({ frame }) => frame.text)).toEqual(
        [1, 2, 3].map((n) => `[0,"PUBLISH",{"channel_name":"chat","offset":${n},"payload":${n}}]`),
      )
      expect(heard[1]?.map(({ frame }) => frame)).toEqual(heard[0]?.map(({ frame }) => frame))
    })

    test('numbers channels apart, whatever their names', async () => {
      const { broker, log } = await opened()
      await broker.channels.create('__proto__', { options: '{}' as JsonText }, seed)
      await log.append('chat', publish(1), told)
      expect((await log.append('__proto__', publish(1), told)).position.offset).toBe(1)
    })

    test('a listener that stopped hears nothing more', async () => {
      const { log } = await opened()
      const heard: number[] = []
      const stop = await log.listen('chat', ({ position }) => heard.push(position.offset))
      await log.append('chat', publish(1), told)
      stop()
      await log.append('chat', publish(2), told)
      expect(heard).toEqual([1])
    })

    test('what is told to nobody stands in the history without a number, and the numbers go on as if it were not there', async () => {
      const { log } = await opened()
      await log.append('chat', publish(1), told)
      await log.append('chat', presence('SUBSCRIBE', 'ann'), onlyKept)
      await log.append('chat', publish(2), told)
      expect(JSON.parse((await log.read('chat', keep)).history)).toEqual([
        ['PUBLISH', { offset: 1, payload: 1 }],
        ['SUBSCRIBE', { user: 'ann' }],
        ['PUBLISH', { offset: 2, payload: 2 }],
      ])
    })

    test('the history keeps its size, its duration, and nothing else', async () => {
      const { log, clock } = await opened()
      for (const payload of [1, 2, 3, 4]) await log.append('chat', { ...publish(payload), at: clock.now() }, told)
      const payloads = async (how: Retention) =>
        (JSON.parse((await log.read('chat', how)).history) as [string, { payload: number }][]).map(([, e]) => e.payload)
      expect(await payloads(keep)).toEqual([2, 3, 4])
      expect(await payloads({ size: 2, duration: 0, publishOnly: false })).toEqual([3, 4])
      await clock.advance(10_000)
      await log.append(
        'chat',
        { ...publish(5), at: clock.now() },
        { ...told, keep: { size: 9, duration: 10_000, publishOnly: false } },
      )
      expect(await payloads({ size: 9, duration: 10_000, publishOnly: false })).toEqual([5])
    })

    test('a history of publishes only holds no joins, and lets go of those it held', async () => {
      const { log } = await opened()
      await log.append('chat', presence('SUBSCRIBE', 'ann'), told)
      await log.append('chat', publish(1), told)
      const publishOnly = { ...keep, publishOnly: true }
      await log.append('chat', presence('SUBSCRIBE', 'bob'), { ...told, keep: publishOnly })
      const { history, top } = await log.read('chat', publishOnly)
      expect(JSON.parse(history)).toEqual([['PUBLISH', { offset: 2, payload: 1 }]])
      expect(top.offset).toBe(3)
    })

    test('recovers whatever was told since a position, although the history keeps nothing', async () => {
      const { log } = await opened()
      const none = { size: 0, duration: 0, publishOnly: false }
      const since = (await log.append('chat', publish(1), { ...told, kept: false, keep: none })).position
      for (const payload of [2, 3]) await log.append('chat', publish(payload), { ...told, kept: false, keep: none })
      const page = await log.read('chat', none, since)
      expect(page.missed?.map(({ position }) => position.offset)).toEqual([2, 3])
      expect(page.top).toEqual({ ...since, offset: 3 })
      expect((await log.read('chat', none, page.top)).missed).toEqual([])
    })

    test.each<[why: string, since: (top: Position) => Position]>([
      ['another epoch', (top) => ({ epoch: 'another', offset: top.offset })],
      ['a position above the top', (top) => ({ ...top, offset: top.offset + 1 })],
    ])('recovers nothing from %s', async (_why, since) => {
      const { log } = await opened()
      const { position } = await log.append('chat', publish(1), told)
      expect((await log.read('chat', keep, since(position))).missed).toBeUndefined()
    })

    test('recovers all or nothing: what is beyond the window by number or by time is gone', async () => {
      const { log, clock } = await opened()
      const first = (await log.append('chat', publish(0), told)).position
      for (let n = 1; n <= 1_000; n++) await log.append('chat', publish(n), told)
      expect((await log.read('chat', keep, first)).missed).toHaveLength(1_000)
      await log.append('chat', publish(1_001), told)
      expect((await log.read('chat', keep, first)).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...first, offset: 2 })).missed).toHaveLength(1_000)
      await clock.advance(300_000)
      expect((await log.read('chat', keep, { ...first, offset: 1_001 })).missed).toBeUndefined()
      expect((await log.read('chat', keep, { ...first, offset: 1_002 })).missed).toEqual([])
    })

    test('a message id seen before gives the first position and tells nobody, also after the channel was made anew', async () => {
      const { broker, log, clock } = await opened()
      const heard: number[] = []
      await log.listen('chat', ({ position }) => heard.push(position.offset))
      const first = await log.append('chat', publish(1), { ...told, idKey: 'a' })
      const again = await log.append('chat', publish(1), { ...told, idKey: 'a' })
      expect(first.duplicate).toBe(false)
      expect(again).toEqual({ position: first.position, duplicate: true })
      expect(heard).toEqual([1])
      expect(await log.recall('chat', 'a')).toEqual({ position: first.position })
      expect(await log.recall('chat', 'b')).toBeUndefined()
      await broker.channels.remove('chat')
      expect(await log.recall('chat', 'a')).toEqual({ position: first.position })
      await clock.advance(300_000)
      expect(await log.recall('chat', 'a')).toBeUndefined()
    })

    test('forgets the oldest message ids beyond its bound', async () => {
      const { log } = await opened()
      for (let n = 0; n <= 10_000; n++) await log.append('chat', publish(n), { ...told, kept: false, idKey: `id-${n}` })
      expect(await log.recall('chat', 'id-0')).toBeUndefined()
      expect(await log.recall('chat', 'id-1')).toBeDefined()
    })

    test('a channel begins with what it was given, and ids in it are known', async () => {
      const { broker } = await setup()
      await broker.channels.create(
        'chat',
        { options: '{}' as JsonText },
        { history: [{ what: publish(7), idKey: 'seven' }], state: new Map([['a', '1' as JsonText]]), keep },
      )
      const page = await broker.log.read('chat', keep)
      expect(page).toMatchObject({ history: '[["PUBLISH",{"payload":7}]]', more: false, members: [] })
      expect(page.state).toEqual(new Map([['a', '1']]))
      expect(await broker.log.recall('chat', 'seven')).toEqual({ position: page.top })
    })

    test('a change of the state is numbered with it, and a snapshot belongs to its top', async () => {
      const { log } = await opened()
      const change: Unnumbered = { name: 'STATE_UPDATE', inside: '"updates":{"a":1},"deletes":["b"]', at: 0 }
      const state = { updates: new Map([['a', '1' as JsonText]]), deletes: ['b'] }
      const { position } = await log.append('chat', change, { told: true, kept: false, keep, state })
      const page = await log.read('chat', keep)
      expect(formatPosition(page.top)).toBe(formatPosition(position))
      expect(page.state).toEqual(new Map([['a', '1']]))
      expect(page.history).toBe('[]')
    })

    test('a user enters and leaves once, however often it is said', async () => {
      const { broker, log } = await opened()
      const join = presence('SUBSCRIBE', 'ann')
      expect(await broker.presence.enter('chat', 'ann', join, told)).toBe(true)
      expect(await broker.presence.enter('chat', 'ann', join, told)).toBe(false)
      await broker.presence.enter('chat', 'bob', presence('SUBSCRIBE', 'bob'), told)
      expect((await log.read('chat', keep)).members).toEqual(['ann', 'bob'])
      expect(await broker.presence.leave('chat', 'ann', presence('UNSUBSCRIBE', 'ann'), told)).toBe(true)
      expect(await broker.presence.leave('chat', 'ann', presence('UNSUBSCRIBE', 'ann'), told)).toBe(false)
      const page = await log.read('chat', keep)
      expect(page.members).toEqual(['bob'])
      expect(page.top.offset).toBe(3)
    })

    test('history comes in pieces, back from the newest or on from a position, each entry once', async () => {
      const { log } = await opened()
      const all: Retention = { size: 100, duration: 0, publishOnly: false }
      const how: Appending = { told: true, kept: true, keep: all }
      const { position } = await log.append('chat', publish(1), how)
      await log.append('chat', presence('SUBSCRIBE', 'ann'), { ...how, told: false })
      for (const payload of [2, 3, 4]) await log.append('chat', publish(payload), how)
      const payloads = (history: string) =>
        (JSON.parse(history) as [string, { payload?: number }][]).map(([, entry]) => entry.payload ?? 'ann')

      const newest = await log.history('chat', all, { limit: 2 })
      expect(payloads(newest.history)).toEqual([3, 4])
      const older = await log.history('chat', all, { limit: 2, cursor: newest.cursor ?? '' })
      expect(payloads(older.history)).toEqual(['ann', 2])
      const oldest = await log.history('chat', all, { limit: 2, cursor: older.cursor ?? '' })
      expect(payloads(oldest.history)).toEqual([1])
      expect(oldest.cursor).toBeUndefined()

      const on = await log.history('chat', all, { since: { ...position, offset: 2 }, limit: 1 })
      expect(payloads(on.history)).toEqual([3])
      expect(payloads((await log.history('chat', all, { cursor: on.cursor ?? '', limit: 9 })).history)).toEqual([4])
      const before = await log.history('chat', all, { before: { ...position, offset: 3 }, limit: 9 })
      expect(payloads(before.history)).toEqual([1, 'ann', 2])
    })

    test('a cursor or position that is not of this log is a mistake that names the field', async () => {
      const { log } = await opened()
      await expect(log.history('chat', keep, { cursor: 'x.f.1.2', limit: 1 })).rejects.toThrow('cursor: expected')
      const since = { epoch: 'other', offset: 1 }
      await expect(log.history('chat', keep, { since, limit: 1 })).rejects.toThrow('since: expected')
    })

    test('one answer holds at most 256 KiB of history, the newest, and says that there is more', async () => {
      const { log } = await opened()
      const all: Retention = { size: 100, duration: 0, publishOnly: false }
      const big = (n: number): Unnumbered => ({
        name: 'PUBLISH',
        inside: `"payload":"${'x'.repeat(60_000)}${n}"`,
        at: 0,
      })
      for (let n = 1; n <= 6; n++) await log.append('chat', big(n), { told: true, kept: true, keep: all })
      const page = await log.read('chat', all)
      expect(page.more).toBe(true)
      const ends = (history: string) =>
        (JSON.parse(history) as [string, { payload: string }][]).map(([, entry]) => entry.payload.at(-1))
      expect(ends(page.history)).toEqual(['3', '4', '5', '6'])
      const oldest = await log.history('chat', all, { before: { ...page.top, offset: 3 }, limit: 100 })
      expect(ends(oldest.history)).toEqual(['1', '2'])
    })

    test('private messages are numbered, heard in order, and kept for those who were away', async () => {
      const { broker } = await setup()
      const { messages } = broker
      const heard: string[] = []
      const stop = await messages.attend('ann', ({ frame }) => heard.push(frame.text))
      const { top } = await messages.read('ann')
      expect(top.offset).toBe(0)
      expect(await messages.send('ann', '"payload":1')).toEqual({ ...top, offset: 1 })
      expect(await messages.send('ann', '"payload":2')).toEqual({ ...top, offset: 2 })
      expect(heard).toEqual(['[0,"MESSAGE",{"payload":1,"offset":1}]', '[0,"MESSAGE",{"payload":2,"offset":2}]'])
      const since = { ...top, offset: 1 }
      expect((await messages.read('ann', since)).missed?.map(({ frame }) => frame.text)).toEqual([heard[1]])
      expect((await messages.read('ann', { ...top, epoch: 'other' })).missed).toBeUndefined()
      expect((await messages.read('ann', { ...top, offset: 3 })).missed).toBeUndefined()
      stop()
    })

    test('private messages are kept while anybody attends and for the recovery window after that', async () => {
      const { broker, clock } = await setup()
      const { messages } = broker
      expect(await messages.send('ann', '"payload":1')).toBeUndefined()
      const stops = [await messages.attend('ann', () => {}), await messages.attend('ann', () => {})]
      const since = (await messages.read('ann')).top
      stops[0]?.()
      stops[0]?.()
      await clock.advance(1_000_000)
      await messages.send('ann', '"payload":2')
      stops[1]?.()
      await clock.advance(299_999)
      await messages.send('ann', '"payload":3')
      expect((await messages.read('ann', { ...since, offset: 1 })).missed).toHaveLength(1)
      await clock.advance(1)
      expect(await messages.send('ann', '"payload":4')).toBeUndefined()
      await messages.attend('ann', () => {})
      expect((await messages.read('ann', since)).missed).toBeUndefined()
      expect((await messages.read('ann')).top.epoch).not.toBe(since.epoch)
    })

    test('a listener of private messages that stopped hears nothing more', async () => {
      const { broker } = await setup()
      const heard: string[] = []
      const stop = await broker.messages.attend('ann', ({ frame }) => heard.push(frame.text))
      await broker.messages.attend('ann', () => {})
      stop()
      await broker.messages.send('ann', '"payload":1')
      expect(heard).toEqual([])
    })

    test('once closed, it takes nothing more', async () => {
      const { broker, log } = await opened()
      await broker.close()
      await expect(log.append('chat', publish(1), told)).rejects.toMatchObject({ code: 'unavailable' })
      await expect(broker.messages.send('ann', '')).rejects.toMatchObject({ code: 'unavailable' })
      await expect(broker.channels.remove('chat')).rejects.toMatchObject({ code: 'unavailable' })
    })
  })
}
