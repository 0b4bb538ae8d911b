import { setTimeout as pause } from 'node:timers/promises'
import { type Redis, startRedis } from '@hookbox/testkit'
import { goneAfter, startNodes } from './nodes.ts'
import type { HubSettings, Hubs, Scenario } from './scenario.ts'

/** Milliseconds for which something that was killed stays away. */
const longestAbsence = 500

/** Milliseconds within which a node that is stopped as planned must have ended. */
const drained = 10_000

/** Milliseconds within which publishes must be acknowledged again: after Redis is back, and after another one has to take its place. */
const again = { back: 5_000, replaced: 15_000 }

export const nodeScenarios = {
  nodes: {
    about: 'several nodes that share a Redis, of which one is killed and started anew',
    upsets: ['kills', 50],
    isShared: true,
    gaps: () => false,
    start: (settings) =>
      withRedis(settings, async ({ nodes }) => async (random, around) => {
        const node = random.pick(nodes)
        const visitor = await around.visit(node.port)
        await node.kill('SIGKILL')
        const gone = visitor.vanish()
        await pause(random.int(0, longestAbsence))
        await node.restart()
        // Not the next one before that: it would start the waiting anew.
        around.took('users of a killed node gone', await gone, goneAfter)
      }),
  },
  drain: {
    about: 'several nodes that share a Redis, of which one is stopped as planned and started anew',
    upsets: ['drains', 20],
    isShared: true,
    gaps: () => false,
    start: (settings) =>
      withRedis(settings, async ({ nodes }) => async (random, around) => {
        const node = random.pick(nodes)
        const visitor = await around.visit(node.port)
        const begun = Date.now()
        const exitCode = await node.kill('SIGTERM', drained)
        around.took('a node that was stopped ended', Date.now() - begun, drained)
        if (exitCode !== 0) throw new Error(`a node ended with ${exitCode} on SIGTERM: ${node.output}`)
        if (visitor.closed !== 4503) throw new Error(`expected a page to be closed with 4503, got ${visitor.closed}`)
        await pause(random.int(0, longestAbsence))
        await node.restart()
        await visitor.leave()
      }),
  },
  'redis-restart': {
    about: 'several nodes, whose Redis is killed and started anew, with what --persistence says',
    upsets: ['restarts', 20],
    isShared: true,
    gaps: () => true,
    start: (settings) =>
      withRedis(settings, async ({ nodes, redis }) => async (random, around) => {
        around.memoryLost()
        await redis.kill('SIGKILL')
        await pause(random.int(0, longestAbsence))
        await redis.restart()
        const until = await around.publishEverywhere(nodes.map(({ port }) => port))
        around.took('publishes acknowledged again', until, again.back)
      }),
  },
} as const satisfies Readonly<Record<string, Scenario>>

type Upset = NonNullable<Hubs['upset']>

interface Started {
  readonly nodes: Awaited<ReturnType<typeof startNodes>>['nodes']
  readonly redis: Redis
}

async function withRedis(settings: HubSettings, upset: (started: Started) => Promise<Upset>): Promise<Hubs> {
  const redis = await startRedis({ persistence: settings.persistence })
  try {
    const nodes = await startNodes(settings, redis.url)
    return nodes.hubs({ upset: await upset({ nodes: nodes.nodes, redis }), end: redis })
  } catch (error) {
    await redis[Symbol.asyncDispose]()
    throw error
  }
}
