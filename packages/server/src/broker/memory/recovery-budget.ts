import type { BoundedQueue } from './bounded-queue.ts'
import type { Told } from './recovery-log.ts'

/** Memory that an entry takes besides its text. A round estimate. */
const perEntry = 350

/** How much is freed at a time, as a part of the budget: looking for the oldest costs less when many go at once. */
const part = 1 / 16

/**
 * What the recovery windows of all logs of a hub may take together. Beyond it the oldest entries go first, whichever log they
 * are in: who was away for long is told of a gap, and the hub does not run out of memory.
 */
export class RecoveryBudget {
  readonly #limit: number
  /** Oldest first. */
  readonly #told = new Map<Told, BoundedQueue<Told>>()
  #taken = 0

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes taken at the moment. */
  get taken(): number {
    return this.#taken
  }

  /** An entry is about to enter this window. */
  count(entry: Told, window: BoundedQueue<Told>): void {
    this.#told.set(entry, window)
    this.#taken += costOf(entry)
    if (this.#taken <= this.#limit) return
    const enough = this.#limit * (1 - part)
    for (const [oldest, its] of this.#told) {
      if (this.#taken <= enough || oldest === entry) return
      // In its window everything before it is gone already.
      its.dropOldest()
    }
  }

  /** An entry has left its window. */
  forget(entry: Told): void {
    if (this.#told.delete(entry)) this.#taken -= costOf(entry)
  }
}

function costOf({ bytes }: Told): number {
  return bytes + perEntry
}
