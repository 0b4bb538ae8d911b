import type { Entry } from '@hookbox/protocol'

/**
 * What a page sees of a channel's log: at most `size` entries, none older than `duration` seconds.
 *
 * Ages are told by the hub's clock, as the page's may be wrong by hours: the newest time that an entry said, moved on by
 * what has passed here since it came.
 */
export class History {
  readonly #now: () => number
  #entries: Entry[] = []
  #list: readonly Entry[] | undefined
  #duration = 0
  #hubTime = Number.NEGATIVE_INFINITY
  #seenAt = 0
  size = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Stays the same list until an entry comes or goes. */
  get list(): readonly Entry[] {
    if (this.#duration > 0) {
      const oldest = this.#hubNow() - this.#duration * 1000
      // an entry that says no time stays until newer ones push it out
      const kept = this.#entries.filter(([, { datetime }]) => !(Date.parse(datetime ?? '') <= oldest))
      if (kept.length < this.#entries.length) this.#change(kept)
    }
    this.#list ??= [...this.#entries]
    return this.#list
  }

  resize(size: number, duration: number): void {
    this.size = size
    this.#duration = duration
    if (this.#entries.length > size) this.#change(this.#entries.slice(this.#entries.length - size))
  }

  replace(entries: readonly Entry[]): void {
    for (const entry of entries) this.#saw(entry)
    this.#change(this.size === 0 ? [] : entries.slice(-this.size))
  }

  add(entry: Entry): void {
    if (this.size === 0) return
    this.#saw(entry)
    this.#entries.push(entry)
    if (this.#entries.length > this.size) this.#entries.shift()
    this.#list = undefined
  }

  #change(entries: Entry[]): void {
    this.#entries = entries
    this.#list = undefined
  }

  #saw([, { datetime }]: Entry): void {
    const time = Date.parse(datetime ?? '')
    if (!(time > this.#hubNow())) return
    this.#hubTime = time
    this.#seenAt = this.#now()
  }

  #hubNow(): number {
    return this.#hubTime + (this.#now() - this.#seenAt)
  }
}
