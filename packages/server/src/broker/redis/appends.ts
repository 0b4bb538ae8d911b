import type { Appended, Appending, Retention, Unnumbered } from '../broker.ts'
import { unavailable } from './failure.ts'
import { mostUnanswered } from './line.ts'

/** One thing that is to be appended. */
export interface Append {
  readonly what: Unnumbered
  readonly how: Appending
}

interface Waiting extends Append {
  readonly appended: (outcome: Appended) => void
  readonly failed: (error: unknown) => void
}

/** How many go in one call, and how many bytes of them; one goes however long it is. */
const most = { count: 128, bytes: 262_144 } as const

/** All that a node has not been answered about, in however many channels. */
export class Backlog {
  #count = 0
  #bytes = 0

  /** @throws HookboxError `unavailable` where there is no room */
  add(bytes: number): void {
    if (this.#count >= mostUnanswered.count || this.#bytes + bytes > mostUnanswered.bytes) {
      throw unavailable('Redis is too busy: too much waits for its answers')
    }
    this.#count++
    this.#bytes += bytes
  }

  remove(bytes: number): void {
    this.#count--
    this.#bytes -= bytes
  }
}

/**
 * What this node appends to one log. A call costs Redis, and whoever hears of it, more than what stands in it: while one is under
 * way the next ones gather, and leave together. So they stand there in the order in which they came.
 */
export class Appends {
  readonly #run: (some: readonly Append[]) => Promise<readonly Appended[]>
  readonly #backlog: Backlog
  #waiting: Waiting[] = []
  #isUnderWay = false

  /** `run` appends all of them in one step, which keep what they keep in the same way. */
  constructor(run: (some: readonly Append[]) => Promise<readonly Appended[]>, backlog: Backlog) {
    this.#run = run
    this.#backlog = backlog
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return !this.#isUnderWay
  }

  /** @throws HookboxError `unavailable`, and what `run` throws */
  async append(what: Unnumbered, how: Appending): Promise<Appended> {
    const bytes = what.inside.length
    this.#backlog.add(bytes)
    try {
      return await new Promise<Appended>((appended, failed) => {
        this.#waiting.push({ what, how, appended, failed })
        if (!this.#isUnderWay) this.#begin()
      })
    } finally {
      this.#backlog.remove(bytes)
    }
  }

  #begin(): void {
    this.#isUnderWay = true
    // What comes right behind it goes with it.
    queueMicrotask(() => this.#work())
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const some = this.#waiting.splice(0, this.#howMany())
      try {
        const outcomes = await this.#run(some)
        for (const [i, { appended }] of some.entries()) appended(outcomes[i] as Appended)
      } catch (error) {
        for (const { failed } of some) failed(error)
      }
    }
    this.#isUnderWay = false
  }

  #howMany(): number {
    const keep = this.#waiting[0]?.how.keep
    let count = 0
    let bytes = 0
    for (const { what, how } of this.#waiting) {
      bytes += what.inside.length
      const fits = count < most.count && bytes <= most.bytes && isSame(how.keep, keep)
      if (count > 0 && !fits) break
      count++
    }
    return count
  }
}

function isSame(one: Retention, other: Retention | undefined): boolean {
  return one.size === other?.size && one.duration === other.duration && one.publishOnly === other.publishOnly
}
