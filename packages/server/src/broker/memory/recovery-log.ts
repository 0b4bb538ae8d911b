import type { Position } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { randomId } from '../../ids.ts'
import { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Numbered, Stop, Unnumbered } from '../broker.ts'
import { BoundedQueue, type Bounds } from './bounded-queue.ts'
import type { RecoveryBudget } from './recovery-budget.ts'

/** What every log keeps for recovery, whatever a channel's history options say. */
export const recoveryWindow: Bounds = { size: 1_000, duration: 300_000, bytes: 1_048_576 }

export type Told = Numbered & { readonly bytes: number }

/** A log as it is put away for the next start of the hub. */
export interface SavedRecoveryLog {
  readonly epoch: string
  readonly offset: number
  /** What was told last, oldest first; their numbers end at `offset`. */
  readonly window: readonly { readonly name: Unnumbered['name']; readonly text: string; readonly at: number }[]
}

/** One life of a log: what is told gets its number, is heard, and is kept for a while for those who were away. */
export class RecoveryLog {
  readonly #clock: Clock
  readonly #budget: RecoveryBudget
  readonly #epoch: string
  readonly #window: BoundedQueue<Told>
  readonly #listeners = new Set<(numbered: Numbered) => void>()
  #offset: number

  constructor(clock: Clock, budget: RecoveryBudget, saved?: SavedRecoveryLog) {
    this.#clock = clock
    this.#budget = budget
    this.#epoch = saved?.epoch ?? randomId()
    this.#offset = saved?.offset ?? 0
    this.#window = new BoundedQueue((gone) => budget.forget(gone))
    const window = saved?.window ?? []
    for (const [index, { name, text, at }] of window.entries()) {
      this.#push(name, this.#offset - window.length + 1 + index, text, at, undefined)
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

  /** Gives the next number, keeps the frame and tells it. `text` writes the frame with its number. */
  tell({ name, origin }: Pick<Unnumbered, 'name' | 'origin'>, text: (offset: number) => string): Position {
    const offset = this.#offset + 1
    this.#offset = offset
    const told = this.#push(name, offset, text(offset), this.#clock.now(), origin)
    for (const hear of this.#listeners) hear(told)
    return told.position
  }

  /** Every frame told after `since`; undefined when one of them is gone or the epoch is another. */
  missed(since: Position): readonly Numbered[] | undefined {
    if (since.epoch !== this.#epoch || since.offset > this.#offset) return undefined
    this.#window.trim(recoveryWindow, this.#clock.now())
    const missed = this.#window.values().slice(Math.max(0, this.#window.length - (this.#offset - since.offset)))
    return missed.length === this.#offset - since.offset ? missed : undefined
  }

  listen(hear: (numbered: Numbered) => void): Stop {
    this.#listeners.add(hear)
    return () => this.#listeners.delete(hear)
  }

  /** Nothing was told for as long as the window lasts. */
  get idle(): boolean {
    this.#window.trim(recoveryWindow, this.#clock.now())
    return this.#window.length === 0
  }

  save(): SavedRecoveryLog {
    const window = this.#window.values().map(({ name, frame, at }) => ({ name, text: frame.text, at }))
    return { epoch: this.#epoch, offset: this.#offset, window }
  }

  /** It is over: what it kept no longer counts towards the budget. */
  end(): void {
    this.#window.clear()
  }

  #push(name: Unnumbered['name'], offset: number, text: string, at: number, origin: string | undefined): Told {
    const position = { epoch: this.#epoch, offset }
    const told: Told = { name, position, frame: new PreparedFrame(text), at, origin, bytes: text.length }
    this.#budget.count(told, this.#window)
    this.#window.push(told, recoveryWindow, this.#clock.now())
    return told
  }
}
