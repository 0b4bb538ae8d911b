import type { Entry } from '@hookbox/protocol'

/**
 * What a page sees of a channel's log: at most `size` entries, none older than `duration` seconds.
 *
 * Ages are told by the hub's clock, as the page's may be wrong by hours: the newest time that an entry said, moved on by
 * what has passed here since it came.
 */
export class History {
  readonly #now: () => number
  #entries: readonly Entry[] = []
  #duration = 0
  #publishOnly = false
  /** How far the hub's clock is ahead of the page's. */
  #ahead = Number.NEGATIVE_INFINITY
  size = 0

  constructor(now: () => number) {
    this.#now = now
  }

  /** Stays the same list until an entry comes or goes. */
  get list(): readonly Entry[] {
    if (this.#duration > 0) {
      const oldest = this.#now() + this.#ahead - this.#duration * 1000
      // an entry that says no time stays until newer ones push it out
      const kept = this.#entries.filter(([, { datetime }]) => !(time(datetime) <= oldest))
      if (kept.length < this.#entries.length) this.#entries = kept
    }
    return this.#entries
  }

  /** With `publishOnly` joins and leaves are left out. */
  resize(size: number, duration: number, publishOnly: boolean): void {
    this.size = size
    this.#duration = duration
    this.#publishOnly = publishOnly
    this.replace(this.#entries)
  }

  replace(entries: readonly Entry[]): void {
    for (const entry of entries) this.#saw(entry)
    const kept = this.#fitting(entries)
    if (JSON.stringify(kept) !== JSON.stringify(this.#entries)) this.#entries = kept
  }

  /** An entry that is in already, as a snapshot brought it before it was told, is not added again. */
  add(entry: Entry): void {
    this.#saw(entry)
    const newest = this.#entries.at(-1)?.[1].offset ?? 0
    const { offset = newest + 1 } = entry[1]
    if (offset > newest && this.#fitting([entry]).length > 0) this.#entries = this.#fitting([...this.#entries, entry])
  }

  #fitting(entries: readonly Entry[]): readonly Entry[] {
    const kept = entries.filter(([name]) => !this.#publishOnly || name === 'PUBLISH')
    return kept.slice(Math.max(0, kept.length - this.size))
  }

  #saw([, { datetime }]: Entry): void {
    const ahead = time(datetime) - this.#now()
    if (ahead > this.#ahead) this.#ahead = ahead
  }
}

function time(datetime: string | undefined): number {
  return Date.parse(datetime ?? '')
}
