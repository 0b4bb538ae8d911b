import type {
  CallShown,
  ChannelRow,
  ChannelShown,
  EntryShown,
  LineShown,
  ListPage,
  Observation,
  Told,
  UserRow,
  UserShown,
} from '../../../packages/server/src/admin/told.ts'

/** Seconds that charts show. */
export const chartTime = 300

/** What a long look gathers; beyond it the oldest goes. */
const most = { entries: 200, calls: 300, lines: 1_000 }

/** All that the page has been told. */
export interface Seen {
  /** Oldest first; it outlives the views. */
  readonly figures: readonly Observation[]
  readonly view: ViewSeen
}

/** What was told of the view that is open. */
export interface ViewSeen {
  readonly channels?: ListPage<ChannelRow>
  readonly users?: ListPage<UserRow>
  readonly channel?: ChannelShown
  readonly user?: UserShown
  readonly gone?: true
  /** Newest first. */
  readonly entries: readonly EntryShown[]
  readonly skipped: number
  /** Newest first. */
  readonly calls?: readonly CallShown[]
  /** Newest first. */
  readonly lines?: readonly LineShown[]
}

export const nothingSeen: Seen = { figures: [], view: { entries: [], skipped: 0 } }

/** `another view`: what was told of the last one is no longer of interest. `opened`: the hub tells it from the beginning. */
export type Event = Told | { readonly of: 'another view' } | { readonly of: 'opened' }

export function see(seen: Seen, event: Event): Seen {
  const { view } = seen
  switch (event.of) {
    case 'another view':
      return { ...seen, view: nothingSeen.view }
    case 'opened': {
      const { calls: _, lines: __, ...rest } = view
      return { ...seen, view: rest }
    }
    case 'figures': {
      const { figures } = event
      const since = figures.at - chartTime * 1_000
      return { ...seen, figures: [...seen.figures.filter(({ at }) => at >= since && at < figures.at), figures] }
    }
    case 'channels':
      return { ...seen, view: { ...view, channels: event.page } }
    case 'users':
      return { ...seen, view: { ...view, users: event.page } }
    case 'channel':
      return { ...seen, view: { ...here(view), channel: event.channel } }
    case 'user':
      return { ...seen, view: { ...here(view), user: event.user } }
    case 'gone':
      return { ...seen, view: { ...view, gone: true } }
    case 'entries': {
      const entries = [...[...event.entries].reverse(), ...view.entries].slice(0, most.entries)
      return { ...seen, view: { ...view, entries, skipped: view.skipped + event.skipped } }
    }
    case 'webhooks': {
      const calls = newestFirst([...event.calls, ...(view.calls ?? [])], (call) => call.at, most.calls)
      return { ...seen, view: { ...view, calls } }
    }
    case 'log': {
      const lines = newestFirst([...event.lines, ...(view.lines ?? [])], timeOf, most.lines)
      return { ...seen, view: { ...view, lines } }
    }
    case 'signed out':
      return nothingSeen
  }
}

function here({ gone: _, ...view }: ViewSeen): ViewSeen {
  return view
}

interface Numbered {
  readonly node: string
  readonly number: number
}

/** Those of one node in its own order, whatever its clock does within a millisecond. */
function newestFirst<T extends Numbered>(items: readonly T[], at: (item: T) => number, most: number): T[] {
  const timed = items.map((item) => ({ item, at: at(item) }))
  timed.sort((a, b) => b.at - a.at || (a.item.node === b.item.node ? b.item.number - a.item.number : 0))
  return timed.slice(0, most).map(({ item }) => item)
}

const times = new WeakMap<LineShown, number>()

function timeOf(line: LineShown): number {
  const known = times.get(line)
  if (known !== undefined) return known
  const time = Number(/"time":(\d+)/.exec(line.line)?.[1] ?? 0)
  times.set(line, time)
  return time
}
