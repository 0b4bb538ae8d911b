import { setTimeout as pause } from 'node:timers/promises'
import { type Redis, type RedisCluster, startRedis, startRedisCluster, startSentinels, until } from '@hookbox/testkit'
import { megabytesOf } from './gauge.ts'
import { beside, healthOf, longestAbsence, portsOf, startNodes } from './nodes.ts'
import type { Scenario } from './scenario.ts'

/** Milliseconds within which publishes must be acknowledged again: after Redis is back, and where another one has to take its place. */
const again = { back: 5_000, replaced: 15_000 }

/** Milliseconds after which what Redis does not answer is given up, with what a busy machine adds to it. */
const deadline = { least: 1_500, most: 4_000 }

/** Milliseconds within which a node must say that it is alive, whatever Redis does; a busy machine has its share in it. */
const healthy = 1_000

/** Megabytes by which a node may grow while Redis is silent. */
const growth = 50

/** How many keys are drawn, whose slots move. */
const slotsMoved = 3

/** Milliseconds for which a master's replicas hear nothing of it before it is gone. */
const longestUnreplicated = 400

/** Milliseconds for what servers settle among themselves. */
const slow = 30_000

/** What happens to the Redis of several nodes. */
export const redisScenarios = {
  'redis-restart': {
    about: 'several nodes, whose Redis is killed and started anew, with what --persistence says',
    upsets: ['restarts', 20],
    isShared: true,
    gaps: () => true,
    async start(settings) {
      const redis = await startRedis({ persistence: settings.persistence })
      return beside(redis, async () => {
        const started = await startNodes(settings, redis.url)
        return started.hubs(redis, async (random, around) => {
          await redis.kill('SIGKILL')
          around.memoryLost()
          await pause(random.int(0, longestAbsence))
          await redis.restart()
          around.took('publishes acknowledged again', await around.publishEverywhere(portsOf(started)), again.back)
        })
      })
    },
  },
  'redis-stop': {
    about: 'several nodes, whose Redis falls silent for five to thirty seconds',
    upsets: ['stops', 5],
    isShared: true,
    gaps: () => false,
    async start(settings) {
      const redis = await startRedis()
      return beside(redis, async () => {
        const started = await startNodes(settings, redis.url)
        return started.hubs(redis, async (random, around) => {
          const before = started.nodes.map(({ pid }) => megabytesOf(pid))
          redis.signal('SIGSTOP')
          const end = Date.now() + random.int(5_000, 30_000)
          const tries = Promise.all(portsOf(started).map((port) => around.tryToPublish(port)))
          while (Date.now() < end) {
            const answered = await Promise.all(started.nodes.map(healthOf))
            around.took('/health answered while Redis is silent', Math.max(...answered), healthy)
            await pause(100)
          }
          for (const { code, after } of await tries) {
            if (code !== 'unavailable') throw new Error(`expected a publish to fail with unavailable, got ${code}`)
            if (after < deadline.least) throw new Error(`a publish failed after ${after} ms, without waiting for Redis`)
            around.took('a publish failed after', after, deadline.most)
          }
          started.nodes.forEach(({ pid }, index) => {
            const [then, now] = [before[index], megabytesOf(pid)]
            if (then !== undefined && now !== undefined) around.took('a node grew by', now - then, growth, 'MB')
          })
          redis.signal('SIGCONT')
          around.took('publishes acknowledged again', await around.publishEverywhere(portsOf(started)), again.back)
        })
      })
    },
  },
  sentinel: {
    about: 'several nodes, and Sentinels that put a replica in place of the master, which is killed or stopped in turn',
    upsets: ['failovers', 20],
    isShared: true,
    gaps: () => true,
    async start(settings) {
      const sentinels = await startSentinels()
      return beside(sentinels, async () => {
        const url = `redis+sentinel://${hostsOf(sentinels.sentinels)}/${sentinels.name}`
        const started = await startNodes(settings, url)
        return started.hubs(sentinels, async (random, around) => {
          const master = await sentinels.master()
          const others = sentinels.servers.filter((one) => one !== master)
          const isStopped = around.turn % 2 === 0
          await holdBack(master, others, random.int(0, longestUnreplicated))
          const begun = Date.now()
          if (isStopped) master.signal('SIGSTOP')
          else await master.kill('SIGKILL')
          around.memoryLost()
          for (const other of others) other.signal('SIGCONT')
          await sentinels.promoted(master)
          await around.publishEverywhere(portsOf(started))
          around.took('publishes acknowledged again', Date.now() - begun, again.replaced)
          around.saw(isStopped ? 'stopped masters' : 'killed masters')
          if (isStopped) master.signal('SIGCONT')
          else await master.restart()
          await sentinels.demoted(master)
        })
      })
    },
  },
  cluster: {
    about: 'several nodes over a Redis Cluster, where slots move to another master and masters are killed in turn',
    upsets: ['moves and kills', 20],
    isShared: true,
    gaps: () => true,
    async start(settings) {
      const cluster = await startRedisCluster({ replicas: true })
      const servers = [...cluster.masters, ...cluster.replicas]
      return beside(cluster, async () => {
        const started = await startNodes(settings, `redis+cluster://${hostsOf(servers)}`)
        return started.hubs(cluster, async (random, around) => {
          const masters = await mastersOf(servers)
          const from = random.pick(masters)
          const isKilled = around.turn % 2 === 0
          const begun = Date.now()
          if (isKilled) {
            await from.kill('SIGKILL')
            around.memoryLost()
            await cluster.ready()
          } else await moveSlots(cluster, from, random.pick(masters.filter((one) => one !== from)))
          await around.publishEverywhere(portsOf(started))
          around.took('publishes acknowledged again', Date.now() - begun, again.replaced)
          around.saw(isKilled ? 'killed masters' : 'moves of slots')
          if (!isKilled) return
          await from.restart()
          const follows = async () => ((await roleOf(from)) === 'replica' ? true : undefined)
          await until(follows, 'a server that was killed to follow', { deadline: slow })
          await cluster.ready()
        })
      })
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>

/** What is acknowledged meanwhile reaches no replica, so that it is lost with the master. */
async function holdBack(master: Redis, replicas: readonly Redis[], milliseconds: number): Promise<void> {
  for (const replica of replicas) replica.signal('SIGSTOP')
  // What had left the master would reach them even now.
  await master.call('CLIENT', 'KILL', 'TYPE', 'REPLICA')
  await pause(milliseconds)
}

function hostsOf(servers: readonly Redis[]): string {
  return servers.map(({ port }) => `127.0.0.1:${port}`).join()
}

async function roleOf(redis: Redis): Promise<'master' | 'replica' | 'neither'> {
  const [role, , , state] = (await redis.call('ROLE')) as unknown[]
  if (role === 'master') return 'master'
  return state === 'connected' ? 'replica' : 'neither'
}

async function mastersOf(servers: readonly Redis[]): Promise<Redis[]> {
  const roles = await Promise.all(servers.map(roleOf))
  return servers.filter((_, index) => roles[index] === 'master')
}

/** The slots of some keys that are in use. */
async function moveSlots(cluster: RedisCluster, from: Redis, to: Redis): Promise<void> {
  const slots = new Set<number>()
  for (let drawn = 0; drawn < slotsMoved; drawn++) {
    const key = await from.call('RANDOMKEY')
    if (typeof key === 'string') slots.add(cluster.slotOf(key))
  }
  for (const slot of slots) await cluster.moveSlot(slot, to)
}
