import { lacksRedis, TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { runScript } from '../kit/broker-script.ts'
import { redisSetup, sharedRedis } from '../kit/redis.ts'

const steps = 200
const first = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000))
const seeds = Array.from({ length: Number(process.env.SEEDS ?? 12) }, (_, i) => first + i)

describe.skipIf(lacksRedis())('whatever is done', () => {
  const redis = sharedRedis()

  test.each(seeds)('in memory and in Redis the same comes of it, seed %i', async (seed) => {
    const clock = new TestClock()
    const memory = createMemoryBroker(clock)
    const expected = await runScript([memory, memory.join(), memory.join()], clock, seed, steps)
    const { broker, join, clock: sameClock } = await redisSetup([redis().url])
    const told = await runScript([broker, await join(), await join()], sameClock, seed, steps)
    expect(told).toEqual(expected)
  })
})
