import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type HubProcess, startHubProcess } from '@hookbox/testkit'
import { type BrowserContext, test as base, expect, type Page } from '@playwright/test'
import { createCardsApp } from '../apps/cards/app.ts'
import { createChatApp } from '../apps/chat/app.ts'
import { createGraphApp } from '../apps/graph/app.ts'

/** The REST secret of every hub that a test starts. */
const restSecret = 'the secret of the REST interface'

/** The password of the console of every hub that a test starts. */
export const adminPassword = 'the password of the console'

/** A demo's own web application with a hub, the real command, that asks it. */
export interface Demo {
  /** Of the application's page. */
  readonly url: string
  readonly hub: HubProcess
  /** Calls a REST method of the hub, as the application would. */
  rest(method: string, fields: Record<string, string>): Promise<unknown>
}

interface Fixtures {
  readonly chat: Demo
  readonly graph: Demo
  /** Deals the same cards each time. */
  readonly cards: Demo
  /** Opens a page as somebody else: a browser context of its own, with its own cookies. */
  readonly openPage: (url: string) => Promise<Page>
  /** Serves one page, from a port of its own, until the test has ended. */
  readonly servePage: (html: string) => Promise<string>
}

export const test = base.extend<Fixtures>({
  chat: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'hookbox-chat-'))
    const hubPort = await freePort()
    const webhookSecret = randomBytes(24).toString('hex')
    const hubUrl = (hostname: string) => `http://${hostname}:${hubPort}`
    const { app, close } = createChatApp({ databaseFile: join(folder, 'chat.sqlite'), hubUrl, webhookSecret })
    await serveDemo(app, hubPort, webhookSecret, use)
    close()
    await rm(folder, { recursive: true })
  },

  graph: async ({}, use) => {
    const hubPort = await freePort()
    const webhookSecret = randomBytes(24).toString('hex')
    const hubUrl = (hostname: string) => `http://${hostname}:${hubPort}`
    const { app, close } = createGraphApp({ hubUrl, webhookSecret })
    await serveDemo(app, hubPort, webhookSecret, use)
    close()
  },

  cards: async ({}, use) => {
    const hubPort = await freePort()
    const webhookSecret = randomBytes(24).toString('hex')
    const { app, close } = createCardsApp({
      hubUrl: (hostname) => `http://${hostname}:${hubPort}`,
      restUrl: `http://127.0.0.1:${hubPort}`,
      apiSecurityToken: restSecret,
      webhookSecret,
      seed: 1,
    })
    await serveDemo(app, hubPort, webhookSecret, use)
    close()
  },

  openPage: async ({ browser }, use) => {
    const contexts: BrowserContext[] = []
    await use(async (url) => {
      const context = await browser.newContext()
      contexts.push(context)
      const page = await context.newPage()
      await page.goto(url)
      return page
    })
    for (const context of contexts) await context.close()
  },

  servePage: async ({}, use) => {
    const closing: (() => Promise<void>)[] = []
    await use(async (html) => {
      const { url, close } = await serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html)
      })
      closing.push(close)
      return url
    })
    for (const close of closing) await close()
  },
})

export { expect }

async function serveDemo(
  app: RequestListener,
  hubPort: number,
  webhookSecret: string,
  use: (demo: Demo) => Promise<void>,
): Promise<void> {
  const { url, port, close } = await serve(app)
  const flags = ['-i', '127.0.0.1', '--cbhost', '127.0.0.1', '--cbport', `${port}`, '--cbpath', '/hookbox']
  const env = {
    HOOKBOX_WEBHOOK_SECRET: webhookSecret,
    HOOKBOX_API_SECURITY_TOKEN: restSecret,
    HOOKBOX_ADMIN_PASSWORD: adminPassword,
  }
  const hub = await startHubProcess(flags, { port: hubPort, env })
  try {
    await use({ url, hub, rest: (method, fields) => callRest(hub, method, fields) })
  } finally {
    await hub[Symbol.asyncDispose]()
    await close()
  }
}

async function callRest(hub: HubProcess, method: string, fields: Record<string, string>): Promise<unknown> {
  const response = await fetch(`${hub.url}/rest/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${restSecret}` },
    body: new URLSearchParams(fields),
  })
  return response.json()
}

/** Serves from a port of its own. */
export async function serve(app: RequestListener): Promise<{ url: string; port: number; close: () => Promise<void> }> {
  const server = createServer(app)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, port, close }
}
