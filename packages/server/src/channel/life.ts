import type { Lease, Wanted } from '../broker/broker.ts'
import type { Cancel, Clock } from '../clock.ts'
import { ensure, type Soon } from '../soon.ts'
import type { Persisting } from '../webhooks/persist.ts'
import { isMissing } from './missing.ts'

/** Milliseconds after which a channel that nobody entered is offered to `destroy_channel`. */
const unvisitedLife = 60_000

/** What a life is about. */
export interface Living {
  readonly clock: Clock
  /** Somebody is here, or something is still to be told that belongs before the end. */
  wantedHere(): boolean
  /** Whether any node wants it. */
  look(): Promise<Wanted>
  /**
   * One node at a time asks, and nobody enters meanwhile. Undefined where another one does. `end` is called when that is to
   * end: somebody waits, or it is this node's turn no more, so that nobody could tell it.
   */
  take(end: () => void): Promise<Lease | undefined>
  /** This node is to see to it that the channel is offered; whoever inherits from it has to know. */
  note(due: boolean): void
  /** Asks the application whether the channel may go. */
  ask(): Persisting
  /** False where somebody has entered since. */
  keep(visits: number): Promise<boolean>
  /** Ends it, unless somebody is in it. */
  end(): Promise<void>
  /** What went wrong is no reason for anything but to try later. */
  failed(error: unknown): void
}

/** How long a channel lives: when nobody wants it any more, the application is asked whether it may go. */
export class Life {
  readonly #living: Living
  #uses = 0
  /** It is to be offered as soon as nothing is under way. */
  #offerDue = false
  #ended = false
  #offering: Promise<void> | undefined
  #asking: Persisting | undefined
  #stopWaiting: Cancel = () => {}
  /** It will be offered after a while. */
  #waiting = false

  constructor(living: Living) {
    this.#living = living
  }

  /** It has ended, here at least. */
  get gone(): boolean {
    return this.#ended
  }

  /** The application is being asked whether it may go. */
  get closing(): boolean {
    return this.#asking !== undefined
  }

  /** Nothing is under way. */
  get idle(): boolean {
    return this.#uses === 0 && !this.#waiting && this.#offering === undefined
  }

  /** Does something that needs the channel; it is not offered meanwhile. */
  using<T>(task: () => Promise<T>): Promise<T>
  using<T>(task: () => Soon<T>): Soon<T>
  using<T>(task: () => Soon<T>): Soon<T> {
    this.#uses++
    return ensure(task, this.#used)
  }

  /** Somebody may have been the last. Resolves when the application is being asked, or it is clear that it need not be. */
  async offer(): Promise<void> {
    this.#offerDue = this.#uses > 0 || this.#offering !== undefined
    if (this.#ended || this.#offerDue || this.#living.wantedHere()) return
    await new Promise<void>((asked) => {
      this.#offering = this.#offer(asked)
        .catch((error: unknown) => {
          // It has ended elsewhere, and this node is about to hear of it.
          if (this.#ended || isMissing(error)) return
          this.#living.failed(error)
          this.offerLater()
        })
        .then(() => {
          asked()
          this.#offering = undefined
          if (this.#offerDue) this.offer()
        })
    })
  }

  /** If nobody enters, it is offered after a while. */
  offerLater(): void {
    this.#stopWaiting()
    if (this.#ended) return
    if (!this.#waiting) this.#living.note(true)
    this.#waiting = true
    this.#stopWaiting = this.#living.clock.after(unvisitedLife, () => {
      this.#waiting = false
      this.#living.note(false)
      this.offer()
    })
  }

  /** Nothing more comes of it here: what the application still answers changes nothing any more. */
  stop(): void {
    this.#ended = true
    this.#stopWaiting()
    this.#asking?.drop()
  }

  readonly #used = (): void => {
    this.#uses--
    if (this.#offerDue) this.offer()
  }

  async #offer(asked: () => void): Promise<void> {
    if (!(await this.#lookIfFree())) return
    const lease = await this.#living.take(() => this.#asking?.drop())
    if (!lease) return
    try {
      const free = await this.#lookIfFree()
      if (!free || this.#ended) return
      const answered = this.#ask(free)
      asked()
      await answered
    } finally {
      await lease.release()
    }
  }

  /** Undefined where somebody wants it. */
  async #lookIfFree(): Promise<Wanted | undefined> {
    const wanted = await this.#living.look()
    // Should whoever is expected not come, nobody says so.
    if (wanted.expected && !wanted.kept) this.offerLater()
    return wanted.used || wanted.kept ? undefined : wanted
  }

  async #ask({ visits }: Wanted): Promise<void> {
    this.#living.note(true)
    this.#asking = this.#living.ask()
    const outcome = await this.#asking.outcome
    this.#asking = undefined
    if (this.#ended) return
    this.#living.note(false)
    // Somebody waits at the door, and what the application has said counts: nothing yet.
    if (outcome === 'dropped') this.offerLater()
    // Whoever the application let in meanwhile keeps the channel.
    else if (outcome !== 'given up' && outcome.ok) await this.#living.end()
    else this.#offerDue = !(await this.#living.keep(visits))
  }
}
