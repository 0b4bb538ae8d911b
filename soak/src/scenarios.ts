import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type HubProcess, startHubProcess } from '@hookbox/testkit'
import { nodeScenarios } from './node-scenarios.ts'
import { redisScenarios } from './redis-scenarios.ts'
import type { HubSettings, Hubs, Scenario } from './scenario.ts'

/** Milliseconds for which a hub stays away. */
const longestAbsence = 500

export const scenarios = {
  cuts: {
    about: 'one hub that is left alone',
    upsets: ['upsets', 0],
    isShared: false,
    gaps: () => false,
    start: oneHub,
  },
  kill: {
    about: 'one hub that is killed and started anew, without its memory',
    upsets: ['kills', 10],
    isShared: false,
    gaps: () => true,
    async start(settings) {
      const hub = await startHub(settings)
      return hubsOf(hub, {
        async upset(random, { memoryLost }) {
          await hub.kill('SIGKILL')
          memoryLost()
          await pause(random.int(0, longestAbsence))
          await hub.restart()
        },
      })
    },
  },
  restart: {
    about:
      'one hub that is stopped as planned and started anew; with --snapshot it keeps its memory, and no gap is allowed',
    upsets: ['restarts', 10],
    isShared: false,
    gaps: ({ snapshot }) => !snapshot,
    async start(settings) {
      const folder = await mkdtemp(join(tmpdir(), 'hookbox-soak-'))
      const flags = settings.snapshot ? ['--snapshot', join(folder, 'snapshot')] : []
      const hub = await startHub({ ...settings, flags: [...settings.flags, ...flags] })
      return hubsOf(hub, {
        async upset(random, { memoryLost }) {
          const exitCode = await hub.kill('SIGTERM')
          if (exitCode !== 0) throw new Error(`the hub ended with ${exitCode} on SIGTERM: ${hub.output}`)
          if (!settings.snapshot) memoryLost()
          await pause(random.int(0, longestAbsence))
          await hub.restart()
        },
        end: () => rm(folder, { recursive: true, force: true }),
      })
    },
  },
  ...nodeScenarios,
  ...redisScenarios,
} as const satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios

export function isScenario(name: string): name is ScenarioName {
  return Object.hasOwn(scenarios, name)
}

async function oneHub(settings: HubSettings): Promise<Hubs> {
  return hubsOf(await startHub(settings))
}

function startHub({ script, flags, env }: HubSettings): Promise<HubProcess> {
  return startHubProcess(flags, { script, env, deadline: 20_000 })
}

function hubsOf(hub: HubProcess, more: Pick<Hubs, 'upset'> & { readonly end?: () => Promise<void> } = {}): Hubs {
  const { upset, end } = more
  return {
    ports: [hub.port],
    get pids() {
      return hub.pid === undefined ? [] : [hub.pid]
    },
    get output() {
      return hub.output
    },
    ...(upset && { upset }),
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]()
      await end?.()
    },
  }
}
