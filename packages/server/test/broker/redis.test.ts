import { lacksRedis } from '@hookbox/testkit'
import { describe } from 'vitest'
import { brokerContract } from '../contracts/broker.ts'
import { redisSetup, sharedRedis } from '../kit/redis.ts'

describe.skipIf(lacksRedis())('with Redis', () => {
  const redis = sharedRedis()
  brokerContract('Redis', async () => redisSetup([redis().url]))
})
