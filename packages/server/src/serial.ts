import { HookboxError } from '@hookbox/protocol'
import type { Soon } from './soon.ts'

/** Runs tasks one after another, in the order they came. Beyond `limit` waiting tasks it refuses with `too_many`. */
export class Serial {
  readonly #limit: number
  /** Settles when all that came so far is over. */
  #tail: Promise<unknown> = nothing
  /** The same of those that are alone: what may share begins then. */
  #aloneTail: Promise<unknown> = nothing
  #length = 0
  #aloneLength = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#length === 0
  }

  /** Where nothing is before it, the task runs at once, and what it gives at once is given at once. */
  run<T>(task: () => Promise<T>): Promise<T>
  run<T>(task: () => Soon<T>): Soon<T>
  run<T>(task: () => Soon<T>): Soon<T> {
    return this.#refuse() ?? this.runAnyway(task)
  }

  /** The same beyond the limit: for what must be done and cannot be asked for again. */
  runAnyway<T>(task: () => Promise<T>): Promise<T>
  runAnyway<T>(task: () => Soon<T>): Soon<T>
  runAnyway<T>(task: () => Soon<T>): Soon<T> {
    const run = this.#length === 0 ? task() : this.#tail.then(task)
    if (!(run instanceof Promise)) return run
    this.#length++
    this.#aloneLength++
    const done = () => {
      this.#length--
      this.#aloneLength--
    }
    this.#tail = run.then(done, done)
    this.#aloneTail = this.#tail
    return run
  }

  /** The task begins in its order too, but does not wait for those right before it that share as well. */
  share<T>(task: () => Soon<T>): Soon<T> {
    const refused = this.#refuse()
    if (refused) return refused
    const run = this.#aloneLength === 0 ? task() : this.#aloneTail.then(task)
    if (!(run instanceof Promise)) return run
    this.#length++
    const done = () => {
      this.#length--
    }
    const before = this.#tail
    this.#tail = run.then(done, done).then(() => before)
    return run
  }

  #refuse(): Promise<never> | undefined {
    if (this.#length < this.#limit) return undefined
    const text = `expected at most ${this.#limit} requests waiting for the one before`
    return Promise.reject(new HookboxError('too_many', text))
  }
}

const nothing: Promise<unknown> = Promise.resolve()
