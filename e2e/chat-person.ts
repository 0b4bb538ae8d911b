import type { Locator, Page } from '@playwright/test'
import { type Demo, expect } from './fixtures.ts'

/** Somebody in the chat, as seen on their page. */
export interface Person {
  readonly page: Page
  readonly status: Locator
  readonly people: Locator
  readonly messages: Locator
  joinsOf(name: string): Locator
  /** Writes and sends. */
  write(text: string): Promise<void>
  /** Writes, sends, and sees it stand there. */
  say(text: string): Promise<void>
}

/** Signs in, and is in the room. */
export async function enter(
  chat: Pick<Demo, 'url'>,
  openPage: (url: string) => Promise<Page>,
  name: string,
): Promise<Person> {
  const page = await openPage(chat.url)
  await page.getByLabel('Your name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const status = page.locator('[data-status]')
  await expect(status).toHaveAttribute('data-status', 'connected')
  const people = page.getByRole('list', { name: 'Here now' }).getByRole('listitem')
  await expect(people.getByText(name)).toBeVisible()
  const messages = page.getByRole('log').locator('#lines .message .what')
  const write = async (text: string) => {
    await page.getByLabel('Message').fill(text)
    await page.getByRole('button', { name: 'Send' }).click()
  }
  return {
    page,
    status,
    people,
    messages,
    joinsOf: (who) => page.getByRole('log').locator(`[data-kind="SUBSCRIBE"][data-user="${who}"]`),
    write,
    async say(text) {
      await write(text)
      await expect(messages.getByText(text, { exact: true })).toBeVisible()
    },
  }
}
