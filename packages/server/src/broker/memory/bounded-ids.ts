import type { Clock } from '../../clock.ts'
import type { Remembered } from '../broker.ts'

/**
 * How long a message id is remembered, in milliseconds, how many of one channel's, and how much of what is kept with them for
 * their publishers alone. The oldest go first.
 */
export const idWindow = { duration: 300_000, size: 10_000, bytes: 1_048_576 } as const

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
    this.#delete(key)
    this.#bytes += bytesOf(outcome)
    this.#known.set(key, { at: this.#clock.now(), outcome })
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
