import type { Json } from '@hookbox/protocol'
import {
  type HubProcess,
  startHubProcess,
  startTcpProxy,
  startWebApplication,
  type TcpProxy,
  type WebApplication,
} from '@hookbox/testkit'
import { test as base, expect } from '../fixtures.ts'
import { type Chance, chance } from './chance.ts'
import { observerHtml, type Watching } from './observer.ts'
import { launchBrowser } from './playwright-tab.ts'
import { type Browser, type Tab, until } from './tab.ts'
import { launchWebKit } from './webkit-tab.ts'

const secret = 'the secret of the REST interface'

/** The real hub with a web application that it asks, and a line to it that the test can take away. */
export interface Place extends AsyncDisposable {
  readonly app: WebApplication
  readonly hub: HubProcess
  readonly proxy: TcpProxy
  /** Calls a REST method and tells what it answers. */
  rest(method: string, fields?: Readonly<Record<string, string>>): Promise<Record<string, Json>>
  publish(channel: string, payload: Json): Promise<void>
}

export interface TestOptions {
  /** The path of WebKitWebDriver; without it Playwright drives the browser. */
  readonly webKitDriver: string | undefined
  /** What a failed test printed, to repeat it. */
  readonly seed: number | undefined
}

interface WorkerFixtures extends TestOptions {
  readonly browserOfTabs: Browser
}

interface Fixtures {
  readonly chance: Chance
  readonly openTab: () => Promise<Tab>
  /** Opens a page that notes what it is told, and waits until its channels are subscribed. */
  readonly openObserver: (place: Place, options?: Partial<Watching>) => Promise<Tab>
  /** A page without a connection, to go to. */
  readonly elsewhere: string
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  webKitDriver: [undefined, { option: true, scope: 'worker' }],
  seed: [undefined, { option: true, scope: 'worker' }],

  chance: ({ seed }, use) => use(chance(seed)),

  browserOfTabs: [
    async ({ playwright, browserName, launchOptions, channel, webKitDriver }, use) => {
      const browser =
        webKitDriver === undefined
          ? await launchBrowser(playwright[browserName], { ...launchOptions, ...(channel && { channel }) })
          : await launchWebKit(webKitDriver)
      await use(browser)
      await browser.close()
    },
    { scope: 'worker' },
  ],

  openTab: async ({ browserOfTabs }, use) => {
    const tabs: Tab[] = []
    await use(async () => {
      const tab = await browserOfTabs.openTab()
      tabs.push(tab)
      return tab
    })
    for (const tab of tabs) await tab.close()
  },

  openObserver: async ({ openTab, servePage }, use) => {
    await use(async ({ hub, proxy }, options = {}) => {
      const watching = {
        hubUrl: `http://127.0.0.1:${proxy.port}`,
        scriptUrl: `${hub.url}/static/hookbox.js`,
        name: 'ann',
        channels: ['chat'],
        backoff: { min: 20, max: 200 },
        ...options,
      }
      const tab = await openTab()
      await tab.open(await servePage(observerHtml(watching)))
      // none at all, where the script could not be loaded, is not all of them
      await until(
        tab,
        (count) => Object.values(subs).filter(({ status }) => status === 'subscribed').length === count,
        watching.channels.length,
      )
      return tab
    })
  },

  elsewhere: async ({ servePage }, use) => {
    await use(await servePage('<!doctype html><title>Elsewhere</title>'))
  },
})

export { expect }

export async function startPlace(
  replies: Parameters<typeof startWebApplication>[0] = {},
  flags: readonly string[] = [],
): Promise<Place> {
  const app = await startWebApplication(replies)
  const callbacks = ['--cbhost', '127.0.0.1', '--cbport', `${app.port}`]
  const hub = await startHubProcess([...callbacks, '-r', secret, ...flags])
  const proxy = await startTcpProxy(hub.port)
  async function rest(method: string, fields: Readonly<Record<string, string>> = {}): Promise<Record<string, Json>> {
    const body = new URLSearchParams({ ...fields, security_token: secret })
    const response = await fetch(`${hub.url}/rest/${method}`, { method: 'POST', body }).catch((cause: unknown) => {
      throw new Error(`${method}: the hub does not answer; it said ${hub.output || 'nothing'}`, { cause })
    })
    const answer = await response.json()
    expect(answer, `${method}: the hub said ${hub.output || 'nothing'}`).toEqual([true, expect.anything()])
    return answer[1]
  }
  return {
    app,
    hub,
    proxy,
    rest,
    async publish(channel, payload) {
      await rest('publish', { channel_name: channel, payload: JSON.stringify(payload) })
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await hub[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** The connections that the hub counts, lingering ones too. */
export async function connectionIds(place: Place): Promise<Json> {
  const { connections } = await place.rest('get_server_info')
  return connections ?? null
}
