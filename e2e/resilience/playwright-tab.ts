import { freePort } from '@hookbox/testkit'
import type { BrowserContext, BrowserType, CDPSession, Browser as Launched, LaunchOptions } from '@playwright/test'
import { type Browser, type Tab, until } from './tab.ts'

/** A browser that Playwright drives. */
export async function launchBrowser(type: BrowserType, options: LaunchOptions): Promise<Browser> {
  return type.name() === 'chromium' ? launchChromium(type, options) : launchOther(type, options)
}

/**
 * Chromium with tabs as its users have them: Playwright's own are always in sight, so that they can never be frozen, and
 * are not kept when one goes back.
 */
async function launchChromium(type: BrowserType, options: LaunchOptions): Promise<Browser> {
  const port = await freePort()
  const launched = await type.launch({
    // of Playwright's own builds the one that people use, and not the lesser one that has no window at all
    ...(!options.executablePath && { channel: 'chromium' }),
    ...options,
    args: [...(options.args ?? []), `--remote-debugging-port=${port}`],
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  const attached = await type.connectOverCDP(`http://127.0.0.1:${port}`, { noDefaults: true })
  const [context] = attached.contexts()
  if (context === undefined) throw new Error('Chromium has no context of its own')
  return {
    openTab: () => openTab(context, true),
    async close() {
      await attached.close()
      await launched.close()
    },
  }
}

/** Firefox decides whether to keep a page before the page hears that it is left, and none with an open line is kept. */
async function launchOther(type: BrowserType, options: LaunchOptions): Promise<Browser> {
  const launched: Launched = await type.launch(options)
  return {
    async openTab() {
      const context = await launched.newContext()
      return openTab(context, false, () => context.close())
    },
    close: () => launched.close(),
  }
}

async function openTab(context: BrowserContext, keepsPages: boolean, close?: () => Promise<void>): Promise<Tab> {
  const page = await context.newPage()
  const isChromium = context.browser()?.browserType().name() === 'chromium'
  let session: CDPSession | undefined

  const run: Tab['run'] = (script, ...args) =>
    page.evaluate(
      // what is handed to the page is text, so that nothing of this file is needed there
      ({ text, args }) => new Function('args', `return (${text})(...args)`)(args),
      { text: String(script), args: [...args] },
    )

  /** Playwright waits for a load, and a page that was kept does not load. */
  async function move(steps: -1 | 1): Promise<void> {
    const from = page.url()
    await run((count: number) => history.go(count), steps)
    await until(tab, (url: string) => location.href !== url && document.readyState === 'complete', from)
  }

  const tab: Tab = {
    run,
    open: async (url) => void (await page.goto(url)),
    reload: async () => void (await page.reload()),
    back: () => move(-1),
    forward: () => move(1),
    keepsPages,
    setOffline: (offline) => context.setOffline(offline),
    async setFrozen(frozen) {
      if (!isChromium) return run(tellFrozen, frozen)
      session ??= await context.newCDPSession(page)
      await session.send('Page.setWebLifecycleState', { state: frozen ? 'frozen' : 'active' })
    },
    async close() {
      await page.close()
      await close?.()
    },
  }
  return tab
}

/** Where the browser cannot be told to freeze a page, the page is told that it was. */
export function tellFrozen(frozen: boolean): void {
  document.dispatchEvent(new Event(frozen ? 'freeze' : 'resume'))
}
