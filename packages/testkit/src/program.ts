import { type ChildProcess, spawn } from 'node:child_process'
import { until } from './until.ts'
import { within } from './within.ts'

export interface ProgramOptions {
  /** As it is called in errors. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** The child's whole environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Resolves once it can be used; while it throws, or tells nothing, it is asked again. */
  readonly ready: () => Promise<true | undefined>
  /** What ends it with the test: default `SIGKILL`, which leaves the children of a program running. */
  readonly end?: NodeJS.Signals
  /** Milliseconds until it must be ready; default 8,000, as a busy machine takes its time to start a process. */
  readonly deadline?: number
  /** Ctrl-C in the terminal does not reach it: whoever started it ends it. */
  readonly detached?: boolean
}

/** A program in a process of its own, for tests that take it away. */
export interface Program extends AsyncDisposable {
  readonly pid: number | undefined
  /** All that it wrote to stdout and stderr, restarts included. */
  readonly output: string
  /** Sends a signal and waits for the end, for so many milliseconds. Tells the exit code, or null where the signal ended it. */
  kill(signal?: NodeJS.Signals, deadline?: number): Promise<number | null>
  /** Sends a signal that does not end it, as `SIGSTOP` and `SIGCONT`. */
  signal(signal: NodeJS.Signals): void
  /** Starts it again in the same way, after ending it where it still runs. */
  restart(): Promise<void>
}

/** Ended with the tests, also where a test is broken off. */
const running = new Map<ChildProcess, NodeJS.Signals>()
process.once('exit', () => {
  for (const [child, signal] of running) child.kill(signal)
})

export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, command, args, env = {}, ready, end = 'SIGKILL', deadline = 8_000, detached = false } = options
  let output = ''
  let child: ChildProcess
  const said = () => output || 'no output'

  async function start(): Promise<void> {
    const started = spawn(command, args, { env, detached, stdio: ['ignore', 'pipe', 'pipe'] })
    const collect = (bytes: Buffer | string) => {
      output += bytes
    }
    started.stdout.on('data', collect)
    started.stderr.on('data', collect)
    // As where there is no such command.
    started.once('error', ({ message }) => collect(message))
    running.set(started, end)
    const closed = new Promise<void>((resolve) => {
      started.once('close', () => {
        running.delete(started)
        resolve()
      })
    })
    child = started
    try {
      await until(() => (ended(started) ? true : ready()), name, { instead: said, deadline })
      if (!ended(started)) return
      await closed
      throw new Error(`${name} ended with ${started.exitCode ?? started.signalCode}: ${said()}`)
    } catch (error) {
      await finish()
      throw error
    }
  }

  async function kill(signal: NodeJS.Signals = 'SIGKILL', deadline?: number): Promise<number | null> {
    if (ended(child)) return child.exitCode
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.kill(signal)
    return await within(exit, `${name} to end on ${signal}`, said, deadline)
  }

  /** Whoever does not end when he is asked to is a failure, and ends even so. */
  async function finish(): Promise<void> {
    try {
      await kill(end)
    } finally {
      if (!ended(child)) child.kill('SIGKILL')
    }
  }

  await start()
  return {
    get pid() {
      return child.pid
    },
    get output() {
      return output
    },
    kill,
    signal: (signal) => void child.kill(signal),
    async restart() {
      await finish()
      await start()
    },
    async [Symbol.asyncDispose]() {
      await finish()
    },
  }
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}
