import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type HubProcess, openWirePage, startHubProcess, startWebApplication, type WirePage } from '@hookbox/testkit'
import type { Page } from '@playwright/test'
import type * as axe from 'axe-core'
import { adminPassword, test as base, expect } from './fixtures.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8')

interface Watched {
  readonly hub: HubProcess
  /** Somebody's page, in the channel. */
  enter(name: string, channel: string): Promise<WirePage>
}

const test = base.extend<{ watched: Watched }>({
  /** A hub with a console. The application answers a publish of `"login"` with a page to sign in. */
  watched: async ({}, use) => {
    const login = '<!doctype html><title>Sign in</title><form action="/login" method="post"></form>'
    await using app = await startWebApplication({
      create_channel: [true, { history_size: 5, presenceful: true, state: { door: 'open' } }],
      publish: (fields) =>
        fields.payload === '"login"' ? { headers: { 'content-type': 'text/html' }, body: login } : [true, {}],
    })
    const flags = ['-i', '127.0.0.1', '--cbhost', '127.0.0.1', '--cbport', `${app.port}`]
    await using hub = await startHubProcess(flags, { env: { HOOKBOX_ADMIN_PASSWORD: adminPassword } })
    const pages: WirePage[] = []
    await use({
      hub,
      async enter(name, channel) {
        const page = await openWirePage(hub.wsUrl)
        pages.push(page)
        await page.connect({ payload: { name } })
        await page.ask('SUBSCRIBE', { channel_name: channel })
        return page
      },
    })
    for (const page of pages) await page.close()
  },
})

async function signIn(page: Page, { hub }: Pick<Watched, 'hub'>): Promise<void> {
  await page.goto(`${hub.url}/admin`)
  await page.getByLabel('Password').fill(adminPassword)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page.getByRole('status')).toHaveText('Live')
}

async function goTo(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: view }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(view)
}

