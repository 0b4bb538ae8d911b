import { randomBytes } from 'node:crypto'
import { type Redis, startRedis, TestClock } from '@hookbox/testkit'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { createRedisBroker, type RedisBroker, type RedisBrokerOptions } from '../../src/broker/redis/redis-broker.ts'
import type { Beginning } from '../contracts/broker/kit.ts'
import { RecordingLog } from './recording-log.ts'

/** Long enough for a busy machine, short enough for a test. */
export const quick = {
  heartbeat: 50,
  deadAfter: 1_200,
  lease: 1_200,
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
