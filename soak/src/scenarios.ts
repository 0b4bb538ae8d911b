import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startHubProcess } from '@hookbox/testkit'
import type { Random } from './random.ts'

/** The hubs of a run: one, or several that share their channels. */
export interface Hubs extends AsyncDisposable {
  /** Where pages' lines may lead to. */
  readonly ports: readonly number[]
  readonly pids: readonly number[]
  /** What the hubs wrote, for whoever looks for the reason. */
  readonly output: string
  /** Takes a hub away and brings it back. Missing where the scenario leaves its hubs alone. */
  readonly upset?: (random: Random, told: { memoryLost(): void }) => Promise<void>
}

export interface HubSettings {
  /** The command to run. */
  readonly script: string
  /** Flags by which every node finds the web application. */
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether a planned restart keeps the hub's memory in a file. */
  readonly snapshot: boolean
}

/** How hubs are started, and what happens to them. Lines are cut in every scenario. */
export interface Scenario {
  readonly about: string
  /** Whether hubs forget: then gaps are expected, and must be told. */
  gaps(settings: { readonly snapshot: boolean }): boolean
  start(settings: HubSettings): Promise<Hubs>
}

/** Milliseconds for which a hub stays away. */
const longestAbsence = 500

export const scenarios = {
  cuts: {
    about: 'one hub that is left alone',
    gaps: () => false,
    start: oneHub,
  },
  kill: {
    about: 'one hub that is killed and started anew, without its memory',
    gaps: () => true,
    async start(settings) {
      const hub = await startHub(settings)
      return hubsOf(hub, {
        async upset(random, { memoryLost }) {
          memoryLost()
          await hub.kill('SIGKILL')
          await pause(random.int(0, longestAbsence))
          await hub.restart()
        },
      })
    },
  },
  restart: {
    about:
      'one hub that is stopped as planned and started anew; with --snapshot it keeps its memory, and no gap is allowed',
    gaps: ({ snapshot }) => !snapshot,
    async start(settings) {
      const folder = await mkdtemp(join(tmpdir(), 'hookbox-soak-'))
      const flags = settings.snapshot ? ['--snapshot', join(folder, 'snapshot')] : []
      const hub = await startHub({ ...settings, flags: [...settings.flags, ...flags] })
      return hubsOf(hub, {
        async upset(random, { memoryLost }) {
          if (!settings.snapshot) memoryLost()
          const exitCode = await hub.kill('SIGTERM')
          if (exitCode !== 0) throw new Error(`the hub ended with ${exitCode} on SIGTERM: ${hub.output}`)
          await pause(random.int(0, longestAbsence))
          await hub.restart()
        },
        end: () => rm(folder, { recursive: true, force: true }),
      })
    },
  },
} as const satisfies Readonly<Record<string, Scenario>>

export type ScenarioName = keyof typeof scenarios

export function isScenario(name: string): name is ScenarioName {
  return Object.hasOwn(scenarios, name)
}

async function oneHub(settings: HubSettings): Promise<Hubs> {
  return hubsOf(await startHub(settings))
}

function startHub({ script, flags, env }: HubSettings): ReturnType<typeof startHubProcess> {
  return startHubProcess(flags, { script, env, deadline: 20_000 })
}

type HubProcess = Awaited<ReturnType<typeof startHubProcess>>

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
