import { describe, expect, test } from 'vitest'
import { connect, RecordingUserEar, type Setup } from './kit.ts'

const frame = (payload: number, offset: number) => `[0,"MESSAGE",{"payload":${payload},"offset":${offset}}]`

export function messagesContract(setup: Setup): void {
  async function opened() {
    const beginning = await setup()
    const other = await beginning.join()
    return { ...beginning, messages: beginning.broker.messages, other }
  }

  describe('private messages', () => {
    test('are numbered, heard in order on every node, and kept for those who were away', async () => {
      const { broker, messages, other } = await opened()
      await connect(broker, '1')
      const ear = new RecordingUserEar()
      await other.users.listen('ann', ear)
      const { top } = await messages.read('ann')
      expect(top.offset).toBe(0)
      expect(await messages.send('ann', '"payload":1')).toEqual({ ...top, offset: 1 })
      expect(await other.messages.send('ann', '"payload":2')).toEqual({ ...top, offset: 2 })
      expect(await ear.take(2)).toEqual([frame(1, 1), frame(2, 2)])
      const { missed } = await other.messages.read('ann', { ...top, offset: 1 })
      expect(missed?.map((one) => one.frame.text)).toEqual([frame(2, 2)])
      expect(missed?.map(({ position }) => position)).toEqual([{ ...top, offset: 2 }])
      expect((await messages.read('ann', { ...top, epoch: 'other' })).missed).toBeUndefined()
      expect((await messages.read('ann', { ...top, offset: 3 })).missed).toBeUndefined()
    })

    test('are heard from the moment a node listens', async () => {
      const { broker, messages, other } = await opened()
      await connect(broker, '1')
      await messages.send('ann', '"payload":1')
      const ear = new RecordingUserEar()
      const stop = await other.users.listen('ann', ear)
      await messages.send('ann', '"payload":2')
      expect(await ear.next()).toBe(frame(2, 2))
      stop()
      const next = new RecordingUserEar()
      await other.users.listen('ann', next)
      await messages.send('ann', '"payload":3')
      expect(await next.next()).toBe(frame(3, 3))
      await other.users.listen('ann', ear)
      await messages.send('ann', '"payload":4')
      expect(await ear.next()).toBe(frame(4, 4))
    })

    test('begin with the user for whoever listened before', async () => {
      const { broker, messages, other } = await opened()
      const ear = new RecordingUserEar()
      await other.users.listen('ann', ear)
      expect(await messages.send('ann', '"payload":0')).toBeUndefined()
      await connect(broker, '1')
      await messages.send('ann', '"payload":1')
      expect(await ear.take(2)).toEqual(['came', frame(1, 1)])
    })

    test('are kept while the user is there and for the recovery window after that', async () => {
      const { broker, messages, clock } = await opened()
      expect(await messages.send('ann', '"payload":1')).toBeUndefined()
      expect((await messages.read('ann')).top).toEqual({ epoch: 'none', offset: 0 })
      await connect(broker, '1')
      await connect(broker, '2')
      const since = (await messages.read('ann')).top
      await broker.users.leave('ann', '1')
      await clock.advance(1_000_000)
      await messages.send('ann', '"payload":2')
      await broker.users.leave('ann', '2')
      await clock.advance(299_999)
      await messages.send('ann', '"payload":3')
      expect((await messages.read('ann', { ...since, offset: 1 })).missed).toHaveLength(1)
      await clock.advance(1)
      expect(await messages.send('ann', '"payload":4')).toBeUndefined()
      await connect(broker, '3')
      expect((await messages.read('ann', since)).missed).toBeUndefined()
      expect((await messages.read('ann')).top.epoch).not.toBe(since.epoch)
    })

    test('go on where they were for a user who is back in time', async () => {
      const { broker, messages, other, clock } = await opened()
      const ear = new RecordingUserEar()
      await other.users.listen('ann', ear)
      await connect(broker, '1')
      await messages.send('ann', '"payload":1')
      await broker.users.leave('ann', '1')
      await messages.send('ann', '"payload":2')
      await clock.advance(299_999)
      await connect(broker, '2')
      await clock.advance(299_999)
      await messages.send('ann', '"payload":3')
      expect(await ear.take(5)).toEqual(['came', frame(1, 1), 'left', frame(2, 2), 'came'])
      expect(await ear.next()).toBe(frame(3, 3))
    })

    test('an id that a sender has sent is known for a while, and of each sender only the newest', async () => {
      const { messages, other, clock } = await opened()
      expect(await messages.wasSent('ann', 'a')).toBe(false)
      await messages.sent('ann', 'a')
      await messages.sent('ann', '__proto__')
      expect(await other.messages.wasSent('ann', 'a')).toBe(true)
      expect(await other.messages.wasSent('ann', '__proto__')).toBe(true)
      expect(await other.messages.wasSent('bob', 'a')).toBe(false)
      await clock.advance(299_999)
      await messages.sent('ann', 'b')
      expect(await other.messages.wasSent('ann', 'a')).toBe(true)
      await clock.advance(1)
      expect(await other.messages.wasSent('ann', 'a')).toBe(false)
      expect(await other.messages.wasSent('ann', 'b')).toBe(true)
      for (let n = 0; n < 999; n++) await messages.sent('ann', `id ${n}`)
      expect(await other.messages.wasSent('ann', 'b')).toBe(true)
      await messages.sent('ann', 'one more')
      expect(await other.messages.wasSent('ann', 'b')).toBe(false)
    })
  })
}
