import { lacksRedis } from '@hookbox/testkit'
import { describe } from 'vitest'
import { nodesContract } from '../contracts/nodes.ts'
import { redisNodes, sharedRedis } from '../kit/redis.ts'

describe.skipIf(lacksRedis())('over Redis', () => {
  const redis = sharedRedis()
  nodesContract('one Redis', () => redisNodes(redis()))
})
