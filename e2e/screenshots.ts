import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'

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
