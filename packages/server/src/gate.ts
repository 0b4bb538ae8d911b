/** Lets at most `width` tasks run at a time; the others wait in the order they came. */
export class Gate {
  readonly #width: number
  /** Nobody, mostly. */
  #waiting: (() => void)[] | undefined
  #running = 0

  constructor(width: number) {
    this.#width = width
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#width) this.#running++
    else await new Promise<void>((resolve) => this.#wait(resolve))
    try {
      return await task()
    } finally {
      const next = this.#waiting?.shift()
      // The place is handed on, not given back: a newcomer must not overtake who waits.
      if (next) next()
      else this.#running--
    }
  }

  #wait(resolve: () => void): void {
    this.#waiting ??= []
    this.#waiting.push(resolve)
  }
}