/** What somebody who cannot see, or uses no mouse, would stumble over. */
async function stumblingBlocks(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const { violations } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run())
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' | ')}`)
}

test('who does not know the password is let in no more after five tries, and told how long', async ({
  page,
  watched,
}) => {
  await page.goto(`${watched.hub.url}/admin`)
  for (let tries = 0; tries < 5; tries++) {
    await page.getByLabel('Password').fill(`not ${tries}`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('alert')).toHaveText('Wrong password.')
  }
  await page.getByLabel('Password').fill(adminPassword)
  await page.getByLabel('Password').press('Enter')
  await expect(page.getByRole('alert')).toHaveText('Too many tries: wait 15 minutes.')
  await expect(page.getByLabel('Password')).toBeVisible()
})

test('figures move by themselves, and whoever signs out sees nothing more', async ({ page, watched }) => {
  await signIn(page, watched)
  const figure = (name: string) => page.locator(`[data-figure="${name}"]`)
  await expect(figure('People connections')).toHaveText('0')
  const ann = await watched.enter('ann', 'lobby')
  await expect(figure('People connections')).toHaveText('1')
  await ann.ask('PUBLISH', { channel_name: 'lobby', payload: 'hello' })
  await expect(figure('Messages in')).not.toHaveText('0')
  await expect(figure('Webhook time p99')).toHaveText(/\d/)
  await expect(page.locator('.u-wrap canvas').first()).toBeVisible()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await expect(page.getByLabel('Password')).toBeVisible()
  await page.reload()
  await expect(page.getByLabel('Password')).toBeVisible()
})

test('a channel is followed, published into and changed, and a payload stays text', async ({ page, watched }) => {
  const ann = await watched.enter('ann', 'lobby')
  await signIn(page, watched)
  await goTo(page, 'Channels')
  await page.getByRole('link', { name: 'lobby' }).click()
  await expect(page.getByRole('list', { name: 'Users in the channel' })).toContainText('ann')

  const markup = `<img src=x onerror=document.title='broken'>`
  await ann.ask('PUBLISH', { channel_name: 'lobby', payload: markup })
  const live = page.getByRole('list', { name: 'Live, newest first' })
  await expect(live.getByRole('listitem').first()).toContainText(markup)
  await expect(live.locator('img')).toHaveCount(0)
  await expect(page).toHaveTitle('lobby – Hookbox console')

  await page.getByLabel('Payload').fill('{"text": "from the operator"}')
  await page.getByLabel('Originator').fill('operator')
  await page.getByRole('button', { name: 'Publish' }).click()
  await expect(live.getByRole('listitem').first()).toContainText('from the operator')
  const isOperator = ({ args }: { args: { user?: string | null } }) => args.user === 'operator'
  let heard = await ann.next('PUBLISH')
  while (!isOperator(heard)) heard = await ann.next('PUBLISH')
  expect(heard.args.payload).toEqual({ text: 'from the operator' })

  await page.getByLabel('history_size').fill('-3')
  await page.getByLabel('history_size').press('Enter')
  await expect(page.getByRole('alert').filter({ hasText: 'history_size' })).toContainText('expected')
  await page.getByLabel('history_size').fill('2')
  await page.getByLabel('history_size').press('Enter')
  expect((await ann.next('SUBSCRIBED')).args).toMatchObject({ history_size: 2 })
})

test('one channel among ten thousand is found at once', async ({ page }) => {
  await using hub = await startHubProcess(['--open'], { env: { HOOKBOX_ADMIN_PASSWORD: adminPassword } })
  const pages = await Promise.all(
    Array.from({ length: 80 }, async (_, user) => {
      const opened = await openWirePage(hub.wsUrl)
      await opened.connect({ payload: { name: `user-${user}` } })
      const names = Array.from({ length: 128 }, (_, room) => `room-${user}-${room}`)
      await Promise.all(names.map((name) => opened.ask('SUBSCRIBE', { channel_name: name })))
      return opened
    }),
  )
  await pages[1]?.ask('UNSUBSCRIBE', { channel_name: 'room-1-0' })
  await pages[1]?.ask('SUBSCRIBE', { channel_name: 'room-0-77' })
  await signIn(page, { hub })
  await expect(page.getByRole('link', { name: 'Channels' })).toContainText('10,2')
  await goTo(page, 'Channels')
  await page.getByRole('columnheader', { name: 'Users in it' }).getByRole('button').click()
  await expect(page.getByRole('row').nth(1)).toHaveText(/room-0-772/)
  await page.getByLabel('Search channels').fill('room-79-12')
  await expect(page.getByRole('row')).toHaveCount(1 + 9)
  for (const one of pages) await one.close()
})

test('a user is disconnected for good, and what a webhook answered wrongly is explained', async ({ page, watched }) => {
  const bob = await watched.enter('bob', 'lobby')
  await signIn(page, watched)
  await goTo(page, 'Webhooks')
  await bob.ask('PUBLISH', { channel_name: 'lobby', payload: 'login' }).catch(() => {})
  const call = page.getByRole('listitem').filter({ hasText: 'fault' })
  await expect(call).toContainText('HTML')
  await call.locator('summary').click()
  await expect(call.locator('pre')).toContainText('<title>Sign in</title>')
  await expect(call).toContainText('action="/login"')

  await goTo(page, 'Users')
  await page.getByRole('link', { name: 'bob' }).click()
  await expect(page.locator('.connection')).toContainText('WebSocket')
  await page.getByRole('button', { name: 'Disconnect…', exact: true }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
  await expect(page.getByText('This user is not connected at the moment.')).toBeVisible()
  expect((await bob.closed).code).toBe(4403)
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`nobody stumbles over anything, on a phone neither: ${colorScheme}`, async ({ browser, watched }) => {
    await using context = await browser.newContext({ colorScheme, viewport: { width: 375, height: 700 } })
    const page = await context.newPage()
    await watched.enter('ann', 'lobby')
    await page.goto(`${watched.hub.url}/admin`)
    await expect(page.getByLabel('Password')).toBeFocused()
    expect(await stumblingBlocks(page)).toEqual([])
    await signIn(page, watched)
    await expect(page.locator('[data-figure="Memory process"]')).toHaveText(/\d/)
    for (const hash of ['overview', 'channels', 'channels/lobby', 'users', 'users/ann', 'webhooks', 'log']) {
      await page.goto(`${watched.hub.url}/admin/#/${hash}`)
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
      expect(await stumblingBlocks(page), hash).toEqual([])
      const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(tooWide, `${hash} on a phone`).toBeLessThanOrEqual(0)
    }
  })
}
