import { HookboxError } from '@hookbox/protocol'

/** Runs tasks one after another, in the order they came. Beyond `limit` waiting tasks it refuses with `too_many`. */
export class Serial {
  readonly #limit: number
  #tail: Promise<unknown> = Promise.resolve()
  #length = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Nothing runs and nothing waits. */
  get idle(): boolean {
    return this.#length === 0
  }

  run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#length >= this.#limit) {
      const text = `expected at most ${this.#limit} requests waiting for the one before`
      return Promise.reject(new HookboxError('too_many', text))
    }
    return this.runAnyway(task)
  }

  /** The same beyond the limit: for what must be done and cannot be asked for again. */
  runAnyway<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#length === 0 ? task() : this.#tail.then(task)
    this.#length++
    this.#tail = run.then(this.#done, this.#done)
    return run
  }

  readonly #done = (): void => {
    this.#length--
  }
}
