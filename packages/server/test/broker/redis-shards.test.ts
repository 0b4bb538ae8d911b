import { lacksRedis, type Redis, startRedis } from '@hookbox/testkit'
import { afterAll, beforeAll, describe } from 'vitest'
import { busContract } from '../contracts/broker/bus.ts'
import { channelsContract } from '../contracts/broker/channels.ts'
import { messagesContract } from '../contracts/broker/messages.ts'
import { presenceContract } from '../contracts/broker/presence.ts'
import { usersContract } from '../contracts/broker/users.ts'
import { redisSetup } from '../kit/redis.ts'

describe.skipIf(lacksRedis())('with two servers that know nothing of each other', () => {
  let shards: Redis[] = []
  beforeAll(async () => {
    shards = await Promise.all([startRedis(), startRedis()])
  })
  afterAll(() => Promise.all(shards.map((shard) => shard[Symbol.asyncDispose]())))

  // What has to do with more than one place; the rest stays on one server, and is the same as with one.
  const setup = async () => redisSetup(shards.map(({ url }) => url))
  channelsContract(setup)
  presenceContract(setup)
  usersContract(setup)
  messagesContract(setup)
  busContract(setup)
})
