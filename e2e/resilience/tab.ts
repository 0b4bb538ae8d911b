import { setTimeout as pause } from 'node:timers/promises'
import type { Json } from '@hookbox/protocol'
import { within } from '@hookbox/testkit'

/** A tab of a real browser, however it is driven. */
export interface Tab {
  /** Goes to an address and waits until its page has loaded. */
  open(url: string): Promise<void>
  /** Runs a function in the page, which knows nothing of where it is written, and tells what it returns or settles with. */
  run<Args extends readonly Json[], Result>(script: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>>
  reload(): Promise<void>
  /** Goes to the page before, which the browser may have kept as it was. */
  back(): Promise<void>
  forward(): Promise<void>
  /** Takes the network away, or gives it back. A browser leaves lines open that are open. */
  setOffline(offline: boolean): Promise<void>
  /** Whether the browser keeps a page that lets its line go when one goes elsewhere, and shows it again as it was. */
  readonly keepsPages: boolean
  /** Freezes the page, as browsers do with tabs long unseen, or thaws it. */
  setFrozen(frozen: boolean): Promise<void>
  close(): Promise<void>
}

/** Opens tabs of one browser until it is closed. */
export interface Browser {
  openTab(): Promise<Tab>
  close(): Promise<void>
}

/** Milliseconds. Browsers share a busy machine with all else, and Firefox waits by itself before it tries a hub again. */
const patience = 15_000

/** Waits until a function that runs in the page returns something true. */
export async function until<Args extends readonly Json[]>(
  tab: Tab,
  condition: (...args: Args) => unknown,
  ...args: Args
): Promise<void> {
  let last: unknown
  let over = false
  async function look(): Promise<void> {
    while (!over) {
      // between two pages there is none to ask
      last = await tab.run(condition, ...args).catch((error: unknown) => error)
      if (last && !(last instanceof Error)) return
      await pause(20)
    }
  }
  await within(look(), String(condition), () => String(last), patience).finally(() => {
    over = true
  })
}
