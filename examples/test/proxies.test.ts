import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  freePort,
  type HubProcess,
  onCi,
  openWirePage,
  startHubProcess,
  startWebApplication,
  until,
  type WebApplication,
  type WirePage,
} from '../../packages/testkit/src/index.ts'
import { example, isInstalled, kinds, type ReverseProxy, startReverseProxy } from './reverse-proxy.ts'
import { openStreamPage } from './stream-page.ts'

describe.each(kinds)('docs/proxies.md and examples/proxies/$file', (kind) => {
  test('say the same', async () => {
    const page = await readFile(new URL('../../docs/proxies.md', import.meta.url), 'utf8')
    const [, block] = new RegExp(`^\`\`\`${kind.language}\n([\\s\\S]*?)^\`\`\``, 'm').exec(page) ?? []
    expect(block).toBe(await example(kind))
  })
})

test.each([
  { file: 'nginx.conf', names: ['proxy_read_timeout', 'proxy_send_timeout'] },
  { file: 'haproxy.cfg', names: ['timeout client', 'timeout server', 'timeout tunnel'] },
])('$file cuts no line on which the hub sends its PINGs', async ({ file, names }) => {
  const text = await readFile(new URL(`../proxies/${file}`, import.meta.url), 'utf8')
  for (const name of names) expect(Number(new RegExp(`^ *${name} (\\d+)s;?$`, 'm').exec(text)?.[1])).toBeGreaterThan(35)
})

