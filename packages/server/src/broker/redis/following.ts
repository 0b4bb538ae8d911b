import type { Gate } from '../../gate.ts'
import type { Log } from './settings.ts'
import type { Listener } from './topics.ts'

export interface FollowingParts {
  /** Reads how things stand and tells what that brings. */
  readonly read: () => Promise<void>
  /**
   * Tells what a topic says. False where it does not follow what was told before; `wasHeld` where it came while reading, and
   * may have been told before what was read.
   */
  readonly apply: (text: string, wasHeld: boolean) => boolean
  /** Lets through so many readings at a time. */
  readonly gate: Gate
  readonly log: Log
}

/** Beyond so many that came while it reads, it reads once more instead of holding them. */
const mostHeld = 1_000

/** Milliseconds until a reading that failed is tried again. */
const again = 500

/**
 * Follows one topic without missing anything. What Redis holds is the truth, and what the topic says only wakes: whatever does
 * not follow what came before, and every time that the line was lost, makes it read again, and what comes meanwhile is held
 * back until then.
 */
export class Following implements Listener {
  readonly #parts: FollowingParts
  #held: string[] | undefined = []
  #stale = false
  #stopped = false
  #timer: NodeJS.Timeout | undefined

  constructor(parts: FollowingParts) {
    this.#parts = parts
  }

  /** Reads for the first time. The topic must be heard already. */
  async begin(): Promise<void> {
    // What was missed before is in what is read now.
    this.#stale = false
    await this.#parts.gate.run(this.#parts.read)
    this.#release()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#held = undefined
  }

  heard(text: string): void {
    if (this.#stopped) return
    if (!this.#held) this.#apply(text, false)
    else if (this.#held.length < mostHeld) this.#held.push(text)
    else this.#stale = true
  }

  gap(): void {
    if (this.#stopped) return
    if (this.#held && this.#timer === undefined) this.#stale = true
    else void this.#read()
  }

  #apply(text: string, wasHeld: boolean): boolean {
    try {
      if (this.#parts.apply(text, wasHeld)) return true
    } catch (err) {
      this.#parts.log.error({ err }, 'could not read what Redis told')
    }
    if (!this.#stopped) void this.#read()
    return false
  }

  #release(): void {
    if (this.#stopped) return
    const held = this.#held ?? []
    this.#held = undefined
    if (this.#stale) {
      void this.#read()
      return
    }
    // What comes after something that does not follow is read with it.
    for (const text of held) if (this.#stopped || !this.#apply(text, true)) return
  }

  async #read(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#held = []
    this.#stale = false
    try {
      await this.#parts.gate.run(async () => {
        if (!this.#stopped) await this.#parts.read()
      })
      this.#release()
    } catch (err) {
      if (this.#stopped) return
      this.#parts.log.debug({ err }, 'could not read from Redis what was missed')
      // Without a line it is read as soon as there is one; else, after a while.
      this.#timer = setTimeout(() => void this.#read(), again)
    }
  }
}
