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
  const seen = (): void => {
    if (document?.visibilityState === 'visible') wake()
  }
  const until = new AbortController()
  for (const [target, name, run] of [
    [window, 'online', wake],
    [window, 'offline', offline],
    [window, 'pageshow', wake],
    [window, 'pagehide', sleep],
    [document, 'resume', wake],
    [document, 'freeze', sleep],
    [document, 'visibilitychange', seen],
  ] as const) {
    target?.addEventListener?.(name, run, until)
  }
  return () => until.abort()
}
