import type { OutgoingHttpHeaders } from 'node:http'
import { deferred, within } from '@hookbox/testkit'
import { afterEach, describe, expect, test } from 'vitest'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import { type Served, startTransportHub, type TransportHub, type TransportHubOptions } from '../kit/transport-hub.ts'
import type { OpenPage, TransportPage } from '../kit/transport-page.ts'

const prepared = (text: string) => new PreparedFrame(text)
const turn = () => new Promise(setImmediate)

/** What every transport promises to its session and to its page. `away`: milliseconds until a break is believed. */
export function transportContract(kind: Served['transport']['kind'], openPage: OpenPage, away: number): void {
  describe(`the ${kind} transport`, () => {
    const hubs: TransportHub[] = []
    const pages: TransportPage[] = []
    afterEach(async () => {
      for (const page of pages.splice(0)) page.drop()
      for (const hub of hubs.splice(0)) await hub[Symbol.asyncDispose]()
    })

    async function hub(options?: TransportHubOptions): Promise<TransportHub> {
      const one = await startTransportHub(options)
      hubs.push(one)
      return one
    }

    function page(at: TransportHub, headers?: OutgoingHttpHeaders): TransportPage {
      const one = openPage(at, headers)
      pages.push(one)
      return one
    }

    async function opened(options?: TransportHubOptions) {
      const at = await hub(options)
      const end = page(at)
      await end.opened
      return { hub: at, page: end, served: await at.next() }
    }

    test('says what it is', async () => {
      const { served } = await opened()
      expect(served.transport.kind).toBe(kind)
    })

    test('messages arrive as they are, one at a time and in order', async () => {
      const all = deferred<void>()
      const { page, served } = await opened({
        receive: ({ received }) => void (received.length === 20 && all.resolve()),
      })
      const sent = Array.from({ length: 20 }, (_, i) => `[${i},"é"]\n["\u2028"]`)
      for (const message of sent) page.send(message)
      await within(all.promise, 'all messages')
      expect(served.received).toEqual(sent)
    })

    test('what is sent in one turn arrives as one message', async () => {
      const { page, served } = await opened()
      served.transport.send(prepared('a'))
      expect(await page.message()).toBe('a')
      served.transport.send(prepared('é'))
      served.transport.send(prepared('c'))
      expect(served.transport.buffered).toBe(4)
      expect(await page.message()).toBe('é\nc')
      await turn()
      expect(served.transport.buffered).toBe(0)
    })

    test('many messages arrive in order, each once', async () => {
      const { page, served } = await opened()
      const sent = Array.from({ length: 100 }, (_, i) => `[${i}]`)
      for (const text of sent) {
        served.transport.send(prepared(text))
        if (Math.random() < 0.5) await turn()
      }
      while (page.messages.join('\n').split('\n').length < sent.length) await page.message()
      expect(page.messages.join('\n').split('\n')).toEqual(sent)
    })

    test('a close sends what is queued first, and the session hears of it once, with our code', async () => {
      const { page, served, hub } = await opened()
      served.transport.send(prepared('last'))
      served.transport.close(4503, 'stopping')
      served.transport.close(4500, 'again')
      served.transport.send(prepared('too late'))
      expect(await page.closed).toEqual([4503, 'stopping'])
      expect(page.messages).toEqual(['last'])
      expect(await served.closed).toEqual([4503, 'stopping'])
      await hub.clock.advance(60_000)
      expect(served.closes).toHaveLength(1)
      expect(hub.clock.pending).toBe(0)
      expect(hub.streams.size).toBe(0)
    })

    test('the page’s own code reaches the session', async () => {
      const { page, served, hub } = await opened()
      page.close(1000, 'bye')
      expect(await served.closed).toEqual([1000, 'bye'])
      expect(hub.clock.pending).toBe(0)
      expect(hub.streams.size).toBe(0)
    })

    test('what was sent before the page’s close is received', async () => {
      const { page, served } = await opened()
      page.send('last')
      page.close(1000, '')
      await served.closed
      expect(served.received).toEqual(['last'])
    })

    test('a page that breaks off and does not come back is 1006, once', async () => {
      const got = deferred<void>()
      const { page, served, hub } = await opened({ receive: () => got.resolve() })
      page.send('hello')
      await got.promise
      page.drop()
      while (served.closes.length === 0) {
        await turn()
        if (hub.clock.pending > 0) await hub.clock.advance(away)
      }
      expect(served.closes[0]?.[0]).toBe(1006)
      await hub.clock.advance(60_000)
      expect(served.closes).toHaveLength(1)
      expect(hub.clock.pending).toBe(0)
      expect(hub.streams.size).toBe(0)
    })

    test('what comes after our close is not received', async () => {
      const { page, served } = await opened()
      served.transport.close(4403, 'removed')
      page.send('late')
      await page.closed
      await served.closed
      expect(served.received).toEqual([])
    })

    test('a long reason is cut to 123 bytes, never within a character', async () => {
      const { page, served } = await opened()
      served.transport.close(4401, 'é'.repeat(100))
      expect(await page.closed).toEqual([4401, 'é'.repeat(61)])
    })

    test('a page that does not read is closed with 4508 at 1 MiB', async () => {
      const { page, served, hub } = await opened()
      page.pause()
      const large = prepared('x'.repeat(60_000))
      const idle = hub.clock.pending
      let most = 0
      for (let sent = 0; hub.clock.pending === idle && served.closes.length === 0 && sent < 1_000; sent++) {
        served.transport.send(large)
        most = Math.max(most, served.transport.buffered)
        await turn()
      }
      expect(most).toBeLessThanOrEqual(1_048_576)
      await hub.clock.advance(1_000)
      await turn()
      expect(await served.closed).toEqual([4508, 'reading too slowly'])
      served.transport.send(large)
      page.resume()
      await hub.clock.advance(60_000)
      expect(served.closes).toHaveLength(1)
      expect(served.transport.buffered).toBe(0)
    })

    test('what a page missed arrives in order whatever its size, before what is newer', async () => {
      const { page, served } = await opened()
      const missed = Array.from({ length: 40 }, (_, i) => prepared(`${i}`.padEnd(60_000, '.')))
      served.transport.sendMissed(missed)
      served.transport.send(prepared('live'))
      while (page.messages.at(-1)?.endsWith('live') !== true) await page.message()
      expect(page.messages.join('\n').split('\n')).toEqual([...missed.map(({ text }) => text), 'live'])
      expect(Math.max(...page.messages.map(({ length }) => length))).toBeLessThanOrEqual(262_144 + 60)
      expect(served.closes).toEqual([])
    })

    test('a message of 1 MiB is received', async () => {
      const got = deferred<void>()
      const { page, served } = await opened({ receive: () => got.resolve() })
      page.send('x'.repeat(1_048_576))
      await within(got.promise, 'the message')
      expect(served.received[0]).toHaveLength(1_048_576)
    })

    test.each([
      { origin: 'http://127.0.0.1:3000', may: true },
      { origin: 'https://listed.example', may: true },
      { origin: 'https://evil.example', may: false },
      { origin: 'http://127.0.0.1.evil.example', may: false },
      { origin: 'null', may: false },
    ])('a page of $origin may connect: $may', async ({ origin, may }) => {
      const at = await hub()
      const { opened } = page(at, { origin })
      if (may) await opened
      else await expect(opened).rejects.toThrow('403')
      expect(at.served).toHaveLength(may ? 1 : 0)
    })

    test('a page that another site pointed at this machine is refused in open mode', async () => {
      const at = await hub({ checkHost: true })
      const { opened } = page(at, { host: 'rebound.example', origin: 'http://rebound.example' })
      await expect(opened).rejects.toThrow('403')
      expect(at.served).toEqual([])
    })

    test('the arrival is what the browser sent, behind a trusted proxy too', async () => {
      const at = await hub({ trustProxy: 1 })
      page(at, {
        cookie: 'a=1; b=2',
        origin: 'https://public.example',
        'user-agent': 'Browser/1',
        'x-forwarded-for': '9.9.9.9, 8.8.8.8',
        'x-forwarded-host': 'public.example',
      })
      expect((await at.next()).arrival).toEqual({
        request: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
        address: '8.8.8.8',
        cookies: 'a=1; b=2',
        origin: 'https://public.example',
        userAgent: 'Browser/1',
      })
    })
  })
}
