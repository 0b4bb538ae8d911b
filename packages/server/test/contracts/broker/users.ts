import { describe, expect, test } from 'vitest'
import type { ConnectionRecord } from '../../../src/broker/broker.ts'
import { connect, connectionOf, RecordingUserEar, type Setup, ticketOf } from './kit.ts'

export function usersContract(setup: Setup): void {
  async function opened() {
    const beginning = await setup()
    const other = await beginning.join()
    return { ...beginning, here: beginning.broker.users, there: other.users, other }
  }

  describe('users', () => {
    test('a user is there from the first connection to the last, on whichever nodes', async () => {
      const { broker, other, here, there } = await opened()
      expect(await there.find('ann')).toBeUndefined()
      expect(await connect(broker, '1')).toEqual({ options: { reflective: true }, first: true })
      expect(await connect(other, '2')).toEqual({ options: { reflective: true }, first: false })
      const record = (id: string, node: string): ConnectionRecord => ({
        ...connectionOf(id),
        node,
        live: true,
        channels: new Map(),
        promised: new Set(),
        ticket: undefined,
      })
      expect(await there.find('ann')).toEqual({
        name: 'ann',
        options: { reflective: true },
        connections: [record('1', broker.nodes.id), record('2', other.nodes.id)],
      })
      expect(await here.areHere(['bob', 'ann'])).toEqual([false, true])
      expect(await here.all()).toEqual(new Map([['ann', ['1', '2']]]))
      expect(await there.count()).toBe(1)
      expect(await here.leave('ann', '1')).toBe('further')
      expect(await there.leave('ann', '2')).toBe('last')
      expect(await there.leave('ann', '2')).toBe('elsewhere')
      expect(await there.find('ann')).toBeUndefined()
      expect(await here.areHere(['ann'])).toEqual([false])
      expect(await here.all()).toEqual(new Map())
      expect(await there.count()).toBe(0)
      expect(await here.areHere([])).toEqual([])
    })

    test('users are apart whatever their names', async () => {
      const { broker, there } = await opened()
      const names = ['__proto__', 'a:b', '{a}', 'a}', '%7b', "o'neil", '🦊', 'connection:1']
      for (const name of names) await connect(broker, `of ${name}`, name)
      for (const name of names) {
        expect((await there.find(name))?.connections.map(({ id }) => id)).toEqual([`of ${name}`])
        expect((await there.locate(`of ${name}`))?.user).toBe(name)
      }
      expect([...(await there.all()).keys()].sort()).toEqual([...names].sort())
      for (const name of names) expect(await broker.users.leave(name, `of ${name}`)).toBe('last')
    })

    test('options stay with the user, whoever is new begins with those by default, and changes are made in any case', async () => {
      const { broker, here, there } = await opened()
      const odd = { list: [], object: {}, nothing: null, deep: { a: [1.5, 'x', {}] }, ['__proto__']: 1, '"': '\\' }
      const first = await here.enter(connectionOf('1'), { byDefault: { a: 1, b: 2 }, changes: { b: 3, ...odd } })
      expect(first.options).toEqual({ a: 1, b: 3, ...odd })
      const second = await there.enter(connectionOf('2'), { byDefault: { a: 9, c: 9 }, changes: { d: 4 } })
      expect(second.options).toEqual({ a: 1, b: 3, ...odd, d: 4 })
      expect(await there.changeOptions('ann', { a: 5 })).toEqual({ a: 5, b: 3, ...odd, d: 4 })
      expect((await here.find('ann'))?.options).toEqual({ a: 5, b: 3, ...odd, d: 4 })
      expect(await here.changeOptions('bob', { a: 5 })).toBeUndefined()
      await here.leave('ann', '1')
      await there.leave('ann', '2')
      expect(await connect(broker, '3')).toEqual({ options: { reflective: true }, first: true })
    })

    test('a connection is changed by its own node alone', async () => {
      const { broker, other, here, there } = await opened()
      await connect(broker, '1')
      const ticket = { ...ticketOf('secret'), deadline: 123_456 }
      const channels = new Map([
        ['chat', 'asked' as const],
        ['=odd', 'given' as const],
      ])
      await here.update('ann', '1', { channels: new Map([['news', 'promised']]) })
      expect(await here.update('ann', '1', { live: false, cookies: undefined, ticket, channels })).toBe(true)
      expect(await there.update('ann', '1', { live: true })).toBe(false)
      expect(await there.leave('ann', '1')).toBe('elsewhere')
      expect(await here.update('ann', 'none', { live: true })).toBe(false)
      expect(await here.update('bob', '1', { live: true })).toBe(false)
      const expected = {
        ...connectionOf('1'),
        node: broker.nodes.id,
        live: false,
        cookies: undefined,
        channels,
        promised: new Set(['news']),
        ticket,
      }
      expect(await there.locate('1')).toEqual(expected)
      expect(await there.all()).toEqual(new Map([['ann', []]]))

      const later = new Map([['chat', null] as const, ['news', 'given'] as const])
      expect(await here.update('ann', '1', { cookies: 'b=2', channels: later })).toBe(true)
      expect(await other.users.locate('1')).toEqual({
        ...expected,
        cookies: 'b=2',
        channels: new Map([
          ['=odd', 'given'],
          ['news', 'given'],
        ]),
        promised: new Set(),
      })
      expect(await there.locate('none')).toBeUndefined()
    })

    test('a connection that enters again is new', async () => {
      const { broker, here, there } = await opened()
      await connect(broker, '1')
      await connect(broker, '2')
      await here.update('ann', '1', { ticket: ticketOf('old'), live: false, channels: new Map([['chat', 'asked']]) })
      expect(await connect(broker, '1')).toMatchObject({ first: false })
      const found = await there.find('ann')
      expect(found?.connections.map(({ id }) => id)).toEqual(['1', '2'])
      expect(found?.connections[0]).toMatchObject({ live: true, ticket: undefined, channels: new Map() })
      expect(await there.takeTicket('old')).toBeUndefined()
    })

    test('a ticket is taken once, on any node, and the one before it is void', async () => {
      const { broker, other, here, there } = await opened()
      await connect(broker, '1')
      await here.update('ann', '1', { ticket: ticketOf('one') })
      await here.update('ann', '1', { ticket: ticketOf('two') })
      expect(await there.takeTicket('one')).toBeUndefined()
      const taken = await Promise.all([broker, other, broker, other].map(({ users }) => users.takeTicket('two')))
      const got = taken.filter((record) => record !== undefined)
      expect(got).toHaveLength(1)
      expect(got[0]).toMatchObject({ id: '1', user: 'ann', node: broker.nodes.id, ticket: ticketOf('two') })
      expect(await there.locate('1')).toMatchObject({ ticket: undefined })

      await here.update('ann', '1', { ticket: ticketOf('three') })
      await here.update('ann', '1', { ticket: null })
      expect(await there.takeTicket('three')).toBeUndefined()
      await here.update('ann', '1', { ticket: ticketOf('four') })
      await here.leave('ann', '1')
      expect(await there.takeTicket('four')).toBeUndefined()
      expect(await there.takeTicket('never')).toBeUndefined()
    })

    test('a connection is claimed by one node, with its ticket, and is no more that of the one before', async () => {
      const { broker, other, here, there } = await opened()
      await connect(broker, '1')
      await here.update('ann', '1', { live: false, ticket: ticketOf('one'), channels: new Map([['chat', 'asked']]) })
      expect(await here.claim('ann', '1')).toBeUndefined()
      expect(await there.claim('ann', 'none')).toBeUndefined()
      expect(await there.claim('ann', '1')).toEqual({
        ...connectionOf('1'),
        node: other.nodes.id,
        live: false,
        channels: new Map([['chat', 'asked']]),
        promised: new Set(),
        ticket: ticketOf('one'),
      })
      expect(await there.claim('ann', '1')).toBeUndefined()
      expect(await here.update('ann', '1', { live: true })).toBe(false)
      expect(await here.leave('ann', '1')).toBe('elsewhere')
      expect(await there.update('ann', '1', { live: true })).toBe(true)
      expect((await here.takeTicket('one'))?.node).toBe(other.nodes.id)
      expect(await there.leave('ann', '1')).toBe('last')
    })

    test('whoever listens hears of a user coming, changing and going, once each', async () => {
      const { broker, other, here, there } = await opened()
      const ears = [new RecordingUserEar(), new RecordingUserEar()]
      await here.listen('ann', ears[0] as RecordingUserEar)
      const stop = await there.listen('ann', ears[1] as RecordingUserEar)
      await connect(broker, '1', 'ann', { a: 1 })
      await connect(other, '2')
      await connect(other, '3', 'ann', { b: 2 })
      await here.changeOptions('ann', { a: 3 })
      await here.leave('ann', '1')
      await there.leave('ann', '2')
      await there.leave('ann', '3')
      for (const ear of ears) {
        expect(await ear.take(4)).toEqual([
          'came',
          'changed {"reflective":true,"a":1,"b":2}',
          'changed {"reflective":true,"a":3,"b":2}',
          'left',
        ])
      }
      stop()
      await connect(broker, '4')
      await here.leave('ann', '4')
      await connect(broker, '5', 'bob')
      expect(await ears[0]?.take(2)).toEqual(['came', 'left'])
      await there.listen('ann', ears[1] as RecordingUserEar)
      await connect(broker, '6')
      expect(await ears[1]?.next()).toBe('came')
    })
  })
}
