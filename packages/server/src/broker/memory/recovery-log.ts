import type { Position } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { randomId } from '../../ids.ts'
import { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Numbered, Unnumbered } from '../broker.ts'
import { BoundedQueue, type Bounds } from './bounded-queue.ts'
import type { RecoveryBudget } from './recovery-budget.ts'
import { Told } from './told.ts'

/** What every log keeps for recovery, whatever a channel's history options say. */
export const recoveryWindow: Bounds = { size: 1_000, duration: 300_000, bytes: 1_048_576 }

/** What is to be told, with its number. */
interface Telling extends Pick<Unnumbered, 'name' | 'origin'> {
  readonly offset: number
  readonly text: string
  readonly at: number
}

/** A log as it is put away for the next start of the hub. */
export interface SavedRecoveryLog {
  readonly epoch: string
  readonly offset: number
  /** What was told last, oldest first; their numbers end at `offset`. */
  readonly window: readonly { readonly name: Unnumbered['name']; readonly text: string; readonly at: number }[]
}

/**
 * One life of a log: what is told gets its number, and is kept for a while for those who were away. Each user has one, and most
 * of them are never told anything.
 */
export class RecoveryLog {
  readonly #clock: Clock
  readonly #budget: RecoveryBudget
  readonly #epoch: string
  /** Once something was told. */
  #window: BoundedQueue<Told> | undefined
  #offset: number

  constructor(clock: Clock, budget: RecoveryBudget, saved?: SavedRecoveryLog) {
    this.#clock = clock
    this.#budget = budget
    this.#epoch = saved?.epoch ?? randomId()
    this.#offset = saved?.offset ?? 0
    const window = saved?.window ?? []
    for (const [index, { name, text, at }] of window.entries()) {
      this.#push({ name, offset: this.#offset - window.length + 1 + index, text, at, origin: undefined }, clock.now())
    }
  }

  /** Where it stands. */
  get top(): Position {
    return { epoch: this.#epoch, offset: this.#offset }
  }

  get epoch(): string {
    return this.#epoch
  }

  get offset(): number {
    return this.#offset
  }

  /** Gives the next number and keeps the frame, which whoever listens is to be told. `text` writes the frame with its number. */
  tell({ name, origin }: Pick<Unnumbered, 'name' | 'origin'>, text: (offset: number) => string, now: number): Numbered {
    const offset = this.#offset + 1
    this.#offset = offset
    return this.#push({ name, offset, text: text(offset), at: now, origin }, now)
  }

  /** Every frame told after `since`; undefined when one of them is gone or the epoch is another. */
  missed(since: Position): readonly Numbered[] | undefined {
    if (since.epoch !== this.#epoch || since.offset > this.#offset) return undefined
    this.#window?.trim(recoveryWindow, this.#clock.now())
    const window = this.#window?.values() ?? []
    const missed = window.slice(Math.max(0, window.length - (this.#offset - since.offset)))
    return missed.length === this.#offset - since.offset ? missed : undefined
  }

  /** Nothing was told for as long as the window lasts. */
  get idle(): boolean {
    this.#window?.trim(recoveryWindow, this.#clock.now())
    return (this.#window?.length ?? 0) === 0
  }

  save(): SavedRecoveryLog {
    const kept = this.#window?.values() ?? []
    const window = kept.map(({ name, frame, at }) => ({ name, text: frame.text, at }))
    return { epoch: this.#epoch, offset: this.#offset, window }
  }

  /** It is over: what it kept no longer counts towards the budget. */
  end(): void {
    this.#window?.clear()
  }

  #push({ name, offset, text, at, origin }: Telling, now: number): Told {
    const position = { epoch: this.#epoch, offset }
    this.#window ??= new BoundedQueue(this.#budget)
    const told = new Told({ name, position, frame: new PreparedFrame(text), at, origin }, this.#window)
    this.#budget.count(told)
    this.#window.push(told, recoveryWindow, now)
    return told
  }
}
