import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { type FaultKind, wasReached } from './callbacks.ts'

/** So many calls in a row without any answer, and the application counts as away. */
export const mostUnanswered = 20

/** Milliseconds from one call that looks whether the application is back to the next. */
export const lookInterval = 1_000

/** What came of a call, as far as it counts here. */
type Outcome = { readonly kind: 'answer' } | { readonly kind: 'fault'; readonly why: FaultKind }

/** A call that was not made. */
export interface Unasked {
  readonly kind: 'fault'
  readonly why: 'unasked'
  readonly fault: string
}

/**
 * Keeps calls from an application that is away, so that nobody waits for their time to run out: all but one a second fail at once.
 * The first answer ends that.
 */
export class ShortCircuit {
  readonly #clock: Pick<Clock, 'now'>
  readonly #log: Pick<Log, 'warn'>
  #unanswered = 0
  /** When the next call may look whether it is back. */
  #nextLook = 0

  constructor(clock: Pick<Clock, 'now'>, log: Pick<Log, 'warn'>) {
    this.#clock = clock
    this.#log = log
  }

  /** A call is about to be made: undefined where it may be. */
  begin(): Unasked | undefined {
    const fault = this.#refusal()
    return fault === undefined ? undefined : { kind: 'fault', why: 'unasked', fault }
  }

  /** What came of a call that was begun. One that was not made after all says nothing. */
  ended(reply: Outcome): void {
    if (reply.kind === 'answer' || reply.why !== 'unasked') this.#heard(reply)
  }

  get #isAway(): boolean {
    return this.#unanswered >= mostUnanswered
  }

  /** Why no call is made at present. */
  #refusal(): string | undefined {
    if (!this.#isAway) return undefined
    const now = this.#clock.now()
    if (now < this.#nextLook) return 'not asked, as the application has not answered for a while'
    this.#nextLook = now + lookInterval
    return undefined
  }

  #heard(reply: Outcome): void {
    const wasAway = this.#isAway
    this.#unanswered = reply.kind === 'answer' || wasReached(reply.why) ? 0 : this.#unanswered + 1
    if (this.#isAway === wasAway) return
    if (wasAway) return this.#log.warn('the application answers again')
    this.#nextLook = this.#clock.now() + lookInterval
    this.#log.warn(
      `the application has left ${mostUnanswered} calls in a row without an answer: until there is one, it is asked once a second, and all other calls fail at once`,
    )
  }
}
