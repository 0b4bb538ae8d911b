import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { within } from '@hookbox/testkit'
import { type Browser, chromium, type Page } from '@playwright/test'
import { findBrowser } from '../../../scripts/browsers.ts'
import { type Having, html } from './html.ts'

const client = fileURLToPath(new URL('../../../packages/client/dist/hookbox.js', import.meta.url))

/** The Chromium of the browser tests. @throws Error saying how to get it */
export async function openBrowser(): Promise<Browser> {
  const found = findBrowser('chromium')
  if (!found) throw new Error('Chromium is missing: run pnpm e2e once, which installs it, or set HOOKBOX_CHROMIUM.')
  // Root, as whom containers run, cannot have the sandbox; the pages are our own.
  return chromium.launch(found.own ? {} : { executablePath: found.path, args: ['--no-sandbox', '--no-first-run'] })
}

/** What a page did since it was asked the last time. */
export interface Spent {
  /** Handlers called. */
  readonly told: number
  /** Milliseconds from the first message to the last handler. */
  readonly took: number
  /** Milliseconds for which its main thread was busy. */
  readonly busy: number
  readonly longTasks: number
  /** Milliseconds. */
  readonly longest: number
}

/** A page that is subscribed to one channel of a hub. */
export interface OpenPage {
  /** Milliseconds from when SUBSCRIBED was there until the page had taken it in. */
  readonly ready: number
  /** What is spent while handlers are called so many times. @throws Error where they are not, or more often */
  spend(events: number, act: () => void | Promise<void>): Promise<Spent>
  /** What its subscription shows. */
  holds(): Promise<{ readonly history: number; readonly present: number; readonly status: string }>
  close(): Promise<void>
}

/** Milliseconds until all must be there, and after that until long tasks are told and what is too much has come. */
const patience = 120_000
const settling = 300

export async function openPage(browser: Browser, hubUrl: string, having: Having): Promise<OpenPage> {
  const script = await readFile(client)
  const server = createServer(({ url }, response) => {
    if (url === '/hookbox.js') response.setHeader('content-type', 'text/javascript; charset=utf-8').end(script)
    else response.setHeader('content-type', 'text/html; charset=utf-8').end(html(hubUrl, having))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const context = await browser.newContext()
  async function close(): Promise<void> {
    await context.close()
    server.close()
    server.closeAllConnections()
  }
  try {
    const page = await context.newPage()
    page.setDefaultTimeout(patience)
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const ready = await patiently(page.evaluate<number>('measure.ready'), 'the page to be ready')
    const busy = await busyOf(page)
    return {
      ready,
      async spend(events, act) {
        await page.waitForTimeout(settling)
        await page.evaluate(`measure.start(${events})`)
        const before = await busy()
        await act()
        await patiently(page.evaluate('measure.all()'), `${events} handlers to be called`)
        const after = await busy()
        await page.waitForTimeout(settling)
        const read = await page.evaluate<Omit<Spent, 'busy'>>('measure.read()')
        if (read.told !== events) throw new Error(`handlers were called ${read.told} times, not ${events}`)
        return { ...read, busy: after - before }
      },
      holds: () => page.evaluate('measure.holds()'),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Milliseconds of the main thread so far, as the browser counts them. */
async function busyOf(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable')
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000
  }
}

/** A page that hangs must not hold up all the others. */
function patiently<T>(promise: Promise<T>, what: string): Promise<T> {
  return within(promise, what, () => 'less', patience)
}
