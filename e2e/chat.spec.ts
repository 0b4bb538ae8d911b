import { enter } from './chat-person.ts'
import { expect, test } from './fixtures.ts'

test('two people see each other come, hear each other, and see each other go', async ({ chat, openPage }) => {
  const ann = await enter(chat, openPage, 'Ann')
  await expect(ann.people).toHaveText(['Ann'])

  const bob = await enter(chat, openPage, 'Bob')
  await expect(ann.people).toHaveText(['Ann', 'Bob'])
  await expect(bob.people).toHaveText(['Ann', 'Bob'])
  await expect(ann.joinsOf('Bob')).toHaveCount(1)

  await ann.say('Hello Bob')
  await bob.say('Hello Ann')
  for (const person of [ann, bob]) await expect(person.messages).toHaveText(['Hello Bob', 'Hello Ann'])

  await bob.page.getByRole('button', { name: 'Sign out' }).click()
  await expect(bob.page.getByLabel('Your name')).toBeVisible()
  await expect(ann.people).toHaveText(['Ann'])
})

test('who comes later finds what was said before', async ({ chat, openPage }) => {
  const ann = await enter(chat, openPage, 'Ann')
  await ann.say('First')
  await ann.say('Second')
  const bob = await enter(chat, openPage, 'Bob')
  await expect(bob.messages).toHaveText(['First', 'Second'])
})

test('a refused word is refused in the words of the application, and nobody else sees it', async ({
  chat,
  openPage,
}) => {
  const ann = await enter(chat, openPage, 'Ann')
  const bob = await enter(chat, openPage, 'Bob')
  await ann.write('Buy spam today')
  await expect(ann.page.getByRole('alert')).toContainText('spam')
  await expect(ann.page.getByLabel('Message')).toHaveValue('Buy spam today')
  await ann.page.getByLabel('Message').fill('')
  await ann.say('Sorry')
  await expect(bob.messages).toHaveText(['Sorry'])
})

test('the hub is killed and started again: both pages come back, nothing is lost and nothing doubled', async ({
  chat,
  openPage,
}) => {
  test.setTimeout(90_000)
  const ann = await enter(chat, openPage, 'Ann')
  const bob = await enter(chat, openPage, 'Bob')
  await ann.say('Before')
  await expect(bob.messages).toHaveText(['Before'])

  await chat.hub.kill('SIGKILL')
  for (const { status } of [ann, bob]) await expect(status).not.toHaveAttribute('data-status', 'connected')
  await ann.write('Meanwhile')
  await chat.hub.restart()
  for (const { status } of [ann, bob]) {
    // A try that failed as the hub was not up yet is followed by a wait of up to 20 s.
    await expect(status).toHaveAttribute('data-status', 'connected', { timeout: 40_000 })
  }
  await bob.say('After')
  for (const person of [ann, bob]) await expect(person.messages).toHaveText(['Before', 'Meanwhile', 'After'])
  // Who is back first stands first.
  for (const person of [ann, bob]) await expect(person.people).toHaveText([/Ann|Bob/, /Ann|Bob/])
})

test('a reload is no departure: the others see nobody go and nobody come', async ({ chat, openPage }) => {
  const ann = await enter(chat, openPage, 'Ann')
  const bob = await enter(chat, openPage, 'Bob')
  await expect(ann.joinsOf('Bob')).toHaveCount(1)
  await bob.page.reload()
  await expect(bob.status).toHaveAttribute('data-status', 'connected')
  await bob.say('Back')
  await expect(ann.messages).toHaveText(['Back'])
  await expect(ann.joinsOf('Bob')).toHaveCount(1)
  await expect(ann.people).toHaveText(['Ann', 'Bob'])
})

test('what the application publishes by REST reaches an open page', async ({ chat, openPage }) => {
  const ann = await enter(chat, openPage, 'Ann')
  const published = await chat.rest('publish', { channel_name: 'chat', payload: '{"text":"From the server"}' })
  expect(published).toEqual([true, { position: expect.any(String) }])
  await expect(ann.messages).toHaveText(['From the server'])
})

test('markup in a message stays text', async ({ chat, openPage }) => {
  const ann = await enter(chat, openPage, 'Ann')
  const bob = await enter(chat, openPage, 'Bob')
  await ann.say('<img src=x onerror=alert(1)>')
  await expect(bob.messages).toHaveText(['<img src=x onerror=alert(1)>'])
  await expect(bob.page.locator('[role=log] img')).toHaveCount(0)
})
