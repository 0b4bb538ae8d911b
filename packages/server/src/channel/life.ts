import type { Cancel, Clock } from '../clock.ts'
import type { Persisting } from '../webhooks/persist.ts'

/** Milliseconds after which a channel that nobody entered is offered to `destroy_channel`. */
const unvisitedLife = 60_000

/** What a life is about. */
export interface Living {
  readonly clock: Clock
  /** Somebody is here, or something is still to be told that belongs before the end. */
  wanted(): boolean
  /** Asks the application whether the channel may go. */
  ask(): Persisting
  end(): Promise<void>
}

/** A life as it is put away for the next start of the hub. */
export interface SavedLife {
  /** The application wants to keep the channel, although nobody is in it. */
  readonly kept: boolean
  /** It is to be offered some time, if nobody comes. */
  readonly due: boolean
}

/** How long a channel lives: when nobody wants it any more, the application is asked whether it may go. */
export class Life {
  readonly #living: Living
  #uses = 0
  /** It is to be offered as soon as nothing is under way. */
  #offerDue = false
  /** Somebody has entered since it was last offered. */
  #visited = false
  /** The application refused to let it go, until someone has come and gone again. */
  #kept = false
  #gone = false
  #stopped = false
  #closing: { readonly asking: Persisting; readonly done: Promise<void> } | undefined
  #stopWaiting: Cancel = () => {}
  /** Nobody has entered yet, and it will be offered. */
  #waiting = false

  constructor(living: Living) {
    this.#living = living
  }

  /** It has ended. */
  get gone(): boolean {
    return this.#gone
  }

  /** The application is being asked whether it may go. */
  get closing(): boolean {
    return this.#closing !== undefined
  }

  /** Does something that needs the channel; it is not offered meanwhile. */
  async using<T>(task: () => Promise<T>): Promise<T> {
    this.#uses++
    try {
      return await task()
    } finally {
      this.#uses--
      if (this.#offerDue) this.offer()
    }
  }

  /** Somebody has entered. */
  visited(): void {
    this.#visited = true
    this.#kept = false
  }

  /** Somebody may have been the last. */
  offer(): void {
    this.#offerDue = this.#uses > 0
    if (this.#stopped || this.#closing || this.#uses > 0 || this.#kept || this.#living.wanted()) return
    this.#visited = false
    const asking = this.#living.ask()
    this.#closing = { asking, done: asking.outcome.then((outcome) => this.#closed(outcome)) }
  }

  /** Nobody has entered yet. If nobody does, it is offered after a while. */
  offerLater(): void {
    this.#stopWaiting()
    this.#waiting = !this.#stopped
    if (this.#waiting) this.#stopWaiting = this.#living.clock.after(unvisitedLife, () => this.#offerNow())
  }

  /** Somebody waits at the door: no further try, and what the application decides now is what counts. */
  async decided(): Promise<void> {
    if (!this.#closing) return
    this.#closing.asking.drop()
    await this.#closing.done
    this.offerLater()
  }

  save(): SavedLife {
    return { kept: this.#kept, due: this.#closing !== undefined || this.#offerDue || this.#waiting }
  }

  restore({ kept, due }: SavedLife): void {
    this.#kept = kept
    if (due) this.offerLater()
  }

  /** False when it had ended already. */
  end(): boolean {
    if (this.#gone) return false
    this.#gone = true
    this.stop()
    return true
  }

  /** What the application still answers changes nothing any more. */
  stop(): void {
    this.#stopped = true
    this.#stopWaiting()
    this.#closing?.asking.drop()
  }

  #offerNow(): void {
    this.#waiting = false
    this.offer()
  }

  async #closed(outcome: Awaited<Persisting['outcome']>): Promise<void> {
    this.#closing = undefined
    if (this.#stopped || outcome === 'dropped') return
    const wanted = this.#living.wanted()
    if (outcome !== 'given up' && outcome.ok) {
      // REST may have let someone in meanwhile: whoever is here keeps the channel.
      if (!wanted) await this.#living.end()
      return
    }
    this.#kept = !this.#visited
    if (!wanted) this.offer()
  }
}
