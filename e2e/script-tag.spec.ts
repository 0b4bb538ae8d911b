import { startHubProcess } from '@hookbox/testkit'
import { expect, test } from './fixtures.ts'

test('a plain page on another port needs the script and nothing else', async ({ servePage, openPage }) => {
  await using hub = await startHubProcess(['--open'])
  const url = await servePage(`<!doctype html>
    <title>Plain</title>
    <ul id="heard"></ul>
    <button>Say hello</button>
    <script src="${hub.url}/static/hookbox.js"></script>
    <script>
      const chat = hookbox.connect('${hub.url}').subscribe('chat')
      chat.on('publish', ({ user, payload }) => {
        heard.append(Object.assign(document.createElement('li'), { textContent: user + ': ' + payload }))
      })
      document.querySelector('button').onclick = () => chat.publish('hello')
    </script>`)
  const page = await openPage(url)
  const other = await openPage(url)
  await other.getByRole('button').click()
  for (const one of [page, other]) await expect(one.getByRole('listitem')).toHaveText([/^guest-[0-9a-f]{8}: hello$/])
})

test('pages of a hub that compresses hear what they would hear without', async ({ servePage, openPage }) => {
  await using hub = await startHubProcess(['--open', '--compression'])
  const url = await servePage(`<!doctype html>
    <title>Compressed</title>
    <script src="${hub.url}/static/hookbox.js"></script>
    <script>
      const heard = []
      const chat = hookbox.connect('${hub.url}').subscribe('chat')
      chat.on('publish', ({ payload }) => heard.push(payload))
    </script>`)
  const pages = [await openPage(url), await openPage(url), await openPage(url)]
  for (const page of pages) await page.evaluate('chat.ready')
  await pages[0]?.evaluate(`Promise.all(['héllo '.repeat(500), 'short'].map((text) => chat.publish(text)))`)
  for (const page of pages) {
    await expect
      .poll(() => page.evaluate('heard.map((text) => [text.slice(0, 6), text.length])'))
      .toEqual([
        ['héllo ', 3_000],
        ['short', 5],
      ])
  }
})

test('the console shows what connections do while `hookbox.debug` is set, which may be at any time', async ({
  servePage,
  openPage,
}) => {
  await using hub = await startHubProcess(['--open'])
  const url = await servePage(`<!doctype html>
    <title>Watched</title>
    <script src="${hub.url}/static/hookbox.js"></script>
    <script>
      const conn = hookbox.connect('${hub.url}')
    </script>`)
  const page = await openPage(url)
  const said: string[] = []
  page.on('console', (message) => {
    const text = message.text().replace(/ \(\d+ ms\)/, '')
    // The hub looks now and then whether a page is there, which on a busy machine may be in between.
    if (!/ P[IO]NG$/.test(text)) said.push(text)
  })
  await page.evaluate('conn.ready')
  expect(said).toEqual([])

  const inChat = (what: string) =>
    page.evaluate(`(async () => { const chat = conn.subscribe('chat'); await ${what} })()`)
  await page.evaluate('hookbox.debug = true')
  await inChat('chat.ready')
  await expect.poll(() => said.length).toBe(2)
  expect(said[0]).toMatch(/^hookbox ↑ #2 SUBSCRIBE chat/)
  expect(said[1]).toMatch(/^hookbox ↓ #2 SUBSCRIBED chat/)

  // another connection is told apart
  await page.evaluate(`window.other = hookbox.connect('${hub.url}'), other.ready`)
  await expect.poll(() => said.at(-1)).toBe('hookbox 2 ● connected')

  const before = said.length
  await page.evaluate('hookbox.debug = false')
  await inChat(`chat.publish('unseen')`)
  await page.evaluate('console.log("the end")')
  await expect.poll(() => said.slice(before)).toEqual(['the end'])
})
