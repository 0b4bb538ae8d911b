import type { Clock } from '../clock.ts'
import type { ApplicationVerbs } from '../hub/application-verbs.ts'
import type { ChannelRow, ListPage, UserRow, View } from './told.ts'

export type ListView = Extract<View, { readonly name: 'channels' | 'users' }>

/** Rows of one page. */
export const pageSize = 50

/** Milliseconds for which a list is good, and the part of the time that reading it may take at most. */
const freshFor = 1_000
const share = 1 / 20

interface Item {
  readonly name: string
  readonly size: number
}

interface Snapshot {
  readonly items: Promise<readonly Item[]>
  /** Milliseconds since 1970. */
  goodUntil: number
}

/** All channels and all users, read once for all who look at them, and the longer it took, the less often. */
export class Lists {
  readonly #application: ApplicationVerbs
  readonly #clock: Pick<Clock, 'now'>
  readonly #snapshots = new Map<ListView['name'], Snapshot>()

  constructor(application: ApplicationVerbs, clock: Pick<Clock, 'now'>) {
    this.#application = application
    this.#clock = clock
  }

  async channels(view: ListView): Promise<ListPage<ChannelRow>> {
    const items = await this.#fresh('channels', () => this.#readChannels())
    const { rows, ...page } = pageOf(items, view)
    return { ...page, rows: rows.map(({ name, size }) => ({ name, users: size })) }
  }

  /** The id of a connection finds its user, too. */
  async users(view: ListView): Promise<ListPage<UserRow>> {
    const items = await this.#fresh('users', () => this.#readUsers())
    const { search } = view
    const user = /^[0-9a-f]{32}$/.test(search) ? await this.#application.userOf(search) : undefined
    const { rows, ...page } = pageOf(user === undefined ? items : items.filter(({ name }) => name === user), {
      ...view,
      ...(user !== undefined && { search: '' }),
    })
    return { ...page, all: items.length, rows: rows.map(({ name, size }) => ({ name, connections: size })) }
  }

  /** Nobody looks any more. */
  forget(): void {
    this.#snapshots.clear()
  }

  async #readChannels(): Promise<Item[]> {
    const names = await this.#application.channelNames()
    const sizes = await this.#application.channelSizes(names)
    return names.map((name, index) => ({ name, size: sizes[index] ?? 0 }))
  }

  async #readUsers(): Promise<Item[]> {
    return [...(await this.#application.users())].map(([name, { length }]) => ({ name, size: length }))
  }

  /** Whoever comes first reads for the others. */
  #fresh(of: ListView['name'], read: () => Promise<Item[]>): Promise<readonly Item[]> {
    const known = this.#snapshots.get(of)
    if (known && known.goodUntil > this.#clock.now()) return known.items
    const begun = this.#clock.now()
    const snapshot: Snapshot = { items: read(), goodUntil: Number.POSITIVE_INFINITY }
    this.#snapshots.set(of, snapshot)
    const done = () => {
      const now = this.#clock.now()
      snapshot.goodUntil = now + Math.max(freshFor, (now - begun) / share)
    }
    snapshot.items.then(done, done)
    return snapshot.items
  }
}

/** One page of those that hold what is searched for, in order. */
export function pageOf(items: readonly Item[], view: ListView): ListPage<Item> {
  const wanted = view.search.toLowerCase()
  const found = wanted === '' ? items : items.filter(({ name }) => name.toLowerCase().includes(wanted))
  const compare = comparing(view)
  // A page that is not there any more: the last one that is.
  const last = Math.max(0, Math.ceil(found.length / pageSize) - 1) * pageSize
  const from = Math.min(view.from, last)
  const rows = first(found, from + pageSize, compare).slice(from)
  return { rows, all: items.length, found: found.length, from }
}

/** By code units: a language's own order takes tens of times longer, which a hundred thousand names make felt. */
function comparing({ sort, descending }: ListView): (a: Item, b: Item) => number {
  const byName = (a: Item, b: Item) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  const bySize = (a: Item, b: Item) => a.size - b.size
  const direction = descending ? -1 : 1
  return (a, b) => direction * (sort === 'size' ? bySize(a, b) : 0) || (sort === 'size' ? 1 : direction) * byName(a, b)
}

/** The first so many in order, without putting the others in order. */
function first<T>(items: readonly T[], count: number, compare: (a: T, b: T) => number): T[] {
  const best: T[] = []
  let bar: T | undefined
  for (const item of items) {
    if (bar !== undefined && compare(item, bar) >= 0) continue
    best.push(item)
    if (best.length < 2 * count + 100) continue
    best.sort(compare).length = count
    bar = best.at(-1)
  }
  return best.sort(compare).slice(0, count)
}
