import { lacksRedis } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { RecordingNode } from '../contracts/broker/kit.ts'
import { redisNode, sharedRedis } from '../kit/redis.ts'
import { RunningHub } from '../kit/running-hub.ts'

describe.skipIf(lacksRedis())('a hub among other nodes', () => {
  const redis = sharedRedis()

  test('starts although the node that it asks for the configuration was killed just now', async () => {
    const killed = await redisNode({ urls: [redis().url], prefix: 'hookbox:' })
    await killed.nodes.start(new RecordingNode())
    await killed.crash()
    await using hub = await RunningHub.start({}, { redis: [redis().url] })
    expect(await (await fetch(`${hub.url}/health`)).json()).toMatchObject({ status: 'ok' })
  })
})
