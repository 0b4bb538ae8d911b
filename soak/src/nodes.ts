import { type HubProcess, startHubProcess } from '@hookbox/testkit'
import { startBalancer } from './balancer.ts'
import type { HubSettings, Hubs } from './scenario.ts'

/** Seconds for which a user counts whose line broke off. Short, so that a run sees many who are gone. */
const linger = 2

/** Seconds over which a node that is stopped sends its pages away. */
const drain = 2

/** Milliseconds after which users of a node that was killed must be gone: its silence is noticed, and then they linger. */
export const goneAfter = 5_000 + linger * 1_000

/** Milliseconds until a hub must answer: several start at once, on a busy machine. */
export const startDeadline = 20_000

/** Milliseconds for which something that was killed stays away. */
export const longestAbsence = 500

/** Several nodes that share a Redis, behind one port that leads to each in turn. */
export interface Nodes extends AsyncDisposable {
  readonly nodes: readonly HubProcess[]
  /** As the run sees them. They end before what they share. */
  hubs(shared: AsyncDisposable, upset: NonNullable<Hubs['upset']>): Hubs
}

export async function startNodes({ script, flags, env, nodes: count }: HubSettings, redis: string): Promise<Nodes> {
  const own = [...flags, '--redis', redis, '--linger', String(linger), '--drain', String(drain)]
  const started = await Promise.allSettled(
    Array.from({ length: count }, () => startHubProcess(own, { script, env, deadline: startDeadline })),
  )
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const end = () => Promise.all(nodes.map((node) => node[Symbol.asyncDispose]()))
  const failed = started.find((one) => one.status === 'rejected')
  if (failed !== undefined) {
    await end()
    throw failed.reason
  }
  const balancer = await startBalancer(nodes.map(({ port }) => port))

  async function dispose(): Promise<void> {
    await balancer[Symbol.asyncDispose]()
    await end()
  }

  return {
    nodes,
    hubs: (shared, upset) => ({
      ports: [balancer.port],
      get pids() {
        return nodes.flatMap(({ pid }) => pid ?? [])
      },
      get output() {
        return nodes.map(({ output }) => output).join('')
      },
      upset,
      async [Symbol.asyncDispose]() {
        await dispose()
        await shared[Symbol.asyncDispose]()
      },
    }),
    [Symbol.asyncDispose]: dispose,
  }
}

/** What is there already ends where the rest does not start. */
export async function beside<T>(there: AsyncDisposable, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    await there[Symbol.asyncDispose]()
    throw error
  }
}

export function portsOf({ nodes }: Nodes): number[] {
  return nodes.map(({ port }) => port)
}

/** Milliseconds until a node says that it is alive. */
export async function healthOf({ url }: HubProcess): Promise<number> {
  const begun = performance.now()
  const response = await fetch(`${url}/health`)
  await response.body?.cancel()
  return performance.now() - begun
}
