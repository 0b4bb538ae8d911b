/** Calls that are under way or wait for a place; beyond it none is taken. */
export const mostCalls = 4_096

/** What waits for a place. */
interface Waiting {
  readonly begin: () => void
  /** It has begun, or given up. */
  isOver: boolean
}

/** All that is about one thing. */
interface About {
  /** Places that it has. */
  taken: number
  /** Of those in the queue, who have not given up. */
  waiting: number
  readonly queue: Waiting[]
}

/**
 * Places for calls under way, and for those who wait for one. What calls are about never takes more of either than are left: one
 * thing about which an application answers slowly takes half at most, a second one half of the rest, so that there is room for
 * all others. Who waits takes turns.
 */
export class Places {
  #free: number
  /** How many more may be under way or wait. */
  #room: number
  readonly #all = new Map<string, About>()
  /** Of these somebody waits; first the one whose turn is next. */
  readonly #waiting = new Map<string, About>()
  #emptied: (() => void)[] = []
  #isLettingIn = false

  /** `most`: how many may be under way or wait together. */
  constructor(count: number, most: number) {
    this.#free = count
    this.#room = most
  }

  /**
   * `begin` is called once there is a place, at once where there is one; then {@link leave} must follow. What comes back gives
   * up waiting. Undefined where there is no room even to wait.
   */
  take(name: string, begin: () => void): (() => void) | undefined {
    const about = this.#all.get(name) ?? { taken: 0, waiting: 0, queue: [] }
    if (about.taken + about.waiting >= this.#room) return undefined
    this.#all.set(name, about)
    this.#room--
    if (about.waiting === 0 && about.taken < this.#free) {
      this.#enter(about, begin)
      return nothing
    }
    const one: Waiting = { begin, isOver: false }
    about.waiting++
    about.queue.push(one)
    if (!this.#waiting.has(name)) this.#waiting.set(name, about)
    return () => this.#giveUp(name, about, one)
  }

  leave(name: string): void {
    const about = this.#all.get(name)
    if (!about) return
    about.taken--
    this.#free++
    this.#room++
    this.#letIn()
    this.#forget(name, about)
  }

  /** Resolves once all that waited has a place, or has given up. */
  async nobodyWaits(): Promise<void> {
    if (this.#waiting.size > 0) await new Promise<void>((resolve) => this.#emptied.push(resolve))
  }

  #enter(about: About, begin: () => void): void {
    this.#free--
    about.taken++
    begin()
  }

  #giveUp(name: string, about: About, one: Waiting): void {
    if (one.isOver) return
    one.isOver = true
    about.waiting--
    this.#room++
    if (about.waiting > 0) return
    about.queue.length = 0
    this.#waiting.delete(name)
    this.#tellEmptied()
    this.#forget(name, about)
  }

  /** What begins may end at once, and leave its place while others are let in: that is seen by the same loop. */
  #letIn(): void {
    if (this.#isLettingIn) return
    this.#isLettingIn = true
    try {
      for (const [name, about] of this.#waiting) {
        if (this.#free === 0) break
        if (about.taken >= this.#free) continue
        while (about.queue[0]?.isOver) about.queue.shift()
        const next = about.queue.shift()
        // Behind all others, where something still waits: there it is come to once more.
        this.#waiting.delete(name)
        if (!next) continue
        next.isOver = true
        about.waiting--
        if (about.waiting > 0) this.#waiting.set(name, about)
        this.#enter(about, next.begin)
      }
    } finally {
      this.#isLettingIn = false
    }
    this.#tellEmptied()
  }

  #tellEmptied(): void {
    if (this.#waiting.size > 0) return
    for (const resolve of this.#emptied.splice(0)) resolve()
  }

  #forget(name: string, about: About): void {
    if (about.taken === 0 && about.waiting === 0 && this.#all.get(name) === about) this.#all.delete(name)
  }
}

const nothing = () => {}
