import { startHubProcess } from '@hookbox/testkit'
import type { Browser } from '@playwright/test'
import { run } from '../../../scripts/run.ts'
import { startApplication } from '../application.ts'
import { buildGenerator } from '../generator.ts'
import type { Told } from '../measure.ts'
import { faultIn } from '../results.ts'
import { type OpenPage, openPage, type Spent } from './browser.ts'
import { type FakeHub, type Said, startFakeHub } from './fake-hub.ts'
import { channel, type Having } from './html.ts'
import { type PageFigure, type PageRow, type PageRowName, pageRows } from './page-rows.ts'

/** One line of the results. */
export interface PageMeasured extends Told {
  readonly row: PageRowName
  readonly at: string
}

/** How many publications, users and entries. */
const many = 10_000

/** How many are told one at a time, and how many together. */
const single = 200
const together = 1_000

/** How many frames a hub that is busy joins in a message. */
const joined = 100

/** Of the hub's publishers, and how many publishes each has in flight. */
const publishers = 16
const inFlight = 16

/** A payload of 128 bytes, as in the other measurements. */
const payload = { text: 'x'.repeat(117) }
const datetime = '2026-01-01T00:00:00.000Z'

type Figures = { readonly [F in PageFigure]?: number }

const measures: { readonly [R in PageRowName]: (browser: Browser) => Promise<Figures> } = {
  burst: (browser) => withHub(async (url, publish) => withPage(browser, url, (page) => burst(page, publish))),
  'burst at once': (browser) =>
    withFakeHub({}, async (hub) =>
      withPage(browser, hub.url, (page) => burst(page, (after) => hub.tell(publishes(after, many), joined))),
    ),
  'burst bare': (browser) =>
    withFakeHub({}, async (hub) =>
      withPage(browser, hub.url, (page) => burst(page, (after) => hub.tell(publishes(after, many), joined)), 'nothing'),
    ),
  'burst kept': (browser) =>
    withFakeHub({ history_size: many, history: entries(), position: `9c1d:${many}` }, async (hub) =>
      withPage(browser, hub.url, async (page) => {
        const figures = await burst(page, (after) => hub.tell(publishes(many + after, many), joined))
        await expectHeld(page, { history: many })
        return figures
      }),
    ),
  few: (browser) =>
    withFakeHub({}, async (hub) => withPage(browser, hub.url, (page) => oneAtATimeAndTogether(page, hub, publishes))),
  presence: (browser) =>
    withFakeHub({ presenceful: true, history_size: 0, presence: users() }, async (hub) =>
      withPage(browser, hub.url, async (page) => {
        await expectHeld(page, { present: many })
        // Who comes leaves again, so that there are never many more.
        const told = await oneAtATimeAndTogether(page, hub, comingAndGoing)
        await expectHeld(page, { present: many })
        return told
      }),
    ),
  history: (browser) =>
    withFakeHub({ history_size: many, history: entries(), position: `9c1d:${many}` }, async (hub) =>
      withPage(browser, hub.url, async (page) => {
        await expectHeld(page, { history: many })
        const told = await oneAtATimeAndTogether(page, hub, (from, count) => publishes(many + from, count))
        await expectHeld(page, { history: many })
        return told
      }),
    ),
}

/** Measures one thing with a page and a hub of its own. What goes wrong is told as such. */
export async function measurePage(browser: Browser, row: PageRowName): Promise<PageMeasured> {
  const began = { row, at: new Date().toISOString() }
  try {
    return { ...began, ...(await measures[row](browser)) }
  } catch (error) {
    return { ...began, error: error instanceof Error ? error.message : String(error) }
  }
}

export function faultOfPage(measured: PageMeasured): string | undefined {
  const { figures }: PageRow = pageRows[measured.row]
  return faultIn(measured, figures)
}

/** `act` tells the page of publishes that come after so many others. */
async function burst(page: OpenPage, act: (after: number) => void | Promise<void>): Promise<Figures> {
  // Twice, as what runs for the first time is not fast yet.
  await page.spend(many, () => act(0))
  const spent = await page.spend(many, () => act(many))
  return {
    deliveries_per_s: (many / spent.took) * 1000,
    busy_us: (spent.busy / many) * 1000,
    ...longTasksOf([spent]),
  }
}

