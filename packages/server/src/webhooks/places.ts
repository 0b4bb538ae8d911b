/** What waits for a place. */
interface Waiting {
  readonly begin: () => void
  /** It has no use for one any more. */
  isGivenUp: boolean
}

/**
 * Places for calls under way. What calls are about never takes more of them than are left: one thing about which an application
 * answers slowly takes half at most, a second one half of the rest, so that there is room for all others. Who waits takes turns.
 */
export class Places {
  #free: number
  readonly #taken = new Map<string, number>()
  /** First the one whose turn is next. */
  readonly #waiting = new Map<string, Waiting[]>()
  #emptied: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * `begin` is called once there is a place, at once where there is one; then {@link leave} must follow. What comes back gives
   * up waiting.
   */
  take(about: string, begin: () => void): () => void {
    if (!this.#waiting.has(about) && this.#hasRoom(about)) {
      this.#enter(about, begin)
      return nothing
    }
    const one: Waiting = { begin, isGivenUp: false }
    const queue = this.#waiting.get(about)
    if (queue) queue.push(one)
    else this.#waiting.set(about, [one])
    return () => {
      one.isGivenUp = true
    }
  }

  leave(about: string): void {
    const taken = this.#taken.get(about) ?? 0
    if (taken > 1) this.#taken.set(about, taken - 1)
    else this.#taken.delete(about)
    this.#free++
    this.#letIn()
  }

  /** Resolves once all that waited has a place, or has given up. */
  async nobodyWaits(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve))
  }

  #hasRoom(about: string): boolean {
    return (this.#taken.get(about) ?? 0) < this.#free
  }

  #enter(about: string, begin: () => void): void {
    this.#free--
    this.#taken.set(about, (this.#taken.get(about) ?? 0) + 1)
    begin()
  }

  #letIn(): void {
    for (const [about, queue] of this.#waiting) {
      if (this.#free === 0) break
      while (queue[0]?.isGivenUp) queue.shift()
      const next = this.#hasRoom(about) ? queue.shift() : undefined
      if (next === undefined && queue.length > 0) continue
      // Behind all others, where something still waits: there it is come to once more.
      this.#waiting.delete(about)
      if (queue.length > 0) this.#waiting.set(about, queue)
      if (next) this.#enter(about, next.begin)
    }
    if (this.#waiting.size > 0) return
    for (const resolve of this.#emptied.splice(0)) resolve()
  }
}

const nothing = () => {}
