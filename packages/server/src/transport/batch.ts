import { Message } from './message.ts'
import type { PreparedFrame } from './prepared-frame.ts'
import { endWithTurn } from './turn.ts'

/** Whoever takes what a batch holds. */
export interface Follower {
  /** The batch is about to get another frame, and this one had turned away from it. */
  resume(batch: Batch, frame: PreparedFrame): void
}

/**
 * What goes to many pages in one turn of the event loop, joined once for all of them. A page for which something else comes in
 * between turns away, until the next frame: so each gets everything in its order, and a frame costs the same for however many
 * pages.
 */
export class Batch {
  readonly #frames: PreparedFrame[] = []
  readonly #onEnd: () => void
  #away: Set<Follower> | undefined
  #length = 0
  #message: Message | undefined
  #over = false

  /** `onEnd` is called when its turn is over. */
  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
    endWithTurn(this)
  }

  /** The turn has ended: it gets nothing more. */
  get over(): boolean {
    return this.#over
  }

  get frames(): readonly PreparedFrame[] {
    return this.#frames
  }

  /** Bytes of all its frames, with what separates them. */
  get length(): number {
    return this.#length
  }

  /** All its frames, once it is over, as one message. Who asks second makes it a shared one. */
  get message(): Message {
    if (this.#message) this.#message.isShared = true
    else this.#message = new Message(this.#frames)
    return this.#message
  }

  add(frame: PreparedFrame): void {
    if (this.#away) for (const follower of [...this.#away]) follower.resume(this, frame)
    this.#length += frame.length + (this.#frames.length > 0 ? 1 : 0)
    this.#frames.push(frame)
  }

  /** Something else comes for this one first. */
  turnAway(follower: Follower): void {
    this.#away ??= new Set()
    this.#away.add(follower)
  }

  /** Follows it again, or nevermore. */
  turnBack(follower: Follower): void {
    this.#away?.delete(follower)
    if (this.#away?.size === 0) this.#away = undefined
  }

  end(): void {
    this.#over = true
    this.#onEnd()
  }
}
