import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { type Program, startProgram } from './program.ts'

export interface HubProcessOptions {
  /** 0 picks a free one. */
  readonly port?: number
  /** The child's whole environment: nothing of the test's own reaches the hub. */
  readonly env?: Readonly<Record<string, string>>
  /** As given in the flags; where `/health` is asked. */
  readonly basePath?: string
  /** Milliseconds until it must answer; default 8,000, as a busy machine takes its time to start a process. */
  readonly deadline?: number
  /** Another script than the built command. */
  readonly script?: string
}

/** The real `hookbox` command in a process of its own, for tests that kill it. Needs a build. */
export interface HubProcess extends Program {
  readonly port: number
  /** `http://127.0.0.1:port` with the base path. */
  readonly url: string
  /** Where pages connect. */
  readonly wsUrl: string
}

const command = fileURLToPath(new URL('../../server/dist/cli.js', import.meta.url))

export async function startHubProcess(
  flags: readonly string[] = [],
  options: HubProcessOptions = {},
): Promise<HubProcess> {
  const { script = command, env = {}, basePath = '', deadline } = options
  const port = options.port || (await freePort())
  const base = `127.0.0.1:${port}${basePath}`
  const program = await startProgram({
    name: 'the hub',
    command: process.execPath,
    args: [script, '-p', String(port), ...flags],
    env,
    async ready() {
      const response = await fetch(`http://${base}/health`)
      await response.body?.cancel()
      return response.ok || undefined
    },
    ...(deadline === undefined ? {} : { deadline }),
  })
  return Object.assign(program, { port, url: `http://${base}`, wsUrl: `ws://${base}/ws` })
}
