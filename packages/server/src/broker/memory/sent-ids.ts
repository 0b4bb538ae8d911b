import type { Clock } from '../../clock.ts'

/** How long the id of a private message is remembered, in milliseconds, and how many of one sender's. The oldest go first. */
export const sentWindow = { duration: 300_000, size: 1_000 } as const

/** One sender's ids as they are put away for the next start of the hub. */
export interface SavedSent {
  readonly sender: string
  readonly ids: readonly (readonly [id: string, at: number])[]
}

/** The ids that users gave the private messages which they sent. */
export class SentIds {
  readonly #clock: Clock
  /** By sender, whoever sent last at the end; then by id, oldest first, with the time. */
  readonly #senders = new Map<string, Map<string, number>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  has(sender: string, id: string): boolean {
    this.#forget()
    const at = this.#senders.get(sender)?.get(id)
    return at !== undefined && at > this.#clock.now() - sentWindow.duration
  }

  add(sender: string, id: string): void {
    this.#forget()
    const ids = this.#senders.get(sender) ?? new Map<string, number>()
    this.#senders.delete(sender)
    this.#senders.set(sender, ids)
    ids.delete(id)
    ids.set(id, this.#clock.now())
    for (const oldest of ids.keys()) {
      if (ids.size <= sentWindow.size) return
      ids.delete(oldest)
    }
  }

  *save(): Generator<SavedSent> {
    this.#forget()
    for (const [sender, ids] of this.#senders) yield { sender, ids: [...ids] }
  }

  restore({ sender, ids }: SavedSent): void {
    this.#senders.set(sender, new Map(ids))
  }

  #forget(): void {
    const old = this.#clock.now() - sentWindow.duration
    for (const [sender, ids] of this.#senders) {
      for (const [id, at] of ids) {
        if (at > old) break
        ids.delete(id)
      }
      if (ids.size > 0) return
      this.#senders.delete(sender)
    }
  }
}
