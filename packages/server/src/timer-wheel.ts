import type { Cancel, Clock } from './clock.ts'

/** Milliseconds that fall into one bucket: what is put there runs that much late at most, and never early. */
export const bucketWidth = 250

/** The longest that a timer of Node's can be set to; beyond it, it would run at once. */
const longest = 2_147_483_647

interface Waiting {
  /** Whole milliseconds since the wheel was made. */
  readonly due: number
  readonly run: () => void
}

/**
 * Many timers that may be a little late, on one timer of the clock below: what falls due within the same quarter of a second
 * waits in one bucket. Each takes a fraction of the memory and of the time that a timer of its own does. An empty wheel keeps no
 * timer.
 */
export class TimerWheel {
  readonly #clock: Clock
  readonly #began: number
  /** By the number of the bucket, which falls due at that many times its width. */
  readonly #buckets = new Map<number, Set<Waiting>>()
  /** What the clock's timer is set to. */
  #next = Number.POSITIVE_INFINITY
  #stop: Cancel = () => {}

  /** `now` of this clock must not be set back. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#began = clock.now()
  }

  /** Runs something once, `delay` milliseconds from now or up to {@link bucketWidth} later. */
  after(delay: number, run: () => void): Cancel {
    const due = Math.ceil(this.#now() + Math.max(0, delay))
    const number = Math.ceil(due / bucketWidth)
    const bucket = this.#buckets.get(number) ?? this.#open(number)
    const waiting = { due, run }
    bucket.add(waiting)
    return () => {
      if (bucket.delete(waiting) && bucket.size === 0) this.#close(number, bucket)
    }
  }

  #now(): number {
    return this.#clock.now() - this.#began
  }

  #open(number: number): Set<Waiting> {
    const bucket = new Set<Waiting>()
    this.#buckets.set(number, bucket)
    if (number < this.#next) this.#set(number)
    return bucket
  }

  #close(number: number, bucket: Set<Waiting>): void {
    if (this.#buckets.get(number) === bucket) this.#buckets.delete(number)
    if (this.#buckets.size === 0) this.#set(Number.POSITIVE_INFINITY)
  }

  #set(next: number): void {
    this.#stop()
    this.#next = next
    if (next === Number.POSITIVE_INFINITY) return
    const delay = Math.max(0, next * bucketWidth - this.#now())
    this.#stop = this.#clock.after(Math.min(longest, delay), () => this.#turn())
  }

  #turn(): void {
    const reached = Math.floor(this.#now() / bucketWidth)
    const due: { readonly bucket: Set<Waiting>; readonly waiting: Waiting }[] = []
    for (const [number, bucket] of this.#buckets) {
      if (number <= reached) for (const waiting of bucket) due.push({ bucket, waiting })
    }
    due.sort((a, b) => a.waiting.due - b.waiting.due)
    try {
      // What ran before may have stopped it.
      for (const { bucket, waiting } of due) if (bucket.delete(waiting)) waiting.run()
    } finally {
      // What threw has no part in what waits behind it.
      this.#goOn()
    }
  }

  #goOn(): void {
    let next = Number.POSITIVE_INFINITY
    for (const [number, bucket] of this.#buckets) {
      if (bucket.size === 0) this.#buckets.delete(number)
      else if (number < next) next = number
    }
    this.#set(next)
  }
}
