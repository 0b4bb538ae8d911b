import { type Deferred, deferred, patience, within } from './within.ts'

interface Waiting<T> extends Deferred<T> {
  readonly match: (item: T) => boolean
  readonly what: string
}

/** Keeps what arrives until a test takes it, so that nothing is missed between two waits. */
export class Inbox<T> {
  readonly #show: (item: T) => string
  readonly #arrived: T[] = []
  readonly #waiting = new Set<Waiting<T>>()
  #ended: string | undefined

  /** `show` writes an item for the message of a wait that failed. */
  constructor(show: (item: T) => string) {
    this.#show = show
  }

  put(item: T): void {
    for (const waiting of this.#waiting) {
      if (!waiting.match(item)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(item)
      return
    }
    this.#arrived.push(item)
  }

  /** The oldest matching item that nobody has taken yet, or the next one to arrive. */
  take(match: (item: T) => boolean, what: string, deadline: number = patience): Promise<T> {
    const at = this.#arrived.findIndex(match)
    if (at >= 0) return Promise.resolve(...(this.#arrived.splice(at, 1) as [T]))
    const waiting: Waiting<T> = { ...deferred<T>(), match, what }
    if (this.#ended === undefined) this.#waiting.add(waiting)
    else waiting.reject(this.#endedError(what, this.#ended))
    const taken = within(waiting.promise, what, () => this.#contents(), deadline)
    taken.catch(() => this.#waiting.delete(waiting))
    return taken
  }

  /** Nothing will arrive any more: whoever waits is told why at once. What has arrived can still be taken. */
  end(why: string): void {
    this.#ended ??= why
    for (const waiting of this.#waiting) waiting.reject(this.#endedError(waiting.what, why))
    this.#waiting.clear()
  }

  #endedError(what: string, why: string): Error {
    return new Error(`waited for ${what}, but ${why}; came instead: ${this.#contents()}`)
  }

  #contents(): string {
    return this.#arrived.map(this.#show).join(', ') || 'nothing'
  }
}
