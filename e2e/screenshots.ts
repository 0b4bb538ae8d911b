import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { adminPassword, expect, test } from './fixtures.ts'

const file = (name: string) => fileURLToPath(new URL(`../docs/images/${name}`, import.meta.url))

test.use({ viewport: { width: 1000, height: 620 }, deviceScaleFactor: 2 })

test('the chat', async ({ chat, browser }) => {
  const enter = async (name: string): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1000, height: 560 } })).newPage()
    await page.goto(chat.url)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.locator('[data-status]')).toHaveAttribute('data-status', 'connected')
    return page
  }
  const say = async (page: Page, text: string) => {
    await page.getByLabel('Message').fill(text)
    await page.getByRole('button', { name: 'Send' }).click()
    await expect(page.locator('#lines').getByText(text)).toBeVisible()
  }
  const ann = await enter('Ann')
  await say(ann, 'Good morning! Is the new timetable up?')
  const bob = await enter('Bob')
  await say(bob, 'Just now. The page moved by itself, I did not even reload.')
  await say(ann, 'That is the idea.')
  await enter('Chioma')
  await expect(bob.getByRole('listitem').getByText('Chioma')).toBeVisible()
  await bob.screenshot({ path: file('chat.png') })
})

test('the card game', async ({ cards, browser }) => {
  const enter = async (name: string): Promise<Page> => {
    const page = await (await browser.newContext({ viewport: { width: 1000, height: 820 } })).newPage()
    await page.goto(cards.url)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Take a seat' }).click()
    return page
  }
  const ann = await enter('Ann')
  await enter('Bob')
  await enter('Chioma')
  await ann.getByRole('button', { name: 'Deal' }).click()
  await expect(ann.getByRole('button', { name: /of (hearts|spades|clubs|diamonds)/ }).first()).toBeVisible()
  await ann.screenshot({ path: file('cards.jpg'), type: 'jpeg', quality: 80, animations: 'disabled' })
})

test('the console', async ({ chat, browser }) => {
  test.setTimeout(180_000)
  const people = ['Ann', 'Bob', 'Chioma', 'Deepa', 'Emil']
  const pages: Page[] = []
  for (const name of people) {
    const page = await (await browser.newContext()).newPage()
    await page.goto(chat.url)
    await page.getByLabel('Your name').fill(name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.locator('[data-status]')).toHaveAttribute('data-status', 'connected')
    pages.push(page)
  }
  const open = async (colorScheme: 'light' | 'dark', size: { width: number; height: number }) => {
    const page = await (await browser.newContext({ colorScheme, viewport: size, deviceScaleFactor: 2 })).newPage()
    await page.goto(`${chat.hub.url}/admin`)
    await page.getByLabel('Password').fill(adminPassword)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect(page.getByRole('status')).toHaveText('Live')
    return page
  }
  const light = await open('light', { width: 1240, height: 800 })
  const dark = await open('dark', { width: 1240, height: 800 })
  const lines = [
    'Is the hall free on Friday?',
    'From six on.',
    'I bring the projector.',
    'And I the cake.',
    'See you there!',
  ]
  const end = Date.now() + 75_000
  for (let turn = 0; Date.now() < end; turn++) {
    const page = pages[turn % pages.length]
    await page?.getByLabel('Message').fill(lines[turn % lines.length] ?? '')
    await page?.getByRole('button', { name: 'Send' }).click()
    await light.waitForTimeout(150 + 700 * Math.abs(Math.sin(turn / 9)))
  }
  await light.screenshot({ path: file('console-overview.png') })
  await dark.screenshot({ path: file('console-overview-dark.png') })
  await light.getByRole('link', { name: 'Channels' }).click()
  await light.getByRole('link', { name: 'chat' }).click()
  for (const [index, page] of pages.entries()) {
    await page.getByLabel('Message').fill(lines[index] ?? '')
    await page.getByRole('button', { name: 'Send' }).click()
    await light.waitForTimeout(300)
  }
  await light.screenshot({ path: file('console-channel.png') })
  await light.getByRole('link', { name: 'Webhooks' }).click()
  await light.locator('.calls summary').first().click()
  await light.screenshot({ path: file('console-webhooks.png') })
})
