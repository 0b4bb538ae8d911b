import { useEffect, useMemo, useReducer, useState } from 'preact/hooks'
import type { View } from '../../../packages/server/src/admin/told.ts'
import { ChannelView } from './channel.tsx'
import { openFeed } from './feed.ts'
import { Frame, type Line } from './frame.tsx'
import { ListView } from './list.tsx'
import { LogView } from './log.tsx'
import { Overview } from './overview.tsx'
import { present, session, signOut } from './requests.ts'
import { viewOf } from './route.ts'
import { nothingSeen, type Seen, see } from './seen.ts'
import { SignIn } from './sign-in.tsx'
import { UserView } from './user.tsx'
import { WebhooksView } from './webhooks.tsx'
import { sentence } from './words.ts'

type Who = 'unknown' | 'nobody' | 'operator'

export function App() {
  const [who, setWho] = useState<Who>('unknown')
  const [problem, setProblem] = useState<string>()

  useEffect(() => {
    session().then(
      ({ signedIn }) => setWho(signedIn ? 'operator' : 'nobody'),
      (error: Error) => setProblem(error.message),
    )
  }, [])

  if (problem !== undefined) return <p class="alone">{sentence(problem)}</p>
  if (who === 'unknown') return null
  if (who === 'nobody') return <SignIn onSignedIn={() => setWho('operator')} />
  return <Console onSignedOut={() => setWho('nobody')} />
}

function Console({ onSignedOut }: { onSignedOut: () => void }) {
  const view = useView()
  const [seen, tell] = useReducer(see, nothingSeen)
  const [line, setLine] = useState<Line>({ is: 'opening' })
  const isVisible = useVisible()
  usePresence(onSignedOut)

  const key = JSON.stringify(view)
  const subject = subjectOf(view)
  // Another subject, not another page of the same list.
  useEffect(() => {
    tell({ of: 'another view' })
    scrollTo(0, 0)
    // What was pressed is gone with the view before: keys go on from where the new one begins.
    if (document.activeElement === document.body) document.querySelector('main')?.focus()
  }, [subject])
  // Nobody looks at a page in the background, and so nothing is told to it.
  useEffect(() => {
    if (!isVisible) return
    return openFeed(view, {
      told: tell,
      opened() {
        setLine({ is: 'live' })
        tell({ of: 'opened' })
      },
      lost: (why) => setLine({ is: 'lost', why }),
      signedOut: onSignedOut,
    })
  }, [key, isVisible])
  useEffect(() => {
    document.title = `${titleOf(view)} – Hookbox console`
  }, [key])

  const leave = () => signOut().finally(onSignedOut)
  return (
    <Frame view={view} line={line} latest={seen.figures.at(-1)} onSignOut={leave}>
      <Shown view={view} seen={seen} />
    </Frame>
  )
}

function Shown({ view, seen }: { view: View; seen: Seen }) {
  const { figures, view: told } = seen
  switch (view.name) {
    case 'overview':
      return <Overview figures={figures} />
    case 'channels':
      return <ListView view={view} page={told.channels && { ...told.channels, rows: told.channels.rows.map(sized) }} />
    case 'users':
      return <ListView view={view} page={told.users && { ...told.users, rows: told.users.rows.map(sized) }} />
    case 'channel':
      return <ChannelView key={view.channel} name={view.channel} seen={told} />
    case 'user':
      return <UserView key={view.user} name={view.user} seen={told} nodes={figures.at(-1)?.nodes.length ?? 1} />
    case 'webhooks':
      return <WebhooksView calls={told.calls} nodes={figures.at(-1)?.nodes.length ?? 1} />
    case 'log':
      return <LogView lines={told.lines} nodes={figures.at(-1)?.nodes.length ?? 1} />
  }
}

function sized(row: { readonly name: string; readonly users?: number; readonly connections?: number }) {
  return { name: row.name, size: row.users ?? row.connections ?? 0 }
}

function titleOf(view: View): string {
  if (view.name === 'channel') return view.channel
  if (view.name === 'user') return view.user
  return view.name[0]?.toUpperCase() + view.name.slice(1)
}

function subjectOf(view: View): string {
  if (view.name === 'channel') return `channel ${view.channel}`
  return view.name === 'user' ? `user ${view.user}` : view.name
}

function useView(): View {
  const [hash, setHash] = useState(location.hash)
  useEffect(() => {
    const hear = () => setHash(location.hash)
    addEventListener('hashchange', hear)
    return () => removeEventListener('hashchange', hear)
  }, [])
  return useMemo(() => viewOf(hash), [hash])
}

function useVisible(): boolean {
  const [isVisible, setVisible] = useState(!document.hidden)
  useEffect(() => {
    const hear = () => setVisible(!document.hidden)
    document.addEventListener('visibilitychange', hear)
    return () => document.removeEventListener('visibilitychange', hear)
  }, [])
  return isVisible
}

/** Milliseconds between two words to the hub that somebody is there: without them the session ends by and by. */
const presencePause = 60_000

function usePresence(onSignedOut: () => void): void {
  useEffect(() => {
    let last = Date.now()
    const tell = () => {
      if (Date.now() - last < presencePause) return
      last = Date.now()
      present().catch((error: { readonly status?: number }) => error.status === 401 && onSignedOut())
    }
    const events = ['pointerdown', 'keydown', 'wheel'] as const
    for (const event of events) addEventListener(event, tell, { passive: true })
    return () => {
      for (const event of events) removeEventListener(event, tell)
    }
  }, [onSignedOut])
}
