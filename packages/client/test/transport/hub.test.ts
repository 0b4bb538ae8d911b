import { startTcpProxy, type TcpProxy, within } from '@hookbox/testkit'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { RunningHub } from '../../../server/test/kit/running-hub.ts'
import type { CloseEvent, ConnectionStatus } from '../../src/events.ts'
import { type Connection, type ConnectOptions, connect } from '../../src/index.ts'
import { StreamSocket } from '../../src/transport/event-stream.ts'
import type { WebSocketConstructor } from '../../src/transport/transport.ts'

/** By an event stream alone. */
function streamClass(poll: boolean): WebSocketConstructor {
  return class extends StreamSocket {
    constructor(url: string, protocol: string) {
      super(url, protocol, { poll, late() {}, wanted: async () => true })
    }
  } as unknown as WebSocketConstructor
}

/** The waits that keep pages apart are short here. */
beforeEach(() => {
  const { random } = Math
  vi.spyOn(Math, 'random').mockImplementation(() => random() / 50)
})

const connections: Connection[] = []
afterEach(() => {
  for (const connection of connections.splice(0)) connection.disconnect()
})

/** The secret, as the page itself shows it. */
function sessionIn(calls: readonly (readonly unknown[])[]): string {
  for (const [, init] of calls) {
    const [, session] = /"session":"([0-9a-f]{64})"/.exec(String((init as RequestInit).body)) ?? []
    if (session !== undefined) return session
  }
  throw new Error('expected a request with a session')
}

/** Ends a session on the hub, behind the back of its page: the numbers that it has used already are repeats. */
async function endSession(url: string, session: string): Promise<void> {
  for (let seq = 1, status = 0; status !== 410; seq++) {
    const body = JSON.stringify({ session, seq, close: 4001 })
    status = (await fetch(`${url}/stream/send`, { method: 'POST', body })).status
  }
}

