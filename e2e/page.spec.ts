import { type HubProcess, startHubProcess, startWebApplication } from '@hookbox/testkit'
import type { Page } from '@playwright/test'
import { expect, test } from './fixtures.ts'

const secret = 'the secret of the REST interface'

/** A page without content: what it is told stands in `told`, and its connection in `conn`. */
const html = (hub: HubProcess) => `<!doctype html>
  <title>Page</title>
  <script src="${hub.url}/static/hookbox.js"></script>
  <script>
    const told = []
    const note = (what) => (...args) => told.push([what, ...args])
    const conn = hookbox.connect('${hub.url}', { payload: { name: location.search.slice(1) } })
    conn.on('message', ({ sender, payload }) => told.push(['message', sender, payload]))
    conn.on('subscribed', (sub) => {
      told.push(['subscribed', sub.channelName, sub.state, sub.initialData])
      sub.on('publish', ({ user, payload }) => told.push(['publish', user, payload]))
    })
    conn.on('unsubscribed', note('unsubscribed'))
    conn.on('close', ({ code, comesBack }) => told.push(['close', code, comesBack]))
  </script>`

async function startHub(replies: Parameters<typeof startWebApplication>[0]) {
  const app = await startWebApplication(replies)
  const hub = await startHubProcess(['--cbhost', '127.0.0.1', '--cbport', `${app.port}`, '-r', secret])
  return {
    app,
    hub,
    async rest(method: string, fields: Record<string, string>) {
      const body = new URLSearchParams({ ...fields, security_token: secret })
      const response = await fetch(`${hub.url}/rest/${method}`, { method: 'POST', body })
      expect(await response.json()).toEqual([true, expect.anything()])
    },
    async [Symbol.asyncDispose]() {
      await hub[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** Opens the page as somebody, and waits until it is connected. */
async function enter(openPage: (url: string) => Promise<Page>, url: string, name: string) {
  const page = await openPage(`${url}/?${name}`)
  await page.evaluate('conn.ready')
  return {
    page,
    do: (script: string) => page.evaluate(script),
    told: (expected: readonly unknown[]) => expect.poll(() => page.evaluate('told')).toEqual(expected),
  }
}

test('private messages between two pages, which the application may rewrite or refuse', async ({
  servePage,
  openPage,
}) => {
  await using hub = await startHub({
    message: ({ payload }) =>
      payload === '"cheat"' ? [false, { error: 'no cheating' }] : [true, { override_payload: { card: payload } }],
  })
  const url = await servePage(html(hub.hub))
  const [ann, bob] = [await enter(openPage, url, 'ann'), await enter(openPage, url, 'bob')]
  await ann.do(`conn.message('bob', 7)`)
  await bob.told([['message', 'ann', { card: '7' }]])
  // the sender has a copy
  await ann.told([['message', 'ann', { card: '7' }]])
  await expect(bob.do(`conn.message('ann', 'cheat')`)).rejects.toThrow('no cheating')
  await hub.rest('message', { sender_name: 'dealer', recipient_name: 'ann', payload: '{"hand":["A"]}' })
  await ann.told([
    ['message', 'ann', { card: '7' }],
    ['message', 'dealer', { hand: ['A'] }],
  ])
})

test("a channel's state that REST changes arrives as updates and deletes", async ({ servePage, openPage }) => {
  await using hub = await startHub({ create_channel: [true, { state: { turn: 'ann', pile: [7] } }] })
  const ann = await enter(openPage, await servePage(html(hub.hub)), 'ann')
  await ann.do(`
    globalThis.table = conn.subscribe('table')
    table.ready.then(() => table.on('state', (state, change) => told.push([state, change])))`)
  expect(await ann.do('table.state')).toEqual({ turn: 'ann', pile: [7] })
  await hub.rest('state_set_key', { channel_name: 'table', key: 'turn', val: '"bob"' })
  await hub.rest('state_delete_key', { channel_name: 'table', key: 'pile' })
  await hub.rest('set_channel_options', { channel_name: 'table', state: '{"round":2}' })
  await ann.told([
    [
      { turn: 'bob', pile: [7] },
      { updates: { turn: 'bob' }, deletes: [] },
    ],
    [{ turn: 'bob' }, { updates: {}, deletes: ['pile'] }],
    [{ round: 2 }, { updates: { round: 2 }, deletes: ['turn'] }],
  ])
})

test('a subscription made by REST arrives as subscribed, is a live one, and ends by REST', async ({
  servePage,
  openPage,
}) => {
  await using hub = await startHub({
    subscribe: [true, { initial_data: { seat: 2 } }],
    // kept, so that there is something to be heard too late
    destroy_channel: [false, {}],
  })
  const ann = await enter(openPage, await servePage(html(hub.hub)), 'ann')
  await hub.rest('create_channel', { channel_name: 'room', state: '{"open":true}' })
  await hub.rest('subscribe', { channel_name: 'room', name: 'ann', send_hook: '1' })
  await ann.told([['subscribed', 'room', { open: true }, { seat: 2 }]])
  await hub.rest('publish', { channel_name: 'room', payload: '"hello"', originator: 'bob' })
  await hub.rest('unsubscribe', { channel_name: 'room', name: 'ann' })
  await hub.rest('publish', { channel_name: 'room', payload: '"too late"' })
  await ann.told([
    ['subscribed', 'room', { open: true }, { seat: 2 }],
    ['publish', 'bob', 'hello'],
    ['unsubscribed', { channel: 'room', reason: 'removed' }],
  ])
})

test('options that REST changes reach a page that is in the channel, without a gap', async ({
  servePage,
  openPage,
}) => {
  await using hub = await startHub({ create_channel: [true, { history_size: 5 }] })
  const ann = await enter(openPage, await servePage(html(hub.hub)), 'ann')
  await ann.do(`
    globalThis.chat = conn.subscribe('chat')
    chat.on('publish', ({ payload }) => told.push(payload))
    chat.on('gap', () => told.push('gap'))
    chat.on('presence', (users) => told.push(users))
    chat.ready.then(() => chat.publish('a'))`)
  await hub.rest('set_channel_options', { channel_name: 'chat', presenceful: 'true', history_size: '2' })
  await hub.rest('publish', { channel_name: 'chat', payload: '"b"' })
  await ann.told(['a', ['ann'], 'b'])
  expect(await ann.do('[chat.historySize, chat.presenceful, chat.history.map(([, { payload }]) => payload)]')).toEqual([
    2,
    true,
    ['a', 'b'],
  ])
})

test('a user whom REST disconnects is out for good, on every page', async ({ servePage, openPage }) => {
  await using hub = await startHub({})
  const url = await servePage(html(hub.hub))
  const tabs = [await enter(openPage, url, 'ann'), await enter(openPage, url, 'ann')]
  const bob = await enter(openPage, url, 'bob')
  await hub.rest('disconnect_user', { user_name: 'ann' })
  for (const tab of tabs) {
    await tab.told([['close', 4403, false]])
    expect(await tab.do('conn.status')).toBe('closed')
    await expect(tab.do(`conn.publish('chat', 1)`)).rejects.toThrow('closed')
  }
  expect(await bob.do('conn.status')).toBe('connected')
  expect(hub.app.calls('connect')).toHaveLength(3)
})

test('a page that checks payloads is told what it leaves out, and everything goes on', async ({
  servePage,
  openPage,
}) => {
  await using hub = await startHub({ create_channel: [true, { history_size: 5 }] })
  const ann = await enter(openPage, await servePage(html(hub.hub)), 'ann')
  await ann.do(`{
    const parse = (payload) => {
      if (typeof payload !== 'string') throw new Error('expected a text')
      return payload.toUpperCase()
    }
    const chat = conn.subscribe('chat', { parse })
    chat.on('publish', ({ payload }) => told.push(['publish', payload, chat.history.length]))
    chat.on('error', ({ code, message }) => told.push(['error', code, message]))
    chat.ready
  }`)
  for (const payload of ['"a"', '7', '"b"']) await hub.rest('publish', { channel_name: 'chat', payload })
  // the history has ann's coming, too
  await ann.told([
    ['publish', 'A', 2],
    ['error', 'bad_request', 'payload: Error: expected a text'],
    ['publish', 'B', 3],
  ])
})
