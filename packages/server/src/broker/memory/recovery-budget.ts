import type { Told } from './told.ts'

/** Memory that an entry takes besides its text. A round estimate. */
const perEntry = 350

/** How much is freed at a time, as a part of the budget: it is not gone through at each entry then. */
const part = 1 / 16

/**
 * What the recovery windows of all logs of a hub may take together. Beyond it the oldest entries go first, whichever log they
 * are in: who was away for long is told of a gap, and the hub does not run out of memory.
 */
export class RecoveryBudget {
  readonly #limit: number
  #oldest: Told | undefined
  #newest: Told | undefined
  #taken = 0

  /** `limit` in bytes. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes taken at the moment. */
  get taken(): number {
    return this.#taken
  }

  /** An entry is about to enter its window. */
  count(entry: Told): void {
    entry.comeAfter(this.#newest)
    this.#newest = entry
    this.#oldest ??= entry
    this.#taken += costOf(entry)
    if (this.#taken <= this.#limit) return
    const enough = this.#limit * (1 - part)
    while (this.#oldest !== entry && this.#taken > enough) this.#oldest.fallOut()
  }

  /** An entry has left its window. */
  forget(entry: Told): void {
    if (this.#oldest === entry) this.#oldest = entry.newer
    if (this.#newest === entry) this.#newest = entry.older
    entry.leave()
    this.#taken -= costOf(entry)
  }
}

function costOf({ bytes }: Told): number {
  return bytes + perEntry
}
