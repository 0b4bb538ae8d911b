/** A message on its way to a page, with the number by which the page says that it arrived. */
export interface NumberedMessage {
  readonly number: number
  readonly message: Buffer
  /** Called when the message has left this process, or never will. */
  readonly onSent: (() => void) | undefined
}

/** Bytes that are kept for a page to ask for again. */
export const maxKept = 1_048_576

/**
 * Messages to a page whose line may break between any two of them: numbered from 1, waiting until there is a line, then kept
 * until the page says that they arrived. Beyond the bound the oldest are forgotten; a page that lacks one of those cannot go
 * on and has to connect anew, which loses nothing either.
 */
export class NumberedMessages {
  readonly #bound: number
  #waiting: NumberedMessage[] = []
  #waitingBytes = 0
  /** Written to some line, oldest first. */
  #kept: NumberedMessage[] = []
  #keptBytes = 0
  #top = 0
  #arrived = 0
  #forgotten = 0

  constructor(bound: number = maxKept) {
    this.#bound = bound
  }

  /** The number of the newest that was written. */
  get written(): number {
    return this.#top - this.#waiting.length
  }

  /** Bytes that have no line to go by yet. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  add(message: Buffer, onSent: (() => void) | undefined): void {
    this.#waiting.push({ number: ++this.#top, message, onSent })
    this.#waitingBytes += message.length
  }

  /** What waits, to be written now. */
  takeWaiting(): readonly NumberedMessage[] {
    const taken = this.#waiting
    this.#waiting = []
    this.#keptBytes += this.#waitingBytes
    this.#waitingBytes = 0
    this.#kept.push(...taken)
    let forgotten = 0
    for (const { number, message } of this.#kept) {
      if (this.#keptBytes <= this.#bound) break
      this.#keptBytes -= message.length
      this.#forgotten = number
      forgotten++
    }
    this.#kept.splice(0, forgotten)
    return taken
  }

  /** All up to this number have arrived. */
  arrived(number: number): void {
    this.#arrived = Math.max(this.#arrived, number)
    let gone = 0
    for (const kept of this.#kept) {
      if (kept.number > this.#arrived) break
      this.#keptBytes -= kept.message.length
      gone++
    }
    this.#kept.splice(0, gone)
  }

  /** What was written and has not arrived, to be written again; undefined where some of it is forgotten. */
  get missing(): readonly NumberedMessage[] | undefined {
    return this.#arrived < this.#forgotten ? undefined : this.#kept
  }

  /** Keeps nothing any more, and lets nobody wait. */
  discard(): void {
    for (const { onSent } of this.#waiting) onSent?.()
    this.#waiting = []
    this.#waitingBytes = 0
    this.#kept = []
    this.#keptBytes = 0
  }
}
