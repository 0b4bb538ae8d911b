import { HookboxError } from '@hookbox/protocol'
import { type Cancel, type Clock, systemClock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/options.ts'
import type { Log } from '../log.ts'
import type { Startable } from './run.ts'
import type { FromWorker, Listening, ToWorker } from './worker-messages.ts'

/** A process, as the command sees it that started it. */
export interface WorkerProcess {
  readonly pid: number | undefined
  send(message: ToWorker): void
  onMessage(hear: (message: FromWorker) => void): void
  /** `err`: why it could not even begin. */
  onEnd(hear: (code: number | null, signal: string | null, err?: Error) => void): void
}

export interface WorkersParts {
  readonly config: Config
  readonly log: Pick<Log, 'info' | 'error'>
  /** Starts the process of the worker with this number. */
  readonly fork: (number: number) => WorkerProcess
  readonly clock?: Clock
}

/** Milliseconds: a worker that went on for so long was well, and the next one begins at once. */
const steady = 10_000

/** Milliseconds before the next one begins where it was not well; doubled each time. */
const firstWait = 1_000
const longestWait = 30_000

/** Milliseconds that a worker has to tell its metrics. */
export const metricsTimeout = 2_000

/**
 * The processes of `--workers`. One that ends is followed by another in its place.
 *
 * The first one begins alone: what is wrong with the configuration, the port or Redis is then told once.
 */
export function createWorkers({ config, log, fork, clock = systemClock }: WorkersParts): Startable {
  const parts = { config, log, fork, clock, allMetrics }
  const places = Array.from({ length: config.workers }, (_, index) => new Place(index + 1, parts))

  async function allMetrics(): Promise<string[]> {
    const texts = await Promise.all(places.map((place) => place.metrics()))
    return texts.filter((text) => text !== undefined)
  }

  return {
    async listen() {
      const [first, ...others] = places as [Place, ...Place[]]
      const listening = await first.start('or say why not')
      await Promise.all(others.map((place) => place.start('sooner or later')))
      return listening
    },

    async close() {
      const ends = await Promise.allSettled(places.map((place) => place.stop()))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
    },
  }
}

interface PlaceParts extends Required<WorkersParts> {
  readonly allMetrics: () => Promise<readonly string[]>
}

/** One of the numbers, and the process that has it at the moment. */
class Place {
  readonly #number: number
  readonly #parts: PlaceParts
  #worker: WorkerProcess | undefined
  #isListening = false
  #isStopping = false
  #hearEnd = (_code: number | null): void => {}
  #wait = 0
  #cancel: Cancel = () => {}
  readonly #asked = new Map<number, (text: string | undefined) => void>()
  #lastId = 0

  constructor(number: number, parts: PlaceParts) {
    this.#number = number
    this.#parts = parts
  }

  /**
   * Resolves when a worker listens here.
   *
   * @throws ConfigError or HookboxError, unless `sooner or later` is early enough, where it ends before that
   */
  start(when: 'or say why not' | 'sooner or later'): Promise<Listening> {
    return new Promise((resolve, reject) => this.#begin(resolve, when === 'or say why not' ? reject : undefined))
  }

  /** @throws Error where it does not end well */
  stop(): Promise<void> {
    this.#isStopping = true
    this.#cancel()
    return new Promise((resolve, reject) => {
      if (!this.#worker) return resolve()
      this.#hearEnd = (code) => {
        if (code === 0 || code === null) resolve()
        else reject(new Error(`worker ${this.#number} ended with status ${code}`))
      }
      this.#worker.send({ kind: 'stop' })
    })
  }

  /** Undefined where it does not answer. */
  metrics(): Promise<string | undefined> {
    return new Promise((resolve) => {
      if (!this.#worker || !this.#isListening) return resolve(undefined)
      const id = ++this.#lastId
      const cancel = this.#parts.clock.after(metricsTimeout, () => answer(undefined))
      const answer = (text: string | undefined) => {
        cancel()
        this.#asked.delete(id)
        resolve(text)
      }
      this.#asked.set(id, answer)
      this.#worker.send({ kind: 'tell metrics', id })
    })
  }

  #begin(listens: (listening: Listening) => void, giveUp?: (error: Error) => void): void {
    if (this.#isStopping) return
    const { config, fork, clock, allMetrics } = this.#parts
    const started = clock.now()
    const worker = fork(this.#number)
    this.#worker = worker
    let failure: Failure | undefined

    worker.onMessage((message) => {
      switch (message.kind) {
        case 'here':
          return worker.send(this.#isStopping ? { kind: 'stop' } : { kind: 'begin', config })
        case 'listening':
          this.#isListening = true
          return listens(message.listening)
        case 'failed':
          failure = message
          return
        case 'metrics':
          return this.#asked.get(message.id)?.(message.text)
        case 'ask metrics':
          void allMetrics().then((texts) => worker.send({ kind: 'all metrics', id: message.id, texts }))
      }
    })

    worker.onEnd((code, signal, err) => {
      const hasListened = this.#isListening
      this.#worker = undefined
      this.#isListening = false
      for (const answer of this.#asked.values()) answer(undefined)
      if (this.#isStopping) return this.#hearEnd(code)
      if (giveUp && !hasListened) return giveUp(toError(failure ?? endedEarly(code, signal, err)))
      const isWell = clock.now() - started >= steady
      this.#wait = isWell ? 0 : Math.min(this.#wait === 0 ? firstWait : 2 * this.#wait, longestWait)
      this.#tellOfEnd(worker, { code, signal, err, reason: failure?.message })
      this.#cancel = clock.after(this.#wait, () => this.#begin(listens))
    })
  }

  /** Somebody may have stopped this one alone: that is no error. */
  #tellOfEnd({ pid }: WorkerProcess, how: { readonly code: number | null; readonly [field: string]: unknown }): void {
    const level = how.code === 0 ? 'info' : 'error'
    const fields = { worker: this.#number, process: pid, ...how, wait: this.#wait / 1_000 }
    this.#parts.log[level](fields, 'a worker has ended, and another takes its place')
  }
}

type Failure = Pick<Extract<FromWorker, { kind: 'failed' }>, 'message' | 'code'>

/** Its log says why, unless something else ended it. */
function endedEarly(code: number | null, signal: string | null, err: Error | undefined): Failure {
  const how = err?.message ?? (signal === null ? `status ${code}` : `signal ${signal}`)
  return { message: `the first worker ended before it could serve anybody: ${how}`, code: 1 }
}

function toError({ message, code }: Failure): Error {
  return code === 2 ? new ConfigError(message) : new HookboxError('unavailable', message)
}
