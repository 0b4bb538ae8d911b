/** What bounds a queue of the past; 0 in `duration` stands for no limit. */
export interface Bounds {
  readonly size: number
  /** Milliseconds. */
  readonly duration: number
  readonly bytes: number
}

interface Past {
  readonly at: number
  readonly bytes: number
}

/** Who hears of what falls out of a queue. */
export interface Forgetful<T> {
  forget(item: T): void
}

/** The newest of what happened, within bounds. What falls out is gone from the front. */
export class BoundedQueue<T extends Past> {
  readonly #ear: Forgetful<T> | undefined
  /** What has fallen out leaves an empty place in front, so that nothing holds it any longer. */
  #items: (T | undefined)[] = []
  #start = 0
  #bytes = 0

  /** `ear` is told what falls out of the front. */
  constructor(ear?: Forgetful<T>) {
    this.#ear = ear
  }

  get length(): number {
    return this.#items.length - this.#start
  }

  push(item: T, bounds: Bounds, now: number): void {
    this.#items.push(item)
    this.#bytes += item.bytes
    this.trim(bounds, now)
  }

  /** Lets go of what is beyond the bounds at this moment. */
  trim(bounds: Bounds, now: number): void {
    for (;;) {
      const oldest = this.#items[this.#start]
      if (oldest === undefined) break
      const tooOld = bounds.duration > 0 && oldest.at <= now - bounds.duration
      if (this.length <= bounds.size && this.#bytes <= bounds.bytes && !tooOld) break
      this.#drop(oldest)
    }
    this.#tidy()
  }

  /** Lets go of the front, whatever the bounds. */
  dropOldest(): void {
    const oldest = this.#items[this.#start]
    if (oldest === undefined) return
    this.#drop(oldest)
    this.#tidy()
  }

  /** Lets go of everything. */
  clear(): void {
    for (const item of this.values()) this.#ear?.forget(item)
    this.#items = []
    this.#start = 0
    this.#bytes = 0
  }

  /** Lets go of all but these. */
  keepOnly(wanted: (item: T) => boolean): void {
    const kept = this.values().filter(wanted)
    this.#items = kept
    this.#start = 0
    this.#bytes = kept.reduce((bytes, item) => bytes + item.bytes, 0)
  }

  /** Oldest first. */
  values(): readonly T[] {
    return (this.#start === 0 ? this.#items : this.#items.slice(this.#start)) as T[]
  }

  #drop(oldest: T): void {
    this.#bytes -= oldest.bytes
    this.#items[this.#start++] = undefined
    this.#ear?.forget(oldest)
  }

  /** Shifting an array moves all of it; cutting off a long dead front now and then does not. */
  #tidy(): void {
    if (this.#start <= 64 || this.#start * 2 <= this.#items.length) return
    this.#items = this.#items.slice(this.#start)
    this.#start = 0
  }
}
