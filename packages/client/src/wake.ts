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
  const listen = (target: EventTarget | undefined, name: string, run: () => void): void => {
    target?.addEventListener(name, run, { signal: bound.signal })
  }
  listen(window, 'online', wake)
  listen(window, 'pageshow', wake)
  listen(window, 'offline', offline)
  listen(window, 'pagehide', sleep)
  listen(document, 'resume', wake)
  listen(document, 'freeze', sleep)
  listen(document, 'visibilitychange', () => {
    if (document?.visibilityState === 'visible') wake()
  })
  return () => bound.abort()
}
