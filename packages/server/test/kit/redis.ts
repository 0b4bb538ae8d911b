import { randomBytes } from 'node:crypto'
import { type Redis, startRedis, TestClock } from '@hookbox/testkit'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { Keys } from '../../src/broker/redis/keys.ts'
import { createRedisBroker, type RedisBroker, type RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts'
import type { Beginning } from '../contracts/broker/kit.ts'
import type { Shared } from './nodes.ts'
import { RecordingLog } from './recording-log.ts'

/** Long enough for a busy machine, short enough for a test. */
export const quick = {
  heartbeat: 50,
  deadAfter: 1_200,
  // Free before its holder is taken for dead, as the clock of a test leaps over what a real one would have given it.
  lease: 1_000,
  leaseRetry: 400,
  probe: 500,
  retry: 100,
  askTimeout: 1_500,
} as const

/** One server for all tests of a file, after `prepare`; each takes a prefix of its own. */
export function sharedRedis(prepare: (redis: Redis) => Promise<void> = async () => {}): () => Redis {
  let redis: Redis | undefined
  beforeAll(async () => {
    redis = await startRedis()
    await prepare(redis)
  })
  afterAll(() => redis?.[Symbol.asyncDispose]())
  return () => {
    if (!redis) throw new Error('Redis has not started')
    return redis
  }
}

/** Nodes over one Redis, until the end of the test. */
export async function redisSetup(
  urls: readonly string[],
  options: Partial<RedisBrokerOptions> = {},
): Promise<Beginning & { broker: RedisBroker; join(): Promise<RedisBroker> }> {
  const clock = new TestClock()
  const prefix = `test-${randomBytes(4).toString('hex')}:`
  const join = () => redisNode({ urls, prefix, clock, ...options })
  return { broker: await join(), clock, join, crash: (node) => (node as RedisBroker).crash() }
}

export async function redisNode(
  options: Partial<RedisBrokerOptions> & { urls: readonly string[] },
): Promise<RedisBroker> {
  const node = createRedisBroker({ clock: new TestClock(), log: new RecordingLog(), ...quick, ...options })
  onTestFinished(() => node.crash())
  await node.ready()
  return node
}

/**
 * Nodes over one Redis, whose clock is the test's and whose heartbeats are not: a node that dies is noticed after
 * {@link quick}`.deadAfter` of real time.
 */
export async function redisNodes(redis: Redis): Promise<Shared> {
  let underWay = 0
  let moved = 0
  const nodes = new Set<RedisBroker>()

  /** When all nodes have answered by the way that what is published takes, they have heard all that was published before. */
  async function allHeard(): Promise<void> {
    const asked = [...nodes].map(({ bus, nodes: { id } }) => bus.ask(id, 'have you heard?').catch(() => {}))
    await Promise.all(asked)
  }

  const clock = new TestClock(undefined, async () => {
    for (let seen = -1; seen !== moved; ) {
      while (underWay > 0) await turn()
      seen = moved
      await allHeard()
      for (let turns = 0; turns < 5; turns++) await turn()
    }
  })
  const prefix = `test-${randomBytes(4).toString('hex')}:`

  /** `isBrief`: it takes no longer than Redis does. */
  function counted<F extends object>(facet: F, isBrief: boolean): F {
    const count =
      (method: (...args: unknown[]) => unknown) =>
      (...args: unknown[]) => {
        moved++
        const result = method.apply(facet, args)
        if (!isBrief) return result
        underWay++
        const end = () => void underWay--
        Promise.resolve(result).then(end, end)
        return result
      }
    return new Proxy(facet, {
      get(_target, key) {
        const value: unknown = Reflect.get(facet, key)
        return typeof value === 'function' ? count(value as (...args: unknown[]) => unknown) : value
      },
    })
  }

  return {
    clock,
    crowd: 40,
    async join() {
      const node = await redisNode({ urls: [redis.url], prefix, clock })
      nodes.add(node)
      const { channels, log, presence, users, messages, leases, bus } = node
      const brief = { channels, log, presence, users, messages }
      const long = { leases, bus }
      const gone = <T>(end: () => Promise<T>) => {
        nodes.delete(node)
        return end()
      }
      return {
        ...node,
        ...(Object.fromEntries(
          Object.entries(brief).map(([name, facet]) => [name, counted(facet, true)]),
        ) as typeof brief),
        ...(Object.fromEntries(
          Object.entries(long).map(([name, facet]) => [name, counted(facet, false)]),
        ) as typeof long),
        close: () => gone(() => node.close()),
        crash: () => gone(() => node.crash()),
        async expel() {
          await redis.call('DEL', new Keys(prefix, '0').node(node.nodes.id).key('alive'))
        },
      }
    },
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
