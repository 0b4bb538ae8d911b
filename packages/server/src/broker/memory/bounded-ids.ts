import type { Clock } from '../../clock.ts'
import type { Remembered } from '../broker.ts'

/** How long a message id is remembered, in milliseconds, and how many of one channel's. The oldest go first. */
export const idWindow = { duration: 300_000, size: 10_000 } as const

/** The message ids of one channel's publishes, for the window. */
export class BoundedIds {
  readonly #clock: Clock
  readonly #known = new Map<string, { readonly at: number; readonly outcome: Remembered }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(key: string): Remembered | undefined {
    this.#forget()
    return this.#known.get(key)?.outcome
  }

  set(key: string, outcome: Remembered): void {
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
      if (at > old && this.#known.size <= idWindow.size) return
      this.#known.delete(key)
    }
  }
}
