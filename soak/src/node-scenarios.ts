import { setTimeout as pause } from 'node:timers/promises'
import { startRedis, until } from '@hookbox/testkit'
import { beside, goneAfter, longestAbsence, startNodes } from './nodes.ts'
import type { Scenario } from './scenario.ts'

/** Milliseconds within which a node that is stopped as planned must have ended. */
const drained = 10_000

/** What happens to the nodes that share a Redis. */
export const nodeScenarios = {
  nodes: {
    about: 'several nodes that share a Redis, of which one is killed and started anew',
    upsets: ['kills', 50],
    isShared: true,
    gaps: () => false,
    async start(settings) {
      const redis = await startRedis()
      return beside(redis, async () => {
        const started = await startNodes(settings, redis.url)
        return started.hubs(redis, async (random, around) => {
          const node = random.pick(started.nodes)
          const visitor = await around.visit(node.port)
          await node.kill('SIGKILL')
          const gone = visitor.vanish()
          await pause(random.int(0, longestAbsence))
          await node.restart()
          // The next one not before that: it could be the one that took over.
          around.took('users of a killed node gone', await gone, goneAfter)
        })
      })
    },
  },
  drain: {
    about: 'several nodes that share a Redis, of which one is stopped as planned and started anew',
    upsets: ['drains', 20],
    isShared: true,
    gaps: () => false,
    async start(settings) {
      const redis = await startRedis()
      return beside(redis, async () => {
        const started = await startNodes(settings, redis.url)
        return started.hubs(redis, async (random, around) => {
          const node = random.pick(started.nodes)
          const visitor = await around.visit(node.port)
          const begun = Date.now()
          const exitCode = await node.kill('SIGTERM', drained)
          around.took('a stopped node ended', Date.now() - begun, drained)
          if (exitCode !== 0) throw new Error(`a node ended with ${exitCode} on SIGTERM`)
          // The end of a process may be known before the last that it said has been read.
          const closed = await until(() => visitor.closed, 'a page of a stopped node to be closed', {
            deadline: drained,
          })
          if (closed !== 4503) throw new Error(`expected a page to be closed with 4503, got ${closed}`)
          await pause(random.int(0, longestAbsence))
          await node.restart()
          await visitor.leave()
        })
      })
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>
