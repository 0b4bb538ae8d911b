import type { Entry } from '@hookbox/protocol'
import { same } from './same.ts'

/**
 * What a page sees of a channel's log: at most `size` entries, none older than `duration` seconds.
 *
 * Ages are told by the hub's clock, as the page's may be wrong by hours: the newest time that an entry said, moved on by
 * what has passed here since it came.
 */
export interface History {
  /** Stays the same list until an entry comes or goes. */
  readonly entries: readonly Entry[]
  /** With `publishOnly` joins and leaves are left out. */
  resize(size: number, duration: number, publishOnly: boolean | undefined): void
  replace(entries: readonly Entry[]): void
  /** An entry that is in already, as a snapshot brought it before it was told, is not added again. */
  add(entry: Entry): void
}

export function createHistory(now: () => number): History {
  let list: readonly Entry[] = []
  let size = 0
  let duration = 0
  let publishOnly: boolean | undefined
  /** How far the hub's clock is ahead of the page's; until it said a time, it may be 1970 there. */
  let ahead = -now()

  /** Those of the entries that it may hold. */
  function fitting(entries: readonly Entry[]): readonly Entry[] {
    return entries.filter(([name]) => !publishOnly || name === 'PUBLISH').slice(-size || entries.length)
  }

  function see([, { datetime }]: Entry): void {
    const more = time(datetime) - now()
    if (more > ahead) ahead = more
  }

  const history: History = {
    get entries() {
      if (duration > 0) {
        const oldest = now() + ahead - duration * 1000
        // an entry that says no time stays until newer ones push it out
        const kept = list.filter(([, { datetime }]) => !(time(datetime) <= oldest))
        if (kept.length < list.length) list = kept
      }
      return list
    },
    resize(...settings) {
      ;[size, duration, publishOnly] = settings
      history.replace(list)
    },
    replace(entries) {
      for (const entry of entries) see(entry)
      const kept = fitting(entries)
      if (!same(kept, list)) list = kept
    },
    add(entry) {
      see(entry)
      const known = Number(entry[1].offset) <= Number(list.at(-1)?.[1].offset)
      if (!known && fitting([entry]).length > 0) list = fitting([...list, entry])
    },
  }
  return history
}

function time(datetime: string | undefined): number {
  return Date.parse(`${datetime}`)
}
