import { lacksRedis, type Redis, startRedis } from '@hookbox/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { brokerContract } from '../contracts/broker.ts'
import { redisSetup } from '../kit/redis.ts'

describe.skipIf(lacksRedis())('with two servers that know nothing of each other', () => {
  let shards: Redis[] = []
  beforeAll(async () => {
    shards = await Promise.all([startRedis(), startRedis()])
  })
  afterAll(() => Promise.all(shards.map((shard) => shard[Symbol.asyncDispose]())))
  brokerContract('Redis', async () => redisSetup(shards.map(({ url }) => url)))
})
