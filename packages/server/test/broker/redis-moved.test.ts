import { lacksRedis, startRedisCluster, startSentinels, until } from '@hookbox/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
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
const prefix = 'p:'

/** What is done again until somebody has it. */
async function insist<T>(act: () => Promise<T>): Promise<T> {
  const { done } = await until(async () => ({ done: await act() }), 'Redis to be reached', { deadline: 20_000 })
  return done
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

  test(
    'goes on with a cluster whose slots move, and whose masters die',
    async () => {
      const cluster = await startRedisCluster({ replicas: true })
      onTestFinished(() => cluster[Symbol.asyncDispose]())
      const urls = [`redis+cluster://${cluster.masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`]
      const settings = { urls, prefix, probe: 200, probeTimeout: 500, commandTimeout: 1_000, deadAfter: 30_000 }
      const nodes = [await redisNode(settings), await redisNode(settings)] as [RedisBroker, RedisBroker]
      const [one, two] = nodes
      await createChannel(one)
      const { ear } = await listen(two)
      await one.log.append('chat', publish(1), told)
      expect(await ear.next()).toBe('PUBLISH 1')

      // Whoever asks while the slot is on its way waits for it.
      const slot = cluster.slotOf('p:{c:chat}:meta')
      const from = await cluster.ownerOf(slot)
      const to = cluster.masters.find((master) => master !== from)
      if (!to) throw new Error('there are three')
      let moved = false
      const publishing = (async () => {
        let count = 0
        while (!moved) {
          await insist(() => one.log.append('chat', publish(++count), told))
        }
        return count
      })()
      await cluster.moveSlot(slot, to)
      moved = true
      await publishing
      await insist(() => one.log.append('chat', publish(0), { ...told, idKey: 'last' }))
      const top = await topOf(one)
      const heard: string[] = []
      while (heard.at(-1) !== `PUBLISH ${top.offset}` && heard.at(-1) !== `lost ${top.offset}`)
        heard.push(await ear.next())
      expect(heard.some((what) => what.startsWith('lost'))).toBe(true)

      const before = await topOf(one)
      await to.kill()
      await cluster.ready()
      // It has another life: what the dead one had told last may be lost.
      await insist(() => two.log.append('chat', publish(3), told))
      expect(await ear.next()).toMatch(/^lost/)
      expect((await insist(() => one.log.read('chat', keep, before))).missed).toBeUndefined()
      expect(await one.channels.names()).toEqual(['chat'])
    },
    slow,
  )
})
