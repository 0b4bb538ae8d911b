import type { Position } from '@hookbox/protocol'
import type { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Numbered, Unnumbered } from '../broker.ts'
import type { BoundedQueue } from './bounded-queue.ts'

/** Memory that an entry takes besides its text. A round estimate. */
const perEntry = 350

/** How much is freed at a time, as a part of the budget: it is not gone through at each entry then. */
const part = 1 / 16

/** What a window keeps. It knows its neighbours among all that is kept, so that it leaves without being looked for. */
export class Told implements Numbered {
  readonly name: Unnumbered['name']
  readonly position: Position
  readonly frame: PreparedFrame
  readonly at: number
  readonly origin: string | undefined
  readonly #window: BoundedQueue<Told>
  #older: Told | undefined
  #newer: Told | undefined

  constructor({ name, position, frame, at, origin }: Numbered, window: BoundedQueue<Told>) {
    this.name = name
    this.position = position
    this.frame = frame
    this.at = at
    this.origin = origin
    this.#window = window
  }

  get bytes(): number {
    return this.frame.length
  }

  get older(): Told | undefined {
    return this.#older
  }

  get newer(): Told | undefined {
    return this.#newer
  }

  /** It is younger than all others, of which `before` was the youngest. */
  comeAfter(before: Told | undefined): void {
    this.#older = before
    if (before) before.#newer = this
  }

  /** Its neighbours are each other's now; who still holds it does not hold all the others. */
  leave(): void {
    if (this.#older) this.#older.#newer = this.#newer
    if (this.#newer) this.#newer.#older = this.#older
    this.#older = undefined
    this.#newer = undefined
  }

  /** For the oldest of all: in its window everything before it is gone already. */
  fallOut(): void {
    this.#window.dropOldest()
  }
}

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
