import { type ChildProcess, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { within } from './within.ts'

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
export interface HubProcess extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:port` with the base path. */
  readonly url: string
  /** Where pages connect. */
  readonly wsUrl: string
  readonly pid: number | undefined
  /** All that it wrote to stdout and stderr, restarts included. */
  readonly output: string
  /** Sends a signal and waits for the end. Tells the exit code, or null where the signal ended it. */
  kill(signal?: NodeJS.Signals): Promise<number | null>
  /** Sends a signal that does not end it, as `SIGSTOP` and `SIGCONT`. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again, with the same flags on the same port, after killing it where it still runs. */
  restart(): Promise<void>
}

/** Ended with the tests, also where a test is broken off. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

const command = fileURLToPath(new URL('../../server/dist/cli.js', import.meta.url))

export async function startHubProcess(
  flags: readonly string[] = [],
  options: HubProcessOptions = {},
): Promise<HubProcess> {
  const port = options.port || (await freePort())
  const base = `127.0.0.1:${port}${options.basePath ?? ''}`
  const deadline = options.deadline ?? 8_000
  let output = ''
  let child: ChildProcess

  async function start(): Promise<void> {
    const started = spawn(process.execPath, [options.script ?? command, '-p', String(port), ...flags], {
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const collect = (bytes: Buffer) => {
      output += bytes
    }
    started.stdout.on('data', collect)
    started.stderr.on('data', collect)
    running.add(started)
    started.once('exit', () => running.delete(started))
    child = started
    try {
      await within(healthy(started), `${base}/health`, () => output || 'no output', deadline)
    } catch (error) {
      await kill('SIGKILL')
      throw error
    }
  }

  async function healthy(started: ChildProcess): Promise<void> {
    const until = Date.now() + deadline
    while (Date.now() < until) {
      if (ended(started)) throw new Error(`the hub ended with ${started.exitCode ?? started.signalCode}: ${output}`)
      // Not listening yet: asked again below.
      const response = await fetch(`http://${base}/health`).catch(() => undefined)
      await response?.body?.cancel()
      if (response?.ok) return
      await pause(20)
    }
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    if (ended(child)) return child.exitCode
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.kill(signal)
    return await within(exit, `the hub to end on ${signal}`, () => output || 'no output')
  }

  await start()
  return {
    port,
    url: `http://${base}`,
    wsUrl: `ws://${base}/ws`,
    get pid() {
      return child.pid
    },
    get output() {
      return output
    },
    kill,
    signal: (signal) => void child.kill(signal),
    async restart() {
      await kill('SIGKILL')
      await start()
    },
    async [Symbol.asyncDispose]() {
      await kill('SIGKILL')
    },
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/**
 * A port that stays free while the hub is down: below those that the system gives to outgoing lines, so that none of the
 * reconnecting pages of a test can take it.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free port between 20000 and 32000')
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, () => resolve(true))
  })
  if (free) await new Promise<void>((resolve) => server.close(() => resolve()))
  return free
}
