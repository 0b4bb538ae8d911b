import {
  freePort,
  lacksRedis,
  type Redis,
  type RedisCluster,
  startRedis,
  startRedisCluster,
  startSentinels,
  until,
} from '@hookbox/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { RedisBroker } from '../../src/broker/redis/redis-broker.ts'
import {
  createChannel,
  keep,
  listen,
  payloadsOf,
  publish,
  RecordingNode,
  told,
  topOf,
} from '../contracts/broker/kit.ts'
import { redisNode } from '../kit/redis.ts'

const slow = 30_000

/** What is done again until somebody has it. */
async function insist<T>(act: () => Promise<T>): Promise<T> {
  const { done } = await until(async () => ({ done: await act() }), 'Redis to be reached', { deadline: 20_000 })
  return done
}

/** Settles when the node has gone over to that server. */
async function writesTo(redis: Redis, node: RedisBroker): Promise<void> {
  const written = async () => {
    await createChannel(node).catch(() => {})
    return Number(await redis.call('DBSIZE')) > 0 || undefined
  }
  await until(written, 'the new master to be written to')
}

describe.skipIf(lacksRedis())('a broker whose servers change', () => {
  test(
    'finds the master that the Sentinels have put in the place of one that is dead, and one that is stopped',
    async () => {
      const group = await startSentinels()
      onTestFinished(() => group[Symbol.asyncDispose]())
      const hosts = group.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')
      const urls = [`redis+sentinel://${hosts}/${group.name}`]
      const settings = { urls, wait: 1, commandTimeout: 1_000, probe: 200, probeTimeout: 500, deadAfter: 20_000 }
      const [one, two] = [await redisNode(settings), await redisNode(settings)]
      const event = new RecordingNode()
      await one.nodes.start(event)
      // A master counts a replica only when it has heard from it.
      await insist(() => createChannel(one))
      const { ear } = await listen(two)
      await one.log.append('chat', publish(1), told)
      expect(await ear.next()).toBe('PUBLISH 1')
      const before = await topOf(one)

      const first = await group.master()
      first.signal('SIGSTOP')
      await group.promoted(first)
      expect(await ear.next()).toBe('lost 1')
      expect(await event.next()).toBe('restore')
      const page = await insist(() => two.log.read('chat', keep, before))
      expect(page.missed).toBeUndefined()
      expect(payloadsOf(page.history)).toEqual([1])
      first.signal('SIGCONT')
      await group.demoted(first)
      await insist(() => two.log.append('chat', publish(2), told))
      expect(await ear.next()).toMatch(/^PUBLISH/)
    },
    slow,
  )

  test('leaves a master that lives on, cut off from the Sentinels, for the one that they name now', async () => {
    const old = await startRedis()
    onTestFinished(() => old[Symbol.asyncDispose]())
    const next = await startRedis()
    onTestFinished(() => next[Symbol.asyncDispose]())
    const config = [`sentinel monitor mine 127.0.0.1 ${old.port} 1`]
    const sentinel = await startRedis({ sentinel: true, config })
    onTestFinished(() => sentinel[Symbol.asyncDispose]())
    const node = await redisNode({ urls: [`redis+sentinel://127.0.0.1:${sentinel.port}/mine`], probe: 50 })
    await createChannel(node)
    await sentinel.call('SENTINEL', 'REMOVE', 'mine')
    // Where nobody says anything, nothing has changed.
    await node.log.append('chat', publish(1), told)
    await sentinel.call('SENTINEL', 'MONITOR', 'mine', '127.0.0.1', next.port, 1)
    await writesTo(next, node)
  })

  test('believes the newest word, where the Sentinel that stands first is cut off together with the old master', async () => {
    const old = await startRedis()
    onTestFinished(() => old[Symbol.asyncDispose]())
    const next = await startRedis()
    onTestFinished(() => next[Symbol.asyncDispose]())
    const stale = await startRedis({ sentinel: true, config: [`sentinel monitor mine 127.0.0.1 ${old.port} 1`] })
    onTestFinished(() => stale[Symbol.asyncDispose]())
    const port = await freePort()
    const urls = [`redis+sentinel://127.0.0.1:${stale.port},127.0.0.1:${port}/mine`]
    const node = await redisNode({ urls, probe: 50 })
    await createChannel(node)
    const config = [`sentinel monitor mine 127.0.0.1 ${next.port} 1`, 'sentinel config-epoch mine 1']
    const newest = await startRedis({ port, sentinel: true, config })
    onTestFinished(() => newest[Symbol.asyncDispose]())
    await writesTo(next, node)
    // However often they are asked from now on, and whoever answers first.
    const asked = async () =>
      Number(/total_connections_received:(\d+)/.exec(String(await stale.call('INFO', 'stats')))?.[1])
    const before = await asked()
    let wasBack = false
    const enough = async () => {
      wasBack ||= String(await old.call('CLIENT', 'LIST')).includes('name=hookbox')
      return (await asked()) > before + 60 || undefined
    }
    await until(enough, 'the Sentinel to be asked')
    expect(wasBack).toBe(false)
  })

  describe('in a cluster', () => {
    let cluster: RedisCluster
    beforeAll(async () => {
      cluster = await startRedisCluster({ replicas: true })
    }, slow)
    afterAll(() => cluster?.[Symbol.asyncDispose]())

    async function twoNodes(prefix: string): Promise<readonly [RedisBroker, RedisBroker]> {
      const urls = [`redis+cluster://${cluster.masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`]
      const settings = { urls, prefix, probe: 200, probeTimeout: 500, commandTimeout: 1_000, deadAfter: 30_000 }
      return [await redisNode(settings), await redisNode(settings)]
    }

    /** The slot of a channel, who has it, and somebody else. */
    async function placeOf(channel: string) {
      const slot = cluster.slotOf(`{c:${channel}}`)
      const owner = await cluster.ownerOf(slot)
      const other = cluster.masters.find((master) => master !== owner)
      if (!owner || !other) throw new Error('there are three masters')
      return { slot, owner, other }
    }

    test(
      'goes on while a slot moves: who appends waits for it, and who listens hears of a gap rather than of nothing',
      async () => {
        const [one, two] = await twoNodes('a:')
        await createChannel(one)
        const { ear } = await listen(two)
        const { slot, other } = await placeOf('chat')
        let moved = false
        const publishing = (async () => {
          for (let n = 1; !moved; n++) await insist(() => one.log.append('chat', publish(n), told))
        })()
        await cluster.moveSlot(slot, other)
        moved = true
        await publishing
        await insist(() => one.log.append('chat', publish(0), told))
        const { offset } = await topOf(one)
        const heard = [await ear.next()]
        while (!heard.at(-1)?.endsWith(` ${offset}`)) heard.push(await ear.next())
        expect(heard.some((what) => what.startsWith('lost'))).toBe(true)
      },
      slow,
    )

    test(
      'hears again what is told at a slot that went and came back while nothing was told there',
      async () => {
        const [one, two] = await twoNodes('b:')
        await createChannel(one, 'idle')
        const { ear } = await listen(two, 'idle')
        const { slot, owner, other } = await placeOf('idle')
        await cluster.moveSlot(slot, other)
        await cluster.moveSlot(slot, owner)
        await insist(() => one.log.append('idle', publish(1), told))
        const heard = [await ear.next()]
        while (!heard.at(-1)?.endsWith(' 1')) heard.push(await ear.next())
        await one.log.append('idle', publish(2), told)
        expect(await ear.next()).toBe('PUBLISH 2')
      },
      slow,
    )

    test(
      'goes on with the replica of a master that died, and has begun new epochs',
      async () => {
        const [one, two] = await twoNodes('c:')
        const event = new RecordingNode()
        await one.nodes.start(event)
        await createChannel(one)
        const { ear } = await listen(two)
        await one.log.append('chat', publish(1), told)
        expect(await ear.next()).toBe('PUBLISH 1')
        const before = await topOf(one)
        const { owner } = await placeOf('chat')
        await owner.kill()
        await cluster.ready()
        await insist(() => two.log.append('chat', publish(2), told))
        expect(await ear.next()).toMatch(/^lost/)
        expect(await event.next()).toBe('restore')
        expect((await insist(() => one.log.read('chat', keep, before))).missed).toBeUndefined()
        expect(await one.channels.names()).toEqual(['chat'])
        await owner.restart()
        await cluster.ready()
      },
      slow,
    )
  })
})
