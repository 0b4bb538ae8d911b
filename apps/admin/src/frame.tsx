import type { ComponentChildren } from 'preact'
import type { Observation, View } from '../../../packages/server/src/admin/told.ts'
import { hashOf, wholeList } from './route.ts'
import { count } from './words.ts'

/** How it stands with the feed. */
export type Line = { readonly is: 'opening' | 'live' } | { readonly is: 'lost'; readonly why: string | undefined }

interface FrameProps {
  readonly view: View
  readonly line: Line
  readonly latest: Observation | undefined
  readonly onSignOut: () => void
  readonly children: ComponentChildren
}

export function Brand() {
  return (
    <p class="brand">
      <img src="./favicon.svg" alt="" width="28" height="28" /> Hookbox
    </p>
  )
}

/** What surrounds every view: where one is, where else one can go, and whether what is seen is live. */
export function Frame({ view, line, latest, onSignOut, children }: FrameProps) {
  const links = [
    { to: hashOf({ name: 'overview' }), text: 'Overview', isHere: view.name === 'overview' },
    {
      to: hashOf(wholeList('channels')),
      text: 'Channels',
      isHere: view.name === 'channels' || view.name === 'channel',
      count: latest?.channels,
    },
    {
      to: hashOf(wholeList('users')),
      text: 'Users',
      isHere: view.name === 'users' || view.name === 'user',
      count: latest?.users,
    },
    { to: hashOf({ name: 'webhooks' }), text: 'Webhooks', isHere: view.name === 'webhooks' },
    { to: hashOf({ name: 'log' }), text: 'Log', isHere: view.name === 'log' },
  ]
  return (
    <div class="frame">
      <header>
        <Brand />
        <nav aria-label="Views">
          {links.map(({ to, text, isHere, count: number }) => (
            <a key={to} href={to} aria-current={isHere ? 'page' : undefined}>
              {text}
              {number !== undefined && (
                <span class="number" aria-hidden="true">
                  {count(number)}
                </span>
              )}
            </a>
          ))}
        </nav>
        <div class="session">
          <Status line={line} />
          <button type="button" class="quiet" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      <main tabIndex={-1}>{children}</main>
    </div>
  )
}

function Status({ line }: { line: Line }) {
  const text = { opening: 'Opening…', live: 'Live', lost: 'The hub does not answer' }[line.is]
  return (
    <p role="status" data-status={line.is}>
      {line.is === 'lost' && line.why !== undefined ? line.why : text}
    </p>
  )
}
