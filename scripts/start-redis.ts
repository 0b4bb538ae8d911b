import { startRedis } from '../packages/testkit/src/redis.ts'
import { redisServer } from './redis.ts'
import { hasServer, howToGet } from './servers.ts'
import { Problem } from './start-problem.ts'

/** The Redis that the nodes of the demos' hubs share. */
export interface SharedRedis {
  readonly url: string
  /** Ends it, where it was started for the demos. */
  close(): Promise<void>
}

export async function needSharedRedis(url: string | undefined): Promise<SharedRedis> {
  if (url) return { url, close: async () => {} }
  if (!hasServer(redisServer)) {
    throw new Problem(
      `There is no ${redisServer.command} on the PATH. Install it (${howToGet(redisServer)}), or name one that runs: REDIS_URL=redis://127.0.0.1:6379 pnpm start --redis`,
    )
  }
  // Not in the group of this process: Ctrl-C would end it before the nodes have said goodbye to each other.
  const redis = await startRedis({ detached: true })
  return {
    url: redis.url,
    async close() {
      await redis[Symbol.asyncDispose]()
    },
  }
}
