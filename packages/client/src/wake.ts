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
export function listenToPage({ window, document }: Surroundings, to: Wakeful): Cancel {
  const bound = new AbortController()
  const { signal } = bound
  const wake = () => to.wake()
  const sleep = () => to.sleep()
  window?.addEventListener('online', wake, { signal })
  window?.addEventListener('pageshow', wake, { signal })
  window?.addEventListener('offline', () => to.offline(), { signal })
  window?.addEventListener('pagehide', sleep, { signal })
  document?.addEventListener('resume', wake, { signal })
  document?.addEventListener('freeze', sleep, { signal })
  document?.addEventListener(
    'visibilitychange',
    () => {
      if (document.visibilityState === 'visible') to.wake()
    },
    { signal },
  )
  return () => bound.abort()
}
