import { ensure, type Soon } from './soon.ts'

/** Lets at most `width` tasks run at a time; the others wait in the order they came. */
export class Gate {
  readonly #width: number
  /** Nobody, mostly. */
  #waiting: (() => void)[] | undefined
  #running = 0

  constructor(width: number) {
    this.#width = width
  }

  /** Where there is room, what the task gives at once is given at once. */
  run<T>(task: () => Promise<T>): Promise<T>
  run<T>(task: () => Soon<T>): Soon<T>
  run<T>(task: () => Soon<T>): Soon<T> {
    if (this.#running === this.#width) return this.#wait().then(() => ensure(task, this.#leave))
    this.#running++
    return ensure(task, this.#leave)
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting ??= []
      this.#waiting.push(resolve)
    })
  }

  readonly #leave = (): void => {
    const next = this.#waiting?.shift()
    // The place is handed on, not given back: a newcomer must not overtake who waits.
    if (next) next()
    else this.#running--
  }
}