for (const kind of kinds) {
  const left = !onCi() && !isInstalled(kind)
  if (left) process.emitWarning(`the tests with ${kind.name} are skipped, as it is not installed; see CONTRIBUTING.md`)

  describe.skipIf(left)(`${kind.name} in front of two hubs`, () => {
    // Each hub asks an application of its own, so that a test sees which one a page has come to.
    let applications: readonly [WebApplication, WebApplication]
    let hubs: readonly [HubProcess, HubProcess]
    let proxy: ReverseProxy
    let wsUrl: string

    beforeAll(async () => {
      applications = [await startWebApplication(), await startWebApplication()]
      for (const app of applications) app.reply('/', { body: 'the application' })
      const [first, second] = applications
      hubs = await Promise.all([startHub(first), startHub(second)])
      proxy = await startReverseProxy(kind, { hubs: [hubs[0].port, hubs[1].port], application: first.port })
      wsUrl = `ws://127.0.0.1:${proxy.port}/realtime/ws`
    }, 30_000)

    afterAll(async () => {
      for (const one of [proxy, ...(hubs ?? []), ...(applications ?? [])]) await one?.[Symbol.asyncDispose]()
    })

    async function startHub(app: WebApplication): Promise<HubProcess> {
      const place = ['-i', '127.0.0.1', '--base-path', '/realtime', '--trust-proxy', '1']
      const restPort = String(await freePort())
      const flags = [...place, '--web-api-port', restPort, '--cbhost', '127.0.0.1', '--cbport', String(app.port)]
      return startHubProcess(flags, { basePath: '/realtime' })
    }

    /** How many pages have come to each hub. */
    const counts = () => applications.map((app) => app.calls('connect').length)

    /** Opens and closes pages, and tells how many of them came to each hub. */
    async function visits(pages: number): Promise<number[]> {
      const before = counts()
      for (let i = 0; i < pages; i++) {
        await using page = await openWirePage(wsUrl)
        await page.connect({ payload: 'ann' })
      }
      return counts().map((count, hub) => count - (before[hub] ?? 0))
    }

    test('a page connects, publishes and receives', async () => {
      await using page = await openWirePage(wsUrl, { origin: `http://127.0.0.1:${proxy.port}` })
      await page.connect({ payload: 'ann' })
      await page.ask('SUBSCRIBE', { channel_name: 'chat' })
      await page.ask('PUBLISH', { channel_name: 'chat', payload: 'é'.repeat(20_000), message_id: 'k1' })
      const { args } = await page.next('PUBLISH')
      expect(args).toMatchObject({ user: 'ann', payload: 'é'.repeat(20_000) })
    })

    test('pages are spread over both hubs', async () => {
      expect(await visits(6)).toEqual([3, 3])
    })

    test('the application hears the address of the browser, and not one that the page makes up', async () => {
      const localAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1'
      const headers = { 'x-forwarded-for': '203.0.113.7', 'x-real-ip': '203.0.113.7' }
      const before = applications.map((app) => app.calls('connect').length)
      await using page = await openWirePage(wsUrl, { localAddress, headers })
      await page.connect({ payload: 'ann' })
      const [call] = applications.flatMap((app, hub) => app.calls('connect').slice(before[hub]))
      expect(call?.headers['x-real-ip']).toBe(localAddress)
    })

    test('a page of another site is refused, whatever host it claims', async () => {
      const headers = { 'x-forwarded-host': 'evil.example' }
      const refused = openWirePage(wsUrl, { origin: 'http://evil.example', headers })
      await expect(refused).rejects.toThrow('the upgrade was refused with status 403')
    })

    test('what is not for the hubs goes to the application, and webhooks to nobody', async () => {
      const site = `http://127.0.0.1:${proxy.port}`
      expect(await (await fetch(`${site}/`)).text()).toBe('the application')
      const calls = applications[0].calls().length
      expect((await fetch(`${site}/hookbox/connect`, { method: 'POST', body: 'action=connect' })).status).toBe(404)
      expect(applications[0].calls().length).toBe(calls)
    })

    describe('while one hub is down', () => {
      beforeAll(() => hubs[0].kill('SIGKILL'))

      test('it is left out', async () => {
        expect(await visits(4)).toEqual([0, 4])
      })

      // What one hub is told the other does not know: with one alone, all pages come together.
      test('an event stream is not held back', async () => {
        await using page = await openStreamPage(`http://127.0.0.1:${proxy.port}/realtime`)
        await page.send('CONNECT', { payload: 'ann' })
        expect((await page.next('CONNECTED'))[2]).toMatchObject({ name: 'ann' })
        await page.send('SUBSCRIBE', { channel_name: 'chat' })
        await page.next('SUBSCRIBED')
        await using other = await openWirePage(wsUrl)
        await other.connect({ payload: 'bob' })
        await other.ask('SUBSCRIBE', { channel_name: 'chat' })
        for (const payload of ['one', 'two', 'three']) {
          await other.ask('PUBLISH', { channel_name: 'chat', payload, message_id: payload })
          expect((await page.next('PUBLISH'))[2]).toMatchObject({ user: 'bob', payload })
        }
      })

      test('it gets pages again when it is back', async () => {
        await hubs[0].restart()
        const back = async () => ((await visits(1))[0] === 1 ? true : undefined)
        await until(back, 'a page at the hub that is back', { deadline: 10_000 })
      }, 20_000)
    })

    test('a hub is taken out and stopped, and its pages go to the other one', async () => {
      await using page = await openAtFirst()
      await proxy.removeFirst?.()
      // Processes that go by the old configuration may take some last ones.
      const isOut = async () => ((await visits(6))[0] === 0 ? true : undefined)
      if (proxy.removeFirst) await until(isOut, 'the first hub to get no new pages')
      await page.ask('SUBSCRIBE', { channel_name: 'chat' })
      expect(await hubs[0].kill('SIGTERM')).toBe(0)
      expect((await page.closed).code).toBe(4503)
      expect(await visits(4)).toEqual([0, 4])
    }, 20_000)

    async function openAtFirst(): Promise<WirePage> {
      const before = counts()[0]
      return until(async () => {
        const page = await openWirePage(wsUrl)
        await page.connect({ payload: 'ann' })
        if (counts()[0] !== before) return page
        await page.drop()
        return undefined
      }, 'a page at the first hub')
    }
  })
}
