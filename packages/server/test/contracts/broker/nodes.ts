import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { connect, RecordingNode, type Setup } from './kit.ts'

export function nodesContract(setup: Setup): void {
  describe('nodes', () => {
    test('know each other once they have started, and one of them is told that nothing was before', async () => {
      const { broker, join } = await setup()
      const other = await join()
      const started = await Promise.all([broker, other].map(({ nodes }) => nodes.start(new RecordingNode())))
      expect(started.filter(({ fresh }) => fresh)).toHaveLength(1)
      expect((await broker.nodes.all()).sort()).toEqual([broker.nodes.id, other.nodes.id].sort())
      const third = await join()
      expect(await third.nodes.start(new RecordingNode())).toEqual({ fresh: false })
      expect(await other.nodes.all()).toHaveLength(3)
      await third.close()
      expect((await broker.nodes.all()).sort()).toEqual([broker.nodes.id, other.nodes.id].sort())
    })

    test('what a node leaves behind when it closes goes to one of the others', async () => {
      const { broker, join } = await setup()
      const others = [await join(), await join()]
      const heirs = others.map(() => new RecordingNode())
      const dying = broker.nodes.id
      await broker.nodes.start(new RecordingNode())
      for (const [at, other] of others.entries()) await other.nodes.start(heirs[at] as RecordingNode)
      await connect(broker, '1')
      await connect(broker, '2', 'bob')
      await connect(broker, '3')
      await broker.users.leave('ann', '3')
      await broker.nodes.note('disconnect ann', { id: 'msg', channels: [] })
      await broker.nodes.note('gone', 1)
      await broker.nodes.note('gone', null)
      await broker.close()
      expect(await Promise.race(heirs.map((heir) => heir.next()))).toBe(`inherit ${dying}`)
      const estates = heirs.flatMap((heir) => heir.estates)
      expect(estates).toHaveLength(1)
      const [estate] = estates
      expect(estate?.node).toBe(dying)
      expect([...(estate?.connections ?? [])].sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
        { user: 'ann', id: '1' },
        { user: 'bob', id: '2' },
      ])
      expect(estate?.notes).toEqual(new Map([['disconnect ann', { id: 'msg', channels: [] }]]))
    })

    test('so does what a node leaves behind that vanishes; the heir can claim it', async () => {
      const { broker, join, crash } = await setup()
      const other = await join()
      const heir = new RecordingNode()
      await broker.nodes.start(new RecordingNode())
      await other.nodes.start(heir)
      const dead = broker.nodes.id
      await connect(broker, '1')
      await crash(broker)
      expect(await heir.next()).toBe(`inherit ${dead}`)
      expect(heir.estates[0]?.connections).toEqual([{ user: 'ann', id: '1' }])
      expect(await other.nodes.all()).toEqual([other.nodes.id])
      expect(await other.users.claim('ann', '1')).toMatchObject({ id: '1', node: other.nodes.id })
      expect(await other.users.leave('ann', '1')).toBe('last')
    })

    test('what was claimed from a node is not in its estate', async () => {
      const { broker, join } = await setup()
      const other = await join()
      const heir = new RecordingNode()
      await broker.nodes.start(new RecordingNode())
      await other.nodes.start(heir)
      await connect(broker, '1')
      await connect(broker, '2')
      await other.users.claim('ann', '1')
      await broker.close()
      await heir.next()
      expect(heir.estates[0]?.connections).toEqual([{ user: 'ann', id: '2' }])
    })

    test('what nobody could take over waits for the next node, which has it before it has started', async () => {
      const { broker, join } = await setup()
      const dead = broker.nodes.id
      await broker.nodes.start(new RecordingNode())
      await broker.nodes.note('a', 1)
      const next = await join()
      await broker.close()
      const heir = new RecordingNode()
      expect(await next.nodes.start(heir)).toEqual({ fresh: false })
      expect(heir.estates).toEqual([{ node: dead, connections: [], notes: new Map([['a', 1]]) }])
    })

    test('where the heir vanishes before it is done, another one goes on', async () => {
      const { broker, join, crash } = await setup()
      const [second, third] = [await join(), await join()]
      const dead = broker.nodes.id
      await broker.nodes.start(new RecordingNode())
      await broker.nodes.note('a', 1)
      const taking = deferred<void>()
      const never: RecordingNode = new RecordingNode()
      never.inherit = async () => {
        taking.resolve()
        await new Promise(() => {})
      }
      await second.nodes.start(never)
      const closing = broker.close()
      await taking.promise
      const heir = new RecordingNode()
      const starting = third.nodes.start(heir)
      const died = second.nodes.id
      await starting
      await crash(second)
      const said = [await heir.next(), await heir.next()].sort()
      expect(said).toEqual([`inherit ${dead}`, `inherit ${died}`].sort())
      expect(heir.estates.find(({ node }) => node === dead)?.notes).toEqual(new Map([['a', 1]]))
      await closing
    })
  })
}
