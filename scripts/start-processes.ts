import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from './start-problem.ts'

/** A program that runs for as long as the demos do. */
export interface Service {
  /** As it stands at the beginning of a sentence. */
  name: string
  /** What Node is started with. */
  args: string[]
  env?: Record<string, string>
  cwd?: string
  /** Whether its standard output is for the reader of the terminal. */
  talks?: boolean
  /** It is ready when all of these answer. */
  readyAt?: string[]
  /** Where several stand for each other: what they are together. Once all are ready, the end of one is told, and the others go on. */
  of?: string
}

/** How long a program may take to finish what it is doing once it was asked to end. */
const patience = 10_000

/** Programs that live and die together. */
export class Processes {
  #running = new Map<Service, ChildProcess>()
  #stopping = false
  #wereReady = false
  readonly #onDeath: (sentence: string) => void

  /** `onDeath` hears of a program that ended though nobody asked it to. */
  constructor(onDeath: (sentence: string) => void) {
    this.#onDeath = onDeath
  }

  start(service: Service): void {
    const child = spawn(process.execPath, service.args, {
      env: { ...process.env, ...service.env },
      cwd: service.cwd,
      stdio: ['ignore', service.talks ? 'inherit' : 'ignore', 'inherit'],
    })
    this.#running.set(service, child)
    child.once('exit', (code, signal) => {
      this.#running.delete(service)
      if (this.#stopping) return
      const end = `${service.name} stopped (${signal ?? `exit code ${code}`})`
      const other = [...this.#running.keys()].find(({ of }) => of !== undefined && of === service.of)
      if (other && this.#wereReady) console.log(`${end}. ${other.name} goes on.`)
      else this.#onDeath(`${end}.`)
    })
  }

  /** Of the process that is this one; undefined where it does not run. */
  pidOf(service: Service): number | undefined {
    return this.#running.get(service)?.pid
  }

  /** Resolves once everything answers, or once it is being stopped. */
  async ready(timeout: number): Promise<void> {
    const deadline = Date.now() + timeout
    for (const { name, readyAt = [] } of [...this.#running.keys()]) {
      for (const url of readyAt) {
        while (!this.#stopping && !(await answers(url))) {
          if (Date.now() > deadline) throw new Problem(`${name} does not answer at ${url}.`)
          await delay(100)
        }
      }
    }
    this.#wereReady = true
  }

  /** Asks every program to end, and ends those that do not. */
  async stop(): Promise<void> {
    this.#stopping = true
    const ends = [...this.#running.values()].map(async (child) => {
      const end = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patience)
      await end
      clearTimeout(timer)
    })
    await Promise.all(ends)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // Not yet listening: the next try tells.
  }
}
