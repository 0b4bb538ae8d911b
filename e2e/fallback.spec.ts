import { startHttpProxy, startHubProcess } from '@hookbox/testkit'
import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'

/** A page in a chat room behind a proxy: what it heard stands in `heard`, and what its connection told in `told`. */
const html = (url: string, before = '') => `<!doctype html>
  <title>Behind a proxy</title>
  <script>${before}</script>
  <script src="${url}/static/hookbox.js"></script>
  <script>
    const heard = []
    const told = []
    const conn = hookbox.connect('${url}', { payload: { name: location.search.slice(1) }, backoff: { max: 1000 } })
    conn.on('close', ({ code }) => told.push(code))
    const chat = conn.subscribe('chat')
    chat.on('publish', ({ user, payload }) => heard.push(user + ': ' + payload))
    chat.on('gap', () => told.push('gap'))
  </script>`

/** A hub behind a proxy, and a page that is not. */
async function start() {
  const hub = await startHubProcess(['--open'])
  const proxy = await startHttpProxy(hub.port)
  return {
    hub,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await hub[Symbol.asyncDispose]()
    },
  }
}

const heard = (page: Page) => page.evaluate('heard')
const say = (page: Page, text: string) => page.evaluate(`chat.publish(${JSON.stringify(text)})`)

/** Two pages that hear each other. */
async function chats(ann: Page, bob: Page, words = ['hello', 'wörld \u2028'], before: string[] = []) {
  await say(ann, words[0] ?? '')
  await say(bob, words[1] ?? '')
  const lines = [...before, `ann: ${words[0]}`, `bob: ${words[1]}`]
  await expect.poll(() => heard(ann)).toEqual(lines)
  await expect.poll(() => heard(bob)).toEqual(lines)
  return lines
}

test('a page without WebSocket reads a stream', async ({ servePage, openPage }) => {
  await using at = await start()
  const url = await servePage(html(at.proxy.url, 'delete globalThis.WebSocket'))
  const [ann, bob] = [await openPage(`${url}/?ann`), await openPage(`${url}/?bob`)]
  for (const page of [ann, bob]) await page.evaluate('chat.ready')
  await chats(ann, bob)
  expect(at.proxy.requests).toContain('POST /stream')
  expect(at.proxy.requests).not.toContain('GET /ws')
  expect(await ann.evaluate('told')).toEqual([])
})

test('a page behind a proxy that refuses upgrades reads a stream, and remembers it', async ({
  servePage,
  openPage,
}) => {
  await using at = await start()
  at.proxy.refuseUpgrades()
  const url = await servePage(html(at.proxy.url))
  const [ann, bob] = [await openPage(`${url}/?ann`), await openPage(`${url}/?bob`)]
  for (const page of [ann, bob]) await page.evaluate('chat.ready')
  await chats(ann, bob)
  const upgrades = () => at.proxy.requests.filter((request) => request === 'GET /ws').length
  const before = upgrades()
  await ann.evaluate(`new Promise((resolve) => {
    const again = hookbox.connect('${at.proxy.url}', { payload: { name: 'ann' } })
    again.ready.then(() => { again.disconnect(); resolve() })
  })`)
  expect(upgrades()).toBe(before)
})

test('a page whose WebSocket is blocked in mid-life goes on by a stream, and misses nothing', async ({
  servePage,
  openPage,
}) => {
  await using at = await start()
  const url = await servePage(html(at.proxy.url))
  const direct = await servePage(html(at.hub.url))
  const [ann, bob] = [await openPage(`${url}/?ann`), await openPage(`${direct}/?bob`)]
  for (const page of [ann, bob]) await page.evaluate('chat.ready')
  const lines = await chats(ann, bob)
  expect(at.proxy.requests).not.toContain('POST /stream')
  at.proxy.refuseUpgrades()
  await say(bob, 'still there?')
  await expect.poll(() => heard(ann)).toEqual([...lines, 'bob: still there?'])
  await chats(ann, bob, ['yes', 'good'], [...lines, 'bob: still there?'])
  expect(at.proxy.requests).toContain('POST /stream')
  expect(await ann.evaluate('told')).not.toContain('gap')
})

test('a page behind a proxy that holds answers back polls', async ({ servePage, openPage }) => {
  await using at = await start()
  at.proxy.refuseUpgrades()
  at.proxy.holdBack()
  const url = await servePage(html(at.proxy.url))
  const [ann, bob] = [await openPage(`${url}/?ann`), await openPage(`${url}/?bob`)]
  for (const page of [ann, bob]) await page.evaluate('chat.ready')
  await chats(ann, bob)
  expect(await ann.evaluate('told')).not.toContain('gap')
})

test('a page whose hub was away tries a stream, and is back by WebSocket', async ({ servePage, openPage }) => {
  await using at = await start()
  const counted = `
    const sockets = []
    globalThis.WebSocket = class extends WebSocket {
      constructor(...args) {
        super(...args)
        sockets.push(this)
      }
    }`
  const ann = await openPage(await servePage(html(at.proxy.url, counted)))
  await ann.evaluate('chat.ready')
  await at.hub.kill()
  await expect.poll(() => at.proxy.requests).toContain('POST /stream')
  await at.hub.restart()
  await expect.poll(() => ann.evaluate('conn.status'), { timeout: 15_000 }).toBe('connected')
  expect(await ann.evaluate('sockets.at(-1).readyState')).toBe(1)
})

test('a page that closes its tab or reloads lets go of its stream', async ({ servePage, openPage }) => {
  await using at = await start()
  at.proxy.refuseUpgrades()
  const url = await servePage(html(at.proxy.url))
  const [ann, bob] = [await openPage(`${url}/?ann`), await openPage(`${url}/?bob`)]
  for (const page of [ann, bob]) await page.evaluate('chat.ready')
  const sends = () => at.proxy.requests.filter((request) => request === 'POST /stream/send').length
  const before = sends()
  await ann.reload()
  await ann.evaluate('chat.ready')
  // What a page says as it goes may arrive after what the next one says.
  await expect.poll(sends).toBeGreaterThan(before + 1)
  await expect.poll(() => bob.evaluate('chat.presence')).toEqual(['ann', 'bob'])
  await bob.evaluate('conn.disconnect()')
  await expect.poll(() => ann.evaluate('chat.presence')).toEqual(['ann'])
})
