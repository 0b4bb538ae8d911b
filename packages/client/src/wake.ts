import type { Cancel, Surroundings } from './surroundings.ts'

/** What a browser tells about the page that matters to a connection. */
export interface Wakeful {
  /** The page runs again, or the network is back. */
  wake(): void
  /** The browser believes that there is no network. */
  offline(): void
  /** The page is about to be frozen or put aside; an open line would keep it from being kept. */
  sleep(): void
}

/** Passes on what the browser tells, until cancelled. */
export function listenToPage({ window, document }: Surroundings, { wake, offline, sleep }: Wakeful): Cancel {
  const bound = new AbortController()
  const listen = (target: EventTarget | undefined, run: () => void, ...names: string[]): void => {
    for (const name of names) target?.addEventListener(name, run, { signal: bound.signal })
  }
  const seen = (): void => {
    if (document?.visibilityState === 'visible') wake()
  }
  listen(window, wake, 'online', 'pageshow')
  listen(window, offline, 'offline')
  listen(window, sleep, 'pagehide')
  listen(document, wake, 'resume')
  listen(document, seen, 'visibilitychange')
  listen(document, sleep, 'freeze')
  return () => bound.abort()
}
