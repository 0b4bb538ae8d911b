import { describe, expect, test } from 'vitest'
import { expectation, type Owed, type Visitor } from '../../../src/broker/broker.ts'
import { createChannel, entering, joined, json, keep, left, listen, onlyKept, type Setup, told } from './kit.ts'

const owed: Owed = { id: 'msg 1', cookies: 'a=1; b="2"', address: undefined }

export function presenceContract(setup: Setup): void {
  async function opened() {
    const beginning = await setup()
    await createChannel(beginning.broker)
    const other = await beginning.join()
    return { ...beginning, here: beginning.broker.presence, there: other.presence, other }
  }

  describe('presence', () => {
    test('a user is in a channel from the first connection to the last, on whichever nodes, and that is told', async () => {
      const { here, there, other } = await opened()
      const { ear } = await listen(other)
      const [one, two] = ['1', '2'].map((connection) => ({ user: 'ann', connection }))
      if (!one || !two) throw new Error('there are two')
      expect(await here.enter('chat', one, joined('ann'), entering)).toBe('first')
      expect(await here.enter('chat', one, joined('ann'), entering)).toBe('further')
      expect(await there.enter('chat', two, joined('ann'), entering)).toBe('further')
      expect(await there.enter('chat', { user: 'bob', connection: '3' }, joined('bob'), entering)).toBe('first')
      const page = await other.log.read('chat', keep)
      expect(page.members).toEqual(['ann', 'bob'])
      expect(await other.log.read('chat', keep, undefined, false)).toEqual({ ...page, members: [] })
      expect(page.top.offset).toBe(2)
      expect([...(await here.find('chat', 'ann')).connections].sort()).toEqual(['1', '2'])
      const everybody = (await here.all('chat')).map(({ user, connection }) => `${user} by ${connection}`)
      expect(everybody.sort()).toEqual(['ann by 1', 'ann by 2', 'bob by 3'])
      expect(await here.all('none')).toEqual([])

      expect(await here.leave('chat', one, left('ann'), told)).toEqual({ last: false, empty: false })
      expect(await there.leave('chat', two, left('ann'), told)).toEqual({ last: true, empty: false })
      expect(await here.leave('chat', two, left('ann'), told)).toEqual({ last: false, empty: false })
      expect((await here.find('chat', 'ann')).connections).toEqual([])
      expect(await here.leave('chat', { user: 'bob', connection: '3' }, left('bob'), told)).toEqual({
        last: true,
        empty: true,
      })
      expect(await ear.take(4)).toEqual(['SUBSCRIBE 1', 'SUBSCRIBE 2', 'UNSUBSCRIBE 3', 'UNSUBSCRIBE 4'])
      expect((await other.log.read('chat', keep)).members).toEqual([])
    })

    test('how many users are in channels is told of many at once', async () => {
      const { here, there, other } = await opened()
      await createChannel(other, 'empty')
      for (const user of ['ann', 'bob']) {
        await here.enter('chat', { user, connection: `first of ${user}` }, joined(user), entering)
        await there.enter('chat', { user, connection: `second of ${user}` }, joined(user), entering)
      }
      expect(await other.channels.sizes(['empty', 'chat', 'nowhere'])).toEqual([0, 2, 0])
      await here.leave('chat', { user: 'ann', connection: 'first of ann' }, left('ann'), told)
      await there.leave('chat', { user: 'ann', connection: 'second of ann' }, left('ann'), told)
      expect(await other.channels.sizes(['chat'])).toEqual([1])
      expect(await other.channels.sizes([])).toEqual([])
    })

    test('users whose names begin alike are apart', async () => {
      const { here, other } = await opened()
      const names = ['a', 'a b', 'ab', 'a\u000b', '__proto__', '{a}', '%0a', '🦊', 'a"']
      for (const user of names) {
        expect(await here.enter('chat', { user, connection: `of ${user}` }, joined(user), entering)).toBe('first')
      }
      expect((await other.log.read('chat', keep)).members).toEqual(names)
      for (const user of names) expect((await here.find('chat', user)).connections).toEqual([`of ${user}`])
      expect(await here.leave('chat', { user: 'a', connection: 'of a' }, left('a'), told)).toMatchObject({ last: true })
      expect((await other.log.read('chat', keep)).members).toEqual(names.slice(1))
    })

    test('whoever comes back is last in the list', async () => {
      const { here, other } = await opened()
      for (const user of ['ann', 'bob']) await here.enter('chat', { user, connection: user }, joined(user), entering)
      await here.leave('chat', { user: 'ann', connection: 'ann' }, left('ann'), told)
      await here.enter('chat', { user: 'ann', connection: 'ann' }, joined('ann'), entering)
      expect((await other.log.read('chat', keep)).members).toEqual(['bob', 'ann'])
    })

    test('joins that are told to nobody stand in the history alone', async () => {
      const { here, other } = await opened()
      await here.enter('chat', { user: 'ann', connection: '1' }, joined('ann'), { ...onlyKept, anyway: false })
      const page = await other.log.read('chat', keep)
      expect(page.top.offset).toBe(0)
      expect(page.history).toBe('[["SUBSCRIBE",{"user":"ann"}]]')
    })

    test('is not entered while the application is asked whether it may go, but by who is in it already, or anyway', async () => {
      const { broker, here, there, other } = await opened()
      await here.enter('chat', { user: 'ann', connection: '1' }, joined('ann'), entering)
      const lease = await other.leases.take({ of: 'destroy', channel: 'chat' })
      expect(await here.find('chat', 'bob')).toMatchObject({ closing: true })
      expect(await here.enter('chat', { user: 'bob', connection: '2' }, joined('bob'), entering)).toBe('closing')
      expect((await other.log.read('chat', keep)).members).toEqual(['ann'])
      expect(await there.enter('chat', { user: 'ann', connection: '3' }, joined('ann'), entering)).toBe('further')
      const anyway = { ...entering, anyway: true }
      expect(await here.enter('chat', { user: 'cid', connection: '4' }, joined('cid'), anyway)).toBe('first')
      await lease?.release()
      expect(await there.find('chat', 'bob')).toMatchObject({ closing: false })
      expect(await here.enter('chat', { user: 'bob', connection: '2' }, joined('bob'), entering)).toBe('first')
      expect(await broker.channels.look('chat')).toMatchObject({ visits: 3 })
    })

    test('what the application had for a user is handed to later connections, until the last has gone', async () => {
      const { here, there } = await opened()
      await here.provide('chat', 'ann', json({ early: true }))
      const ann = { user: 'ann', connection: '1' }
      await here.enter('chat', ann, joined('ann'), entering)
      expect((await there.find('chat', 'ann')).initialData).toBeUndefined()
      await here.provide('chat', 'ann', json({ cards: [] }))
      expect((await there.find('chat', 'ann')).initialData).toBe('{"cards":[]}')
      await here.provide('chat', 'ann', undefined)
      expect((await there.find('chat', 'ann')).initialData).toBeUndefined()
      await here.provide('chat', 'ann', json(1))
      await here.leave('chat', ann, left('ann'), told)
      await here.enter('chat', ann, joined('ann'), entering)
      expect((await there.find('chat', 'ann')).initialData).toBeUndefined()
    })

    test('a leave is owed until it is settled, across an entry, and only that one', async () => {
      const { here, there } = await opened()
      const ann = { user: 'ann', connection: '1' }
      await here.enter('chat', ann, joined('ann'), entering)
      await here.leave('chat', { user: 'ann', connection: 'none' }, left('ann'), told, owed)
      expect((await there.find('chat', 'ann')).owed).toBeUndefined()
      await here.leave('chat', ann, left('ann'), told, owed)
      expect((await there.find('chat', 'ann')).owed).toEqual(owed)
      await here.enter('chat', ann, joined('ann'), entering)
      expect((await there.find('chat', 'ann')).owed).toEqual(owed)
      await there.settle('chat', 'ann', 'msg')
      expect((await there.find('chat', 'ann')).owed).toEqual(owed)
      await there.settle('chat', 'ann', owed.id)
      expect((await here.find('chat', 'ann')).owed).toBeUndefined()
    })

    test('a channel is used by who is expected: until it has entered, is withdrawn, or is not heard of for a minute', async () => {
      const { broker, here, there, other, clock } = await opened()
      const [ann, bob] = ['ann', 'bob'].map((user) => ({ user, connection: `of ${user}` })) as [Visitor, Visitor]
      const used = async () => (await other.channels.look('chat')).used
      expect(await here.expect('chat', ann)).toEqual(await there.find('chat', 'ann'))
      expect(await used()).toBe(true)
      expect(await other.channels.remove('chat', 'unused')).toBe(false)
      await there.withdraw('chat', ann)
      expect(await used()).toBe(false)

      await here.expect('chat', ann)
      await here.expect('chat', bob)
      await here.enter('chat', ann, joined('ann'), entering)
      expect(await other.channels.look('chat')).toMatchObject({ used: true, expected: false })
      await here.leave('chat', ann, left('ann'), told)
      expect(await other.channels.look('chat')).toMatchObject({ used: true, expected: true })
      await clock.advance(expectation - 1)
      expect(await used()).toBe(true)
      await here.expect('chat', ann)
      await clock.advance(1)
      expect(await used()).toBe(true)
      await clock.advance(expectation - 1)
      expect(await used()).toBe(false)

      const lease = await other.leases.take({ of: 'destroy', channel: 'chat' })
      expect(await here.expect('chat', ann)).toMatchObject({ closing: true })
      expect(await used()).toBe(false)
      await lease?.release()
      await here.expect('chat', ann)
      expect(await other.channels.remove('chat')).toBe(true)
      await createChannel(broker)
      expect(await used()).toBe(false)
      await expect(here.expect('nowhere', ann)).rejects.toMatchObject({ code: 'unknown_channel' })
      await here.withdraw('nowhere', ann)
    })

    test('a channel that is missing cannot be entered, and is left already', async () => {
      const { here } = await opened()
      const who = { user: 'ann', connection: '1' }
      const missing = { code: 'unknown_channel' }
      await expect(here.enter('nowhere', who, joined('ann'), entering)).rejects.toMatchObject(missing)
      await expect(here.find('nowhere', 'ann')).rejects.toMatchObject(missing)
      await expect(here.provide('nowhere', 'ann', json(1))).rejects.toMatchObject(missing)
      expect(await here.leave('nowhere', who, left('ann'), told, owed)).toEqual({ last: false, empty: true })
      await here.settle('nowhere', 'ann', owed.id)
    })
  })
}
