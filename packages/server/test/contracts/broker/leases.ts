import { describe, expect, test } from 'vitest'
import type { LeaseKey } from '../../../src/broker/broker.ts'
import { RecordingNode, type Setup, Told } from './kit.ts'

const poll: LeaseKey = { of: 'poll', channel: 'chat' }

export function leasesContract(setup: Setup): void {
  async function opened() {
    const beginning = await setup()
    const other = await beginning.join()
    return { ...beginning, here: beginning.broker.leases, there: other.leases, other }
  }

  describe('leases', () => {
    test('are held once, among all nodes and within one, until they are given back', async () => {
      const { here, there } = await opened()
      const lease = await here.take(poll)
      expect(lease).toBeDefined()
      expect(await here.take(poll)).toBeUndefined()
      expect(await there.take(poll)).toBeUndefined()
      await lease?.release()
      await lease?.release()
      const next = await there.take(poll)
      expect(next).toBeDefined()
      await lease?.release()
      expect(await here.take(poll)).toBeUndefined()
      await next?.release()
    })

    test('stand for one thing each', async () => {
      const { here } = await opened()
      const keys: LeaseKey[] = [
        { of: 'create', channel: 'a' },
        { of: 'create', channel: 'b' },
        { of: 'destroy', channel: 'a' },
        { of: 'poll', channel: 'a' },
        { of: 'visit', channel: 'a', user: 'ann' },
        { of: 'visit', channel: 'a', user: '__proto__' },
        { of: 'visit', channel: 'a:ann', user: '' },
        { of: 'publish', channel: 'a', idKey: 'ann' },
        { of: 'publish', channel: 'a', idKey: 'ann:1' },
        { of: 'publish', channel: 'a:ann', idKey: '1' },
        { of: 'message', user: 'a', id: 'ann' },
        { of: 'message', user: 'a:ann', id: '' },
        { of: 'message', user: '{a}', id: '"' },
      ]
      for (const key of keys) expect(await here.take(key), JSON.stringify(key)).toBeDefined()
      for (const key of keys) expect(await here.take(key), JSON.stringify(key)).toBeUndefined()
    })

    test('whoever waits gets it when it is free, and its holder is told', async () => {
      const { here, there } = await opened()
      const told = new Told()
      const lease = await here.take(poll, { wanted: () => told.put('wanted') })
      const waiting = there.wait(poll).then((got) => {
        told.put('given')
        return got
      })
      expect(await told.next()).toBe('wanted')
      await lease?.release()
      expect(await told.next()).toBe('given')
      expect(await here.take(poll)).toBeUndefined()
      await (await waiting).release()
      expect(await here.take(poll)).toBeDefined()
    })

    test('are given at once where nobody holds them', async () => {
      const { here, there } = await opened()
      const lease = await here.wait(poll)
      await lease.release()
      await (await there.wait(poll)).release()
    })

    test('pass in their order from one to the next of those who wait on one node, and never to two', async () => {
      const { here } = await opened()
      const order: number[] = []
      let holders = 0
      const first = await here.wait(poll)
      const waiting = [1, 2, 3, 4].map(async (n) => {
        const lease = await here.wait(poll)
        order.push(n)
        expect(++holders).toBe(1)
        await Promise.resolve()
        holders--
        await lease.release()
      })
      await first.release()
      await Promise.all(waiting)
      expect(order).toEqual([1, 2, 3, 4])
    })

    test('pass between nodes without two holding one', async () => {
      const { broker, other, join } = await opened()
      const nodes = [broker, other, await join()]
      let holders = 0
      const counts = nodes.map(() => 0)
      await Promise.all(
        nodes.flatMap((node, at) =>
          [1, 2, 3].map(async () => {
            const lease = await node.leases.wait(poll)
            expect(++holders).toBe(1)
            await new Promise((resolve) => setImmediate(resolve))
            holders--
            counts[at] = (counts[at] ?? 0) + 1
            await lease.release()
          }),
        ),
      )
      expect(counts).toEqual([3, 3, 3])
    })

    test('whoever waits only until it is free takes nothing, and its holder is told', async () => {
      const { here, there } = await opened()
      await there.freed(poll)
      const told = new Told()
      const lease = await here.take(poll, { wanted: () => told.put('wanted') })
      const [freed, freedHere] = [there, here].map((leases) => leases.freed(poll).then(() => told.put('freed')))
      expect(await told.take(2)).toEqual(['wanted', 'wanted'])
      await lease?.release()
      expect(await told.take(2)).toEqual(['freed', 'freed'])
      await Promise.all([freed, freedHere])
      expect(await here.take(poll)).toBeDefined()
    })

    test('one that passes from one to the next is free in between for whoever waits only for that', async () => {
      const { here, there, join } = await opened()
      const third = (await join()).leases
      const told = new Told()
      const first = await here.take(poll, { wanted: () => told.put('wanted') })
      const second = there.wait(poll)
      expect(await told.next()).toBe('wanted')
      const freed = third.freed(poll).then(() => told.put('freed'))
      expect(await told.next()).toBe('wanted')
      await first?.release()
      await second
      expect(await told.next()).toBe('freed')
      await freed
    })

    test('who is given one while others wait is told that it is wanted', async () => {
      const { here, there } = await opened()
      const told = new Told()
      const first = await here.take(poll, { wanted: () => told.put('first') })
      const second = there.wait(poll, { wanted: () => told.put('second') })
      expect(await told.next()).toBe('first')
      const third = here.wait(poll)
      await first?.release()
      const lease = await second
      let said = await told.next()
      while (said === 'first') said = await told.next()
      expect(said).toBe('second')
      await lease.release()
      await (await third).release()
    })

    test('of a node that closed or vanished are free', async () => {
      const { broker, here, other, join, crash } = await opened()
      await broker.nodes.start(new RecordingNode())
      await other.nodes.start(new RecordingNode())
      expect(await other.leases.take(poll)).toBeDefined()
      const waiting = here.wait(poll)
      await crash(other)
      const lease = await waiting
      const third = await join()
      const waitingToo = third.leases.wait(poll)
      await broker.close()
      expect(await waitingToo).toBeDefined()
      await lease.release()
      expect(await third.leases.take(poll)).toBeUndefined()
    })
  })
}
