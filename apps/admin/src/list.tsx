import { useEffect, useRef, useState } from 'preact/hooks'
import { hashOf, type ListView as View, wholeList } from './route.ts'
import { count } from './words.ts'

interface Page {
  readonly rows: readonly { readonly name: string; readonly size: number }[]
  readonly all: number
  readonly found: number
  readonly from: number
}

const texts = {
  channels: {
    title: 'Channels',
    column: 'Channel',
    size: 'Users in it',
    search: 'Search channels',
    none: 'There are no channels. They come when somebody subscribes or publishes.',
    notFound: 'No channel has a name with that in it.',
  },
  users: {
    title: 'Users',
    column: 'User',
    size: 'Connections',
    search: 'Search users, or the id of a connection',
    none: 'Nobody is connected.',
    notFound: 'No user has a name with that in it, and no connection has that id.',
  },
}

/** Milliseconds without a key until the search is made. */
const typing = 200

/** A list that is searched, sorted and cut into pages by the hub, however long it is. */
export function ListView({ view, page }: { view: View; page: Page | undefined }) {
  const words = texts[view.name]
  return (
    <>
      <h1>{words.title}</h1>
      <Search key={view.name} view={view} label={words.search} />
      {page && page.found === 0 && <p class="empty">{page.all === 0 ? words.none : words.notFound}</p>}
      {page && page.found > 0 && (
        <>
          <table class="list">
            <thead>
              <tr>
                <SortHeader view={view} by="name" text={words.column} />
                <SortHeader view={view} by="size" text={words.size} />
              </tr>
            </thead>
            <tbody>
              {page.rows.map(({ name, size }) => (
                <tr key={name}>
                  <th scope="row">
                    <a href={itemHash(view.name, name)}>{name}</a>
                  </th>
                  <td>{count(size)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <Pager view={view} page={page} />
        </>
      )}
    </>
  )
}

function itemHash(list: View['name'], name: string): string {
  return hashOf(list === 'channels' ? { name: 'channel', channel: name } : { name: 'user', user: name })
}

function Search({ view, label }: { view: View; label: string }) {
  const [text, setText] = useState(view.search)
  const current = useRef(view)
  current.current = view
  useEffect(() => {
    if (text === current.current.search) return
    const timer = setTimeout(() => go({ ...current.current, search: text, from: 0 }), typing)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <input
      type="search"
      class="search"
      aria-label={label}
      placeholder={label}
      maxlength={200}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  )
}

/** Each letter is not a step back. */
function go(view: View): void {
  history.replaceState(null, '', hashOf(view))
  dispatchEvent(new HashChangeEvent('hashchange'))
}

function SortHeader({ view, by, text }: { view: View; by: View['sort']; text: string }) {
  const isSorted = view.sort === by
  // Of sizes one wants to see the largest first.
  const descending = isSorted ? !view.descending : by === 'size'
  const sorted = view.descending ? 'descending' : 'ascending'
  return (
    <th scope="col" aria-sort={isSorted ? sorted : undefined}>
      <button type="button" onClick={() => go({ ...view, sort: by, descending, from: 0 })}>
        {text}
      </button>
    </th>
  )
}

function Pager({ view, page }: { view: View; page: Page }) {
  const { from, rows, found, all } = page
  const step = 50
  const to = (next: number) => () => go({ ...wholeList(view.name), ...view, from: next })
  return (
    <div class="pager">
      <p>
        {count(from + 1)}–{count(from + rows.length)} of {count(found)}
        {found < all && `, found among ${count(all)}`}
      </p>
      {found > rows.length && (
        <>
          <button type="button" class="quiet" disabled={from === 0} onClick={to(Math.max(0, from - step))}>
            Earlier
          </button>
          <button type="button" class="quiet" disabled={from + rows.length >= found} onClick={to(from + step)}>
            Later
          </button>
        </>
      )}
    </div>
  )
}
