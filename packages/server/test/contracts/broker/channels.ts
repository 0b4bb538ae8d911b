import { formatPosition } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import {
  append,
  createChannel,
  empty,
  entering,
  joined,
  json,
  keep,
  left,
  listen,
  onlyTold,
  payloadsOf,
  plain,
  publish,
  publishFrame,
  RecordingEar,
  type Setup,
  stateOf,
  told,
  topOf,
} from './kit.ts'

export function channelsContract(setup: Setup): void {
  describe('channels', () => {
    test('makes a channel once, for all nodes', async () => {
      const { broker, join } = await setup()
      const other = await join()
      const options = json({ reflective: true })
      expect(await broker.channels.create('chat', options, empty)).toBe(true)
      expect(await other.channels.create('chat', plain, empty)).toBe(false)
      expect(await other.channels.load('chat')).toEqual({ options, revision: 1 })
      expect(await other.channels.names()).toEqual(['chat'])
      expect(await other.channels.count()).toBe(1)
      expect(await other.channels.load('nowhere')).toBeUndefined()
      expect(await other.channels.open('nowhere', new RecordingEar())).toBeUndefined()
    })

    test('many who make the same channel at once make one', async () => {
      const { broker, join } = await setup()
      const nodes = [broker, await join(), await join()]
      const made = await Promise.all(nodes.map((node) => node.channels.create('chat', plain, empty)))
      expect(made.filter(Boolean)).toHaveLength(1)
      expect(await broker.channels.remove('chat')).toBe(true)
      expect(await broker.channels.names()).toEqual([])
    })

    test('a channel begins with what it was given, and ids in it are known', async () => {
      const { broker } = await setup()
      const seed = {
        history: [{ what: publish(7), idKey: 'seven' }],
        state: new Map([
          ['a', json(1)],
          ['__proto__', json(2)],
        ]),
        keep,
      }
      await createChannel(broker, 'chat', seed)
      const page = await broker.log.read('chat', keep)
      expect(page).toMatchObject({ history: '[["PUBLISH",{"payload":7}]]', more: false, members: [], revision: 1 })
      expect([...page.state]).toEqual([
        ['a', '1'],
        ['__proto__', '2'],
      ])
      expect(await broker.log.recall('chat', 'seven')).toEqual({ position: page.top })
    })

    test('forgets a channel that was removed, tells so, and begins another epoch when it is made anew', async () => {
      const { broker, join } = await setup()
      const other = await join()
      await createChannel(broker)
      const { ear } = await listen(other)
      const before = await append(broker, publish(1))
      await broker.presence.enter('chat', { user: 'ann', connection: '1' }, joined('ann'), entering)
      expect(await broker.channels.remove('chat')).toBe(true)
      expect(await broker.channels.remove('chat')).toBe(false)
      expect(await ear.take(3)).toEqual(['PUBLISH 1', 'SUBSCRIBE 2', 'removed'])
      expect(await other.channels.load('chat')).toBeUndefined()
      expect(await other.channels.count()).toBe(0)
      const missing = { code: 'unknown_channel' }
      await expect(broker.log.append('chat', publish(2), told)).rejects.toMatchObject(missing)
      await expect(broker.log.read('chat', keep)).rejects.toMatchObject(missing)
      await expect(broker.log.history('chat', keep, { limit: 1 })).rejects.toMatchObject(missing)
      await expect(broker.channels.change('chat', 1, { keep })).rejects.toMatchObject(missing)
      await expect(broker.channels.look('chat')).rejects.toMatchObject(missing)

      await createChannel(broker)
      const after = await append(broker, publish(2))
      expect(after.offset).toBe(1)
      expect(after.epoch).not.toBe(before.epoch)
      const page = await broker.log.read('chat', keep, before)
      expect(page).toMatchObject({ missed: undefined, members: [] })
      expect(payloadsOf(page.history)).toEqual([2])
    })

    test('whoever has heard that a channel is gone hears nothing of the next one', async () => {
      const { broker } = await setup()
      await createChannel(broker)
      const { ear: old } = await listen(broker)
      await broker.channels.remove('chat')
      await createChannel(broker)
      const { ear } = await listen(broker)
      await broker.log.append('chat', publish(1), told)
      expect(await ear.next()).toBe('PUBLISH 1')
      expect(await old.next()).toBe('removed')
      expect(old.numbered).toEqual([])
    })

    test('many channels are many, whatever their names', async () => {
      const { broker, join } = await setup()
      const other = await join()
      const names = [
        '__proto__',
        'constructor',
        'a:b',
        '{a}',
        '{a}:meta',
        '{',
        '}',
        '%7d',
        '\'quoted"',
        '🦊 fox',
        '*',
        ' ',
      ]
      for (const name of names) expect(await broker.channels.create(name, json(name), empty)).toBe(true)
      for (const name of names) {
        const { ear } = await listen(other, name)
        await broker.log.append(name, publish(1), told)
        expect(await ear.next()).toBe('PUBLISH 1')
        expect(ear.numbered[0]?.frame.text).toBe(publishFrame(name, 1, 1))
        expect(await other.channels.load(name)).toEqual({ options: json(name), revision: 1 })
      }
      expect((await other.channels.names()).sort()).toEqual([...names].sort())
      for (const name of names) expect(await other.channels.remove(name)).toBe(true)
      expect(await broker.channels.names()).toEqual([])
    })

    test('what opens a channel hears from the moment of its record, in order, each once', async () => {
      const { broker, join } = await setup()
      const other = await join()
      await createChannel(broker)
      const publishing = (async () => {
        for (let n = 1; n <= 200; n++) await broker.log.append('chat', publish(n), onlyTold)
      })()
      const ears: RecordingEar[] = []
      for (let n = 0; n < 10; n++) ears.push((await listen(n % 2 === 0 ? other : broker)).ear)
      await publishing
      await broker.channels.remove('chat')
      for (const ear of ears) {
        while ((await ear.next()) !== 'removed') {}
        const offsets = ear.numbered.map(({ position }) => position.offset)
        const first = offsets[0] ?? 201
        expect(offsets).toEqual(Array.from({ length: 201 - first }, (_, i) => first + i))
      }
    })

    test('a change of options is told to every node with its revision, a change of state to subscribers', async () => {
      const { broker, join } = await setup()
      const other = await join()
      await createChannel(broker)
      const { ear } = await listen(other)
      const { channels } = broker
      const moderated = json({ moderated: true })
      expect(await channels.change('chat', 1, { options: moderated, keep })).toEqual({
        options: moderated,
        revision: 2,
      })
      expect(await channels.change('chat', 2, { keep, state: stateOf({ a: 1, b: 2 }) })).toEqual({
        options: moderated,
        revision: 3,
      })
      expect(await channels.change('chat', 3, { options: plain, keep, state: stateOf({ c: 3 }, ['a']) })).toMatchObject(
        {
          revision: 4,
        },
      )
      const said = ['changed 2 {"moderated":true}', 'STATE_UPDATE 1', 'STATE_UPDATE 2', 'changed 4 {}']
      expect(await ear.take(4)).toEqual(said)
      expect(ear.numbered[1]?.frame.text).toBe(
        '[0,"STATE_UPDATE",{"channel_name":"chat","offset":2,"updates":{"c":3},"deletes":["a"]}]',
      )
      const page = await other.log.read('chat', keep)
      expect(page.revision).toBe(4)
      expect([...page.state]).toEqual([
        ['b', '2'],
        ['c', '3'],
      ])
      expect(await other.channels.load('chat')).toEqual({ options: plain, revision: 4 })
    })

    test('of two changes of the same revision one is made', async () => {
      const { broker, join } = await setup()
      const other = await join()
      await createChannel(broker)
      const made = await Promise.all(
        [broker, other].map((node, n) => node.channels.change('chat', 1, { options: json(n), keep })),
      )
      expect(made.filter((record) => record !== undefined)).toHaveLength(1)
      expect(await broker.channels.change('chat', 1, { keep, state: stateOf({ a: 1 }) })).toBeUndefined()
      expect((await broker.log.read('chat', keep)).state.size).toBe(0)
    })

    test('a snapshot belongs to its top: the state is in it, and in no history', async () => {
      const { broker } = await setup()
      await createChannel(broker)
      await broker.channels.change('chat', 1, { keep, state: stateOf({ a: 1 }, ['b']) })
      const page = await broker.log.read('chat', keep)
      expect(page.top.offset).toBe(1)
      expect(page.state).toEqual(new Map([['a', '1']]))
      expect(page.history).toBe('[]')
    })

    test('keys of the state stay in the order in which they came', async () => {
      const { broker } = await setup()
      const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`key ${(i * 7919) % 300}`, i]))
      await createChannel(broker)
      await broker.channels.change('chat', 1, { keep, state: stateOf({ z: 1, ...many }) })
      await broker.channels.change('chat', 2, { keep, state: stateOf({ z: 2, 'key 0': 3 }, ['key 0']) })
      const { state } = await broker.log.read('chat', keep)
      expect([...state.keys()]).toEqual(['z', ...Object.keys(many).filter((key) => key !== 'key 0'), 'key 0'])
      expect(state.get('z')).toBe('2')
    })

    test('another history takes the place of the one there is, and nobody is told', async () => {
      const { broker } = await setup()
      await createChannel(broker)
      await broker.log.append('chat', publish(1), told)
      const { ear } = await listen(broker)
      const history = [2, 3].map((n) => ({ what: publish(n), idKey: n === 3 ? 'three' : undefined }))
      await broker.channels.change('chat', 1, { keep, history })
      const page = await broker.log.read('chat', keep)
      expect(payloadsOf(page.history)).toEqual([2, 3])
      expect(page.top.offset).toBe(1)
      expect(await broker.log.recall('chat', 'three')).toEqual({ position: page.top })
      await broker.log.append('chat', publish(4), told)
      expect(await ear.next()).toBe('PUBLISH 2')
      expect(payloadsOf((await broker.log.read('chat', keep)).history)).toEqual([2, 3, 4])
    })

    test('a channel is used by who is in it, and as long as a leave is owed', async () => {
      const { broker } = await setup()
      const { channels, presence } = broker
      const ann = { user: 'ann', connection: '1' }
      await createChannel(broker)
      expect(await channels.look('chat')).toEqual({ used: false, expected: false, kept: false, visits: 0 })
      await presence.enter('chat', ann, joined('ann'), entering)
      expect(await channels.look('chat')).toEqual({ used: true, expected: false, kept: false, visits: 1 })
      expect(await channels.remove('chat', 'unused')).toBe(false)
      await presence.leave('chat', ann, left('ann'), told, { id: 'msg 1', cookies: undefined, address: undefined })
      expect(await channels.look('chat')).toEqual({ used: true, expected: false, kept: false, visits: 1 })
      expect(await channels.remove('chat', 'unused')).toBe(false)
      await presence.settle('chat', 'ann', 'another')
      expect(await channels.remove('chat', 'unused')).toBe(false)
      await presence.settle('chat', 'ann', 'msg 1')
      expect(await channels.look('chat')).toEqual({ used: false, expected: false, kept: false, visits: 1 })
      expect(await channels.remove('chat', 'unused')).toBe(true)
      await presence.settle('chat', 'ann', 'msg 1')
    })

    test('a channel is kept until somebody enters it', async () => {
      const { broker } = await setup()
      const { channels, presence } = broker
      await createChannel(broker)
      expect(await channels.keep('chat', 1)).toBe(false)
      expect(await channels.keep('chat', 0)).toBe(true)
      expect(await channels.look('chat')).toMatchObject({ kept: true })
      await presence.enter('chat', { user: 'ann', connection: '1' }, joined('ann'), entering)
      expect(await channels.look('chat')).toMatchObject({ kept: false, visits: 1 })
      expect(await channels.keep('chat', 0)).toBe(false)
    })

    test('a listener that stopped hears nothing more', async () => {
      const { broker } = await setup()
      await createChannel(broker)
      const { ear: stopped, stop } = await listen(broker)
      const { ear } = await listen(broker)
      await broker.log.append('chat', publish(1), told)
      expect(await stopped.next()).toBe('PUBLISH 1')
      stop()
      stop()
      await broker.log.append('chat', publish(2), told)
      expect(await ear.take(2)).toEqual(['PUBLISH 1', 'PUBLISH 2'])
      expect(stopped.numbered).toHaveLength(1)
    })

    test('once closed, a node takes nothing more, and the others go on', async () => {
      const { broker, join } = await setup()
      const other = await join()
      await createChannel(broker)
      const { ear } = await listen(broker)
      await broker.close()
      await broker.close()
      const stopped = { code: 'unavailable' }
      await expect(broker.log.append('chat', publish(1), told)).rejects.toMatchObject(stopped)
      await expect(broker.messages.send('ann', '')).rejects.toMatchObject(stopped)
      await expect(broker.channels.remove('chat')).rejects.toMatchObject(stopped)
      await expect(broker.users.find('ann')).rejects.toMatchObject(stopped)
      await expect(broker.leases.take({ of: 'poll', channel: 'chat' })).rejects.toMatchObject(stopped)
      const position = await append(other, publish(1))
      expect(formatPosition(await topOf(other))).toBe(formatPosition(position))
      expect(ear.numbered).toEqual([])
    })
  })
}
