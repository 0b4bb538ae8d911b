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
  #publishOnly = false
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

  /** With `publishOnly` joins and leaves are left out. */
  resize(size: number, duration: number, publishOnly: boolean): void {
    this.size = size
    this.#duration = duration
    this.#publishOnly = publishOnly
    const kept = this.#fitting(this.#entries)
    if (kept.length < this.#entries.length) this.#change(kept)
  }

  replace(entries: readonly Entry[]): void {
    for (const entry of entries) this.#saw(entry)
    const kept = this.#fitting(entries)
    if (JSON.stringify(kept) !== JSON.stringify(this.#entries)) this.#change(kept)
  }

  /** An entry that is in already, as a snapshot brought it before it was told, is not added again. */
  add(entry: Entry): void {
    this.#saw(entry)
    const [name, { offset = Number.POSITIVE_INFINITY }] = entry
    const newest = this.#entries.at(-1)?.[1].offset ?? 0
    if (this.size === 0 || offset <= newest || (this.#publishOnly && name !== 'PUBLISH')) return
    this.#entries.push(entry)
    if (this.#entries.length > this.size) this.#entries.shift()
    this.#list = undefined
  }

  #fitting(entries: readonly Entry[]): Entry[] {
    const kept = entries.filter(([name]) => !this.#publishOnly || name === 'PUBLISH')
    return kept.slice(Math.max(0, kept.length - this.size))
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
