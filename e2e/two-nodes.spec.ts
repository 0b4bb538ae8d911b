import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, lacksRedis, startHubProcess, startRedis } from '@hookbox/testkit'
import { createChatApp } from '../apps/chat/app.ts'
import { startTurns } from '../scripts/start-turns.ts'
import { enter } from './chat-person.ts'
import { expect, serve, test } from './fixtures.ts'

test.skip(lacksRedis(), 'there is no redis-server on the PATH')

/** The chat with a hub of two nodes, at which pages take turns. */
async function startChat() {
  const closing: (() => unknown)[] = []
  const untilEnd = <T extends AsyncDisposable>(one: T) => {
    closing.unshift(() => one[Symbol.asyncDispose]())
    return one
  }
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-two-nodes-'))
  closing.unshift(() => rm(folder, { recursive: true }))
  const webhookSecret = randomBytes(24).toString('hex')
  const port = await freePort()
  const { app, close } = createChatApp({
    databaseFile: join(folder, 'chat.sqlite'),
    hubUrl: (hostname) => `http://${hostname}:${port}`,
    webhookSecret,
  })
  closing.unshift(close)
  /** The webhooks that were asked. */
  const asked: string[] = []
  const site = await serve((request: IncomingMessage, response: ServerResponse) => {
    const [, webhook] = /^\/hookbox\/(.+)/.exec(request.url ?? '') ?? []
    if (webhook) asked.push(webhook)
    app(request, response)
  })
  closing.unshift(site.close)
  const redis = untilEnd(await startRedis())
  const flags = ['-i', '127.0.0.1', '--cbhost', '127.0.0.1', '--cbport', `${site.port}`, '--cbpath', '/hookbox']
  const options = { env: { HOOKBOX_WEBHOOK_SECRET: webhookSecret, HOOKBOX_REDIS: redis.url } }
  const startNode = async () => untilEnd(await startHubProcess([...flags, '--linger', '2'], options))
  const [first, second] = await Promise.all([startNode(), startNode()])
  const turns = await startTurns(port, [first.port, second.port])
  closing.unshift(turns.close)
  return {
    url: site.url,
    first,
    asked,
    pages: () => [turns.pagesAt(first.port), turns.pagesAt(second.port)],
    async [Symbol.asyncDispose]() {
      for (const close of closing) await close()
    },
  }
}

test('two people at two nodes chat; one node is killed, and the chat goes on as if nothing had happened', async ({
  openPage,
}) => {
  test.setTimeout(60_000)
  await using chat = await startChat()
  const ann = await enter(chat, openPage, 'Ann')
  const bob = await enter(chat, openPage, 'Bob')
  const cyd = await enter(chat, openPage, 'Cyd')
  expect(chat.pages()).toEqual([2, 1])
  for (const { people } of [ann, bob, cyd]) await expect(people).toHaveText(['Ann', 'Bob', 'Cyd'])
  await ann.say('Hello Bob')
  await bob.say('Hello Ann')
  for (const { messages } of [ann, bob]) await expect(messages).toHaveText(['Hello Bob', 'Hello Ann'])

  const seen = await bob.page.evaluateHandle(() => {
    const people = document.querySelector('#people')
    const seen: string[] = []
    new MutationObserver(() => seen.push(people?.textContent ?? '')).observe(people ?? document, { childList: true })
    return seen
  })
  // Who is away when a node dies is waited for as ever, by the other node. Cyd does not come back, which tells when that is over.
  await cyd.page.close()
  await expect.poll(chat.pages).toEqual([1, 1])
  await chat.first.kill('SIGKILL')
  await bob.say('Are you there?')
  await ann.write('Yes')
  await expect.poll(chat.pages).toEqual([0, 2])
  await bob.say('Good')
  const said = ['Hello Bob', 'Hello Ann', 'Are you there?', 'Yes', 'Good'].toSorted()
  for (const { messages } of [ann, bob]) {
    await expect.poll(async () => (await messages.allTextContents()).toSorted()).toEqual(said)
  }
  // In one order for both.
  expect(await ann.messages.allTextContents()).toEqual(await bob.messages.allTextContents())

  await expect(bob.people).toHaveText(['Ann', 'Bob'], { timeout: 15_000 })
  await expect(ann.people).toHaveText(['Ann', 'Bob'])
  expect(await seen.jsonValue()).toEqual(['AnnBob'])
  expect(chat.asked.filter((webhook) => webhook !== 'publish')).toEqual([
    ...['hub_started', 'connect', 'create_channel', 'subscribe'],
    ...['connect', 'subscribe'],
    ...['connect', 'subscribe'],
    ...['unsubscribe', 'disconnect'],
  ])
})
