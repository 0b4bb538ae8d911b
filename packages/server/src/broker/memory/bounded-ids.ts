import type { Position } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Remembered } from '../broker.ts'

/**
 * How long a message id is remembered, in milliseconds, how many of one channel's, and how much of what is kept with them for
 * their publishers alone. The oldest go first.
 */
export const idWindow = { duration: 300_000, size: 10_000, bytes: 1_048_576 } as const

/** A message id as it is put away for the next start of the hub. */
export type SavedId = { readonly key: string; readonly at: number } & (
  | { readonly position: Position }
  | { readonly text: string }
)

/** The message ids of one channel's publishes, for the window. */
export class BoundedIds {
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly at: number; readonly outcome: Remembered }>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): Remembered | undefined {
    this.#forget()
    return this.#known.get(key)?.outcome
  }

  set(key: string, outcome: Remembered): void {
    this.#add(key, this.#clock.now(), outcome)
    this.#forget()
  }

  save(): SavedId[] {
    this.#forget()
    return [...this.#known].map(([key, { at, outcome }]) => ({
      key,
      at,
      ...('frame' in outcome ? { text: outcome.frame.text } : { position: outcome.position }),
    }))
  }

  restore(saved: readonly SavedId[]): void {
    for (const { key, at, ...outcome } of saved) {
      this.#add(key, at, 'text' in outcome ? { frame: new PreparedFrame(outcome.text) } : outcome)
    }
    this.#forget()
  }

  get empty(): boolean {
    this.#forget()
    return this.#known.size === 0
  }

  #forget(): void {
    const old = this.#clock.now() - idWindow.duration
    for (const [key, { at }] of this.#known) {
      const fits = this.#known.size <= idWindow.size && this.#bytes <= idWindow.bytes
      if (at > old && fits) return
      this.#delete(key)
    }
  }

  #add(key: string, at: number, outcome: Remembered): void {
    this.#delete(key)
    this.#bytes += bytesOf(outcome)
    this.#known.set(key, { at, outcome })
  }

  #delete(key: string): void {
    const known = this.#known.get(key)
    if (!known) return
    this.#bytes -= bytesOf(known.outcome)
    this.#known.delete(key)
  }
}

function bytesOf(outcome: Remembered): number {
  return 'frame' in outcome ? outcome.frame.text.length : 0
}
