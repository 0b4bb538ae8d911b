import type { Entry } from '@hookbox/protocol'
import { same } from './same.ts'

/**
 * What a page sees of a channel's log: at most `size` entries, none older than `duration` seconds.
 *
 * Ages are told by the hub's clock, as the page's may be wrong by hours: the newest time that an entry said, moved on by
 * what has passed here since it came.
 */
export interface History {
  /** Made when it is read. Stays the same list until an entry comes or goes. */
  readonly snapshot: readonly Entry[]
  /** With `publishOnly` joins and leaves are left out. */
  resize(size: number, duration: number, publishOnly: boolean | undefined): void
  replace(entries: readonly Entry[]): void
  /** An entry that is in already, as a snapshot brought it before it was told, is not added again. */
  add(entry: Entry): void
}

export function createHistory(now: () => number): History {
  /** Up to twice as many as it may hold: those in front go together, as moving all for each would cost more the more they are. */
  let list: Entry[] = []
  /** What was read last, where it is so still. */
  let given: readonly Entry[] | undefined
  let size = 0
  let duration = 0
  let publishOnly: boolean | undefined
  /** How far the hub's clock is ahead of the page's; until it said a time, it may be 1970 there. */
  let ahead = -now()
  /** The time that was said last: many entries of a burst say the same. */
  let said: string | undefined

  const fits = ([name]: Entry): boolean => size > 0 && (!publishOnly || name === 'PUBLISH')

  function newest(): readonly Entry[] {
    given ??= list.slice(-size)
    return given
  }

  function see([, { datetime }]: Entry): void {
    if (datetime === said) return
    said = datetime
    const more = Date.parse(datetime as string) - now()
    if (more > ahead) ahead = more
  }

  function take(entries: readonly Entry[]): void {
    given = entries
    list = [...entries]
  }

  const history: History = {
    get snapshot() {
      const entries = newest()
      if (duration > 0) {
        const oldest = now() + ahead - duration * 1000
        // an entry that says no time stays until newer ones push it out
        const kept = entries.filter(([, { datetime }]) => !(Date.parse(datetime as string) <= oldest))
        if (kept.length < entries.length) take(kept)
      }
      return newest()
    },
    resize(...settings) {
      const entries = newest()
      ;[size, duration, publishOnly] = settings
      history.replace(entries)
    },
    replace(entries) {
      for (const entry of entries) see(entry)
      const kept = entries.filter(fits).slice(-size)
      if (!same(kept, newest())) take(kept)
    },
    add(entry) {
      see(entry)
      // not so where one of them has no number
      const known = (entry[1].offset as number) <= (list.at(-1)?.[1].offset as number)
      if (known || !fits(entry)) return
      given = undefined
      if (list.push(entry) > size * 2) list = list.slice(-size)
    },
  }
  return history
}
