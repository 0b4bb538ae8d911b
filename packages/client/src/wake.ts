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
  const listen = (target: EventTarget | undefined, names: string[], run: () => void): void => {
    for (const name of names) target?.addEventListener(name, run, { signal: bound.signal })
  }
  listen(window, ['online', 'pageshow'], () => to.wake())
  listen(window, ['offline'], () => to.offline())
  listen(window, ['pagehide'], () => to.sleep())
  listen(document, ['resume'], () => to.wake())
  listen(document, ['freeze'], () => to.sleep())
  listen(document, ['visibilitychange'], () => {
    if (document?.visibilityState === 'visible') to.wake()
  })
  return () => bound.abort()
}