/** What a page does must not depend on the way that it goes by: the real client and a real hub, with a line that can be cut. */
describe.each([
  { way: 'WebSocket', WebSocket: WebSocket as unknown as WebSocketConstructor },
  { way: 'an event stream', WebSocket: streamClass(false) },
  { way: 'long polling', WebSocket: streamClass(true) },
])('over $way', ({ way, WebSocket }) => {
  async function start(replies: Parameters<typeof RunningHub.start>[0] = {}) {
    const hub = await RunningHub.start(replies)
    const proxy = await startTcpProxy(Number(new URL(hub.url).port))
    return {
      hub,
      proxy,
      async [Symbol.asyncDispose]() {
        for (const connection of connections.splice(0)) connection.disconnect()
        await proxy[Symbol.asyncDispose]()
        await hub[Symbol.asyncDispose]()
      },
    }
  }

  function page(proxy: TcpProxy, name: string, options: ConnectOptions = {}) {
    const conn = connect(`http://127.0.0.1:${proxy.port}`, {
      WebSocket,
      payload: { name },
      backoff: { min: 1, max: 20 },
      ...options,
    })
    connections.push(conn)
    return conn
  }

  /** Until a condition holds, looked at whenever something is told. */
  const until = (isSo: () => boolean, what: string) =>
    within(
      (async () => {
        while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1))
      })(),
      what,
    )

  test('a page subscribes, publishes and hears each entry once, in order', async () => {
    await using at = await start({ create_channel: [true, { presenceful: true }] })
    const ann = page(at.proxy, 'ann')
    const bob = page(at.proxy, 'bob')
    const heard: unknown[] = []
    const chat = bob.subscribe('chat')
    chat.on('publish', ({ user, payload }) => heard.push([user, payload]))
    await chat.ready
    const sent = Array.from({ length: 100 }, (_, i) => `é${i}\u2028`)
    const results = await Promise.all(sent.map((payload) => ann.publish('chat', payload)))
    await until(() => heard.length >= sent.length, 'all entries')
    expect(heard).toEqual(sent.map((payload) => ['ann', payload]))
    expect(results.every(({ duplicate }) => !duplicate)).toBe(true)
    expect(chat.presence).toEqual(['bob'])
  })

  test('a large payload arrives whole both ways', async () => {
    await using at = await start()
    const ann = page(at.proxy, 'ann')
    const heard: unknown[] = []
    const chat = ann.subscribe<string>('chat')
    chat.on('publish', ({ payload }) => heard.push(payload))
    const sent = Array.from({ length: 20 }, (_, i) => `${i}`.padEnd(20_000, '€'))
    await Promise.all(sent.map((payload) => chat.publish(payload)))
    await until(() => heard.length >= sent.length, 'all entries')
    expect(heard).toEqual(sent)
  })

  test('what is published while the line is cut again and again is stored and heard once, in order', async () => {
    await using at = await start({ create_channel: [true, { history_size: 500 }] })
    const ann = page(at.proxy, 'ann')
    const bob = page(at.proxy, 'bob')
    const heard: unknown[] = []
    const gaps = vi.fn()
    // whoever is cut off leaves at once here, and the channel would go with its last user
    const keeper = await at.hub.page('keeper')
    await keeper.ask('SUBSCRIBE', { channel_name: 'chat' })
    const chat = bob.subscribe('chat')
    chat.on('publish', ({ payload }) => heard.push(payload))
    chat.on('gap', gaps)
    await chat.ready
    const answers: Promise<unknown>[] = []
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 25; i++) answers.push(ann.publish('chat', round * 25 + i))
      await answers[round * 25]
      at.proxy.cut()
    }
    await Promise.all(answers)
    await until(() => heard.length >= 100, 'all entries')
    const sent = Array.from({ length: 100 }, (_, i) => i)
    expect(heard).toEqual(sent)
    expect(gaps).not.toHaveBeenCalled()
    const stored = ann.subscribe('chat')
    await stored.ready
    expect(stored.history.flatMap(([kind, entry]) => (kind === 'PUBLISH' ? [entry.payload] : []))).toEqual(sent)
  })

  test('a page whose session the hub has given up connects anew and recovers what it missed', async () => {
    await using at = await start()
    const fetched = vi.spyOn(globalThis, 'fetch')
    const ann = page(at.proxy, 'ann')
    const chat = ann.subscribe('chat')
    const heard: unknown[] = []
    const subscribed = vi.fn()
    chat.on('publish', ({ payload, replayed }) => heard.push([payload, replayed]))
    chat.on('subscribed', subscribed)
    await chat.ready
    const keeper = await at.hub.page('keeper')
    await keeper.ask('SUBSCRIBE', { channel_name: 'chat' })
    const before = ann.id
    const closes: CloseEvent[] = []
    ann.on('close', (event) => closes.push(event))
    at.proxy.refuse()
    at.proxy.cut()
    if (way !== 'WebSocket') await endSession(at.hub.url, sessionIn(fetched.mock.calls))
    for (const payload of [1, 2]) await keeper.ask('PUBLISH', { channel_name: 'chat', payload })
    at.proxy.go()
    await until(() => heard.length >= 2, 'what was missed')
    expect(heard).toEqual([
      [1, true],
      [2, true],
    ])
    expect(subscribed).toHaveBeenLastCalledWith({ recovered: true, replayed: 2 })
    expect(ann.id).not.toBe(before)
    expect(closes[0]).toMatchObject({ code: 1006, wasConnected: true, comesBack: true })
  })

  test('a disconnect is told to the hub at once, behind what was published before', async () => {
    await using at = await start()
    const ann = page(at.proxy, 'ann')
    await ann.ready
    const keeper = await at.hub.page('keeper')
    await keeper.ask('SUBSCRIBE', { channel_name: 'chat' })
    ann.publish('chat', 'last').catch(() => {})
    ann.disconnect()
    expect((await keeper.next('PUBLISH')).args.payload).toBe('last')
    await until(() => at.hub.app.calls('disconnect').length > 0, 'the disconnect webhook')
    expect(at.hub.log).toContain('"code":1000,"reason":"disconnected"')
  })

  test('a connect that the application refuses ends it', async () => {
    await using at = await start({ connect: [false, { error: 'sign in first' }] })
    const ann = page(at.proxy, 'ann')
    const closes: CloseEvent[] = []
    ann.on('close', (event) => closes.push(event))
    await expect(ann.ready).rejects.toMatchObject({ code: 'unauthorized', message: 'sign in first' })
    expect(closes).toEqual([
      { code: 4401, reason: 'sign in first', wasClean: true, wasConnected: false, comesBack: false },
    ])
    expect(ann.status).toBe('closed')
    expect(at.hub.app.calls('connect')).toHaveLength(1)
  })

  test('a user whom REST disconnects is told why and does not come back', async () => {
    await using at = await start()
    const ann = page(at.proxy, 'ann')
    await ann.ready
    const closed = new Promise<CloseEvent>((resolve) => ann.on('close', resolve))
    await at.hub.rest('disconnect_user', { user_name: 'ann' })
    expect(await within(closed, 'the close')).toMatchObject({ code: 4403, comesBack: false })
    expect(ann.status).toBe('closed')
  })

  test('a hub that stops says so, and its pages come back to the next one', async () => {
    await using at = await start()
    const ann = page(at.proxy, 'ann')
    const statuses: ConnectionStatus[] = []
    const closes: CloseEvent[] = []
    await ann.ready
    ann.on('status', ({ status }) => statuses.push(status))
    ann.on('close', (event) => closes.push(event))
    await using next = await RunningHub.start()
    const stopped = at.hub.hookbox.close()
    at.proxy.lead(Number(new URL(next.url).port))
    await stopped
    await until(() => ann.status === 'connected' && closes.length > 0, 'the page to be back')
    // between two polls there is nothing to say it by
    expect(closes[0]?.code).toBeOneOf(way === 'long polling' ? [4503, 1006] : [4503])
    expect(next.app.calls('connect')).toHaveLength(1)
  })

  test('taking a channel up again right after leaving it is in order', async () => {
    await using at = await start({ create_channel: [true, { history_size: 5 }] })
    const ann = page(at.proxy, 'ann')
    const first = ann.subscribe('chat')
    await first.ready
    for (let i = 0; i < 5; i++) {
      const sub = ann.subscribe('chat')
      await sub.ready
      await Promise.all([first.cancel(), sub.cancel()])
      const again = ann.subscribe('chat')
      await again.ready
      expect(again.status).toBe('subscribed')
      await expect(again.publish(i)).resolves.toMatchObject({ duplicate: false })
    }
  })
})