async function oneAtATimeAndTogether(
  page: OpenPage,
  hub: FakeHub,
  frames: (from: number, count: number) => Said[],
): Promise<Figures> {
  // Twice, as what runs for the first time is not fast yet.
  await page.spend(single, () => oneAtATime(hub, frames(0, single)))
  const alone = await page.spend(single, () => oneAtATime(hub, frames(single, single)))
  const atOnce = await page.spend(together, () => hub.tell(frames(2 * single, together), together))
  return {
    ready_ms: page.ready,
    one_us: (alone.busy / single) * 1000,
    together_us: (atOnce.busy / together) * 1000,
    ...longTasksOf([alone, atOnce]),
  }
}

function longTasksOf(spent: readonly Spent[]): Figures {
  return {
    long_tasks: spent.reduce((sum, { longTasks }) => sum + longTasks, 0),
    longest_ms: Math.max(...spent.map(({ longest }) => longest)),
  }
}

/** In messages of their own, which the page has time to take in one by one. */
async function oneAtATime(hub: FakeHub, frames: readonly Said[]): Promise<void> {
  for (const frame of frames) {
    hub.tell([frame], 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** @throws Error where the page does not hold what it was given: then what was measured is something else */
async function expectHeld(page: OpenPage, expected: { readonly history?: number; readonly present?: number }) {
  const held: Readonly<Record<string, number | string>> = await page.holds()
  for (const [what, count] of Object.entries({ ...expected, status: 'subscribed' })) {
    if (held[what] !== count) throw new Error(`the page has ${what} ${held[what]}, not ${count}`)
  }
}

async function withPage(
  browser: Browser,
  url: string,
  use: (page: OpenPage) => Promise<Figures>,
  having: Having = 'client',
): Promise<Figures> {
  const page = await openPage(browser, url, having)
  try {
    return await use(page)
  } finally {
    await page.close()
  }
}

async function withFakeHub(subscribed: object, use: (hub: FakeHub) => Promise<Figures>): Promise<Figures> {
  const hub = await startFakeHub(subscribed)
  try {
    return await use(hub)
  } finally {
    hub.close()
  }
}

/** The real command, with a history of 50, and publishers who wait for their answers. */
async function withHub(use: (url: string, publish: () => Promise<void>) => Promise<Figures>): Promise<Figures> {
  const generator = await buildGenerator()
  const application = await startApplication({ history_size: 50, presenceful: false })
  const asked = ['--cb-single-url', `http://127.0.0.1:${application.port}/`, '--rate', '0', '--log-level', 'error']
  try {
    await using hub = await startHubProcess(['-i', '127.0.0.1', ...asked])
    return await use(hub.url, async () => {
      const load = ['--mode', 'ingest', '--pubs', `${publishers}`, '--window', `${inFlight}`, '--count', `${many}`]
      const { exitCode, output } = await run(
        generator,
        ['--proto', 'hookbox', '--port', `${hub.port}`, '--warmup', '0', '--duration', '60', ...load],
        { quiet: true },
      )
      if (exitCode !== 0) throw new Error(`the generator said: ${output.trim()}`)
    })
  } finally {
    application.close()
  }
}

function publishes(after: number, count: number): Said[] {
  return Array.from({ length: count }, (_, index) => {
    const offset = after + index + 1
    return ['PUBLISH', { channel_name: channel, offset, user: 'somebody', payload, datetime }]
  })
}

function entries(): readonly Said[] {
  return Array.from({ length: many }, (_, index) => {
    return ['PUBLISH', { offset: index + 1, user: 'somebody', payload, datetime }]
  })
}

function users(): string[] {
  return Array.from({ length: many }, (_, index) => `user ${index}`)
}

/** One comes, and goes, and the next one comes. */
function comingAndGoing(from: number, count: number): Said[] {
  return Array.from({ length: count }, (_, index) => {
    const at = from + index
    const args = { channel_name: channel, offset: at + 1, user: `guest ${Math.floor(at / 2)}`, datetime }
    return [at % 2 === 0 ? 'SUBSCRIBE' : 'UNSUBSCRIBE', args]
  })
}
