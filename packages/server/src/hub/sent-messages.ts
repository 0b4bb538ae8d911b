import type { Clock } from '../clock.ts'

/** How long the id of a private message is remembered, in milliseconds, and how many of one sender's. The oldest go first. */
export const sentWindow = { duration: 300_000, size: 1_000 } as const

type Sent = { readonly at: number; readonly sending: Promise<void> | undefined }

/** One sender's ids as they are put away for the next start of the hub. */
export interface SavedSent {
  readonly sender: string
  readonly ids: readonly (readonly [id: string, at: number])[]
}

/** The ids that users gave their private messages, so that one which is sent again is delivered once. */
export class SentMessages {
  readonly #clock: Clock
  /** By sender, whoever sent last at the end; then by id, oldest first. */
  readonly #senders = new Map<string, Map<string, Sent>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * Sends, unless it was sent within the window. A repeat of one under way waits for its outcome; what fails is forgotten.
   * True when it was a repeat.
   */
  async once(sender: string, id: string | undefined, send: () => Promise<void>): Promise<boolean> {
    if (id === undefined) {
      await send()
      return false
    }
    this.#forget()
    const ids = this.#senders.get(sender) ?? new Map<string, Sent>()
    const known = ids.get(id)
    if (known) {
      await known.sending
      return true
    }
    this.#senders.delete(sender)
    this.#senders.set(sender, ids)
    const sending = send()
    ids.set(id, { at: this.#clock.now(), sending })
    bound(ids)
    try {
      await sending
      // What it took along is not to be kept for the window.
      if (ids.has(id)) ids.set(id, { at: this.#clock.now(), sending: undefined })
      return false
    } catch (error) {
      ids.delete(id)
      throw error
    }
  }

  *save(): Generator<SavedSent> {
    this.#forget()
    for (const [sender, ids] of this.#senders) {
      const settled = [...ids].flatMap(([id, { at, sending }]) => (sending ? [] : [[id, at] as const]))
      if (settled.length > 0) yield { sender, ids: settled }
    }
  }

  restore({ sender, ids }: SavedSent): void {
    this.#senders.set(sender, new Map(ids.map(([id, at]) => [id, { at, sending: undefined }])))
  }

  #forget(): void {
    const old = this.#clock.now() - sentWindow.duration
    for (const [sender, ids] of this.#senders) {
      for (const [id, { at, sending }] of ids) {
        if (at > old || sending) break
        ids.delete(id)
      }
      if (ids.size > 0) return
      this.#senders.delete(sender)
    }
  }
}

function bound(ids: Map<string, Sent>): void {
  for (const id of ids.keys()) {
    if (ids.size <= sentWindow.size) return
    ids.delete(id)
  }
}
