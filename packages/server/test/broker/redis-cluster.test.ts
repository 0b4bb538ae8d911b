import { lacksRedis, type RedisCluster, startRedisCluster } from '@hookbox/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { brokerContract } from '../contracts/broker.ts'
import { redisSetup } from '../kit/redis.ts'

describe.skipIf(lacksRedis())('with a cluster', () => {
  let cluster: RedisCluster | undefined
  beforeAll(async () => {
    cluster = await startRedisCluster()
  }, 30_000)
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  brokerContract('Redis', async () => redisSetup([urlOf(cluster)]))
})

function urlOf(cluster: RedisCluster | undefined): string {
  return `redis+cluster://${cluster?.masters.map(({ port }) => `127.0.0.1:${port}`).join(',')}`
}
