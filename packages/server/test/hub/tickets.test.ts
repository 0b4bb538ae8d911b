import { settle } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse, TestHub, type TestPage } from '../kit/hub.ts'

const room = { presenceful: true, history_size: 10 }
const linger = 15_000

/** A page that knows what a real one would show when it is back. */
async function arrive(hub: TestHub, name: string, cookies?: string) {
  const page = hub.stranger(cookies)
  const { ticket } = await page.ask('CONNECT', { payload: { name } })
  return { page, ticket }
}

/** Back on a new line, with what it showed before. */
async function comeBack(
  hub: TestHub,
  { ticket, name, cookies, ...more }: { ticket: unknown; name: string; cookies?: string; [field: string]: unknown },
) {
  const page = hub.stranger(cookies)
  return { page, connected: await page.ask('CONNECT', { payload: { name }, ticket, ...more }) }
}

const actions = (hub: TestHub) => hub.calls.map(({ action }) => action)

describe('a page that shows its ticket', () => {
  test('is back without a question, under its name, with the payload that the application had for it', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', override_payload: 'welcome' } }, { linger })
    const { page, ticket } = await arrive(hub, 'x', 'session=1')
    page.cut()
    const { connected } = await comeBack(hub, { ticket, name: 'x', cookies: 'session=1' })
    expect(connected).toMatchObject({ name: 'ann', payload: 'welcome' })
    expect(actions(hub)).toEqual(['connect'])
  })

  test('causes no webhook and no presence frame, however many come back at once', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const watcher = await hub.page('watcher')
    await watcher.ask('SUBSCRIBE', { channel_name: 'chat' })
    const pages: { page: TestPage; ticket: unknown; since: unknown; name: string }[] = []
    for (let n = 0; n < 1_000; n++) {
      const name = `user ${n}`
      const { page, ticket } = await arrive(hub, name)
      pages.push({ page, ticket, name, since: (await page.ask('SUBSCRIBE', { channel_name: 'chat' })).position })
    }
    hub.calls.length = 0
    await watcher.news()
    for (const { page } of pages) page.cut()
    await hub.clock.advance(linger - 1)
    for (const { ticket, name, since } of pages) {
      const back = hub.stranger()
      back.say('CONNECT', { payload: { name }, ticket })
      back.say('SUBSCRIBE', { channel_name: 'chat', since })
      await settle()
      expect(back.frames.map((frame) => frame.name).slice(0, 2)).toEqual(['CONNECTED', 'SUBSCRIBED'])
    }
    await hub.clock.advance(10 * linger)
    expect(hub.calls).toEqual([])
    expect(await watcher.news()).toEqual([])
    expect((await hub.hub.application.channelInfo('chat')).subscribers).toHaveLength(1_001)
  }, 60_000)

  test('gets another ticket, and each can be shown once', async () => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    page.cut()
    const first = await comeBack(hub, { ticket, name: 'ann' })
    expect(first.connected.ticket).not.toBe(ticket)
    expect(hub.asked('connect')).toHaveLength(1)
    await comeBack(hub, { ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(2)
    first.page.cut()
    await comeBack(hub, { ticket: first.connected.ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(2)
  })

  test.each([
    ['other cookies', { cookies: 'session=2' }],
    ['no cookies', { cookies: undefined }],
    ['another payload', { name: 'bob' }],
  ])('but %s is asked about', async (_what, other) => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann', 'session=1')
    page.cut()
    await comeBack(hub, { ticket, name: 'ann', cookies: 'session=1', ...other } as Parameters<typeof comeBack>[1])
    expect(hub.asked('connect')).toHaveLength(2)
    await comeBack(hub, { ticket, name: 'ann', cookies: 'session=1' })
    expect(hub.asked('connect')).toHaveLength(3)
  })

  test('may show the cookies in another order, or as a webhook has set them since', async () => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann', 'a=1; session=1')
    page.cut()
    const second = await comeBack(hub, { ticket, name: 'ann', cookies: 'session=1; a=1' })
    second.page.connection.caller.setCookies(['session=2', 'hidden=1; HttpOnly'])
    second.page.cut()
    const third = await comeBack(hub, {
      ticket: second.connected.ticket,
      name: 'ann',
      cookies: 'hidden=1; session=2; a=1',
    })
    third.page.cut()
    await comeBack(hub, { ticket: third.connected.ticket, name: 'ann', cookies: 'a=1; session=2; hidden=1' })
    expect(hub.asked('connect')).toHaveLength(1)
  })

  test('goes on with the cookies that webhooks have set and the browser cannot be told', async () => {
    await using hub = new TestHub({ create_channel: { moderated_publish: true } }, { linger })
    const { page, ticket } = await arrive(hub, 'ann', 'session=1')
    page.connection.caller.setCookies(['hidden=1; HttpOnly'])
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann', cookies: 'session=1' })
    await back.page.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    expect(hub.asked('publish')[0]?.cookies).toBe('session=1; hidden=1')
  })

  test('after the linger time is asked about, as everybody else', async () => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    page.cut()
    await hub.clock.advance(linger)
    await comeBack(hub, { ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(2)
  })

  test('after the deadline that the application named is asked about, and in time keeps that deadline', async () => {
    await using hub = new TestHub({ connect: { name: 'ann', expires_in: 10 } }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    await hub.clock.advance(4_000)
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(1)
    await hub.clock.advance(5_999)
    expect(hub.asked('connect')).toHaveLength(1)
    await hub.clock.advance(1)
    expect(hub.asked('connect').map(({ fields }) => fields.reason)).toEqual([undefined, 'expired'])
    back.page.cut()
    await hub.clock.advance(10_000)
    await comeBack(hub, { ticket: back.connected.ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(3)
  })

  test.each([
    ['disconnect_user', (hub: TestHub) => hub.hub.application.disconnectUser('ann')],
    ['disconnect', (hub: TestHub, page: TestPage) => hub.hub.application.disconnect(page.connection.id)],
    ['the page itself, when it disconnects', (_hub: TestHub, page: TestPage) => page.cut(1000)],
    ['any close that is for good', (_hub: TestHub, page: TestPage) => page.close(4400, 'malformed')],
  ])('finds it void after %s', async (_how, end) => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    end(hub, page)
    await comeBack(hub, { ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(2)
  })

  test('finds it void also while its line has not yet agreed to be closed', async () => {
    await using hub = new TestHub({}, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    page.close = (code, reason) => {
      page.end = { code, reason }
    }
    await hub.hub.application.disconnectUser('ann')
    await comeBack(hub, { ticket, name: 'ann' })
    expect(hub.asked('connect')).toHaveLength(2)
  })

  test('finds it void when the application, asked again, gave it another name', async () => {
    let name = 'ann'
    await using hub = new TestHub({ connect: () => ({ name, expires_in: 5 }) }, { linger })
    const { page, ticket } = await arrive(hub, 'x')
    name = 'bob'
    await hub.clock.advance(5_000)
    expect(page.end?.code).toBe(4500)
    const { connected } = await comeBack(hub, { ticket, name: 'x' })
    expect(connected.name).toBe('bob')
  })

  test('ends the line that it had before, should that one still seem open', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    const { position } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    const back = await comeBack(hub, { ticket, name: 'ann' })
    await back.page.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
    expect(page.end).toEqual({ code: 4504, reason: 'the page is back on another line' })
    expect((await hub.hub.application.info()).connections).toEqual([back.page.connection.id])
    await hub.clock.advance(linger)
    expect(hub.asked('unsubscribe')).toEqual([])
    expect((await hub.hub.application.userInfo('ann')).connections).toEqual([back.page.connection.id])
  })

  test('that is made up is asked about', async () => {
    await using hub = new TestHub({ connect: refuse('who?') }, { linger })
    await expect(comeBack(hub, { ticket: 'f'.repeat(32), name: 'ann' })).rejects.toThrow('who?')
  })
})

describe('what a page that is back had asked for', () => {
  test('it leaves at once when it unsubscribes, although its broken line still lingers', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const bob = await hub.page('bob')
    await bob.ask('SUBSCRIBE', { channel_name: 'chat' })
    const { page, ticket } = await arrive(hub, 'ann')
    const { position } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    await back.page.ask('SUBSCRIBE', { channel_name: 'chat', since: position })
    await back.page.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('unsubscribe')).toHaveLength(1)
    expect(bob.all('UNSUBSCRIBE')).toMatchObject([{ user: 'ann' }])
  })

  test('it leaves at once also when it gave it back while it was away, through however many broken lines', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    const { position } = await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    page.cut()
    const second = await comeBack(hub, { ticket, name: 'ann' })
    second.page.cut()
    const third = await comeBack(hub, { ticket: second.connected.ticket, name: 'ann', since: { chat: position } })
    await third.page.ask('UNSUBSCRIBE', { channel_name: 'chat' })
    expect(hub.asked('unsubscribe')).toHaveLength(1)
    expect((await hub.hub.application.info()).channels).toEqual([])
  })

  test('it leaves at once when it disconnects, although its broken line still lingers', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    back.page.cut(1000)
    await settle()
    expect(actions(hub).slice(-3)).toEqual(['unsubscribe', 'destroy_channel', 'disconnect'])
    expect((await hub.hub.application.info()).users).toEqual([])
  })

  test('it is not in again by itself: what it cancelled meanwhile ends with the linger time', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    await page.ask('SUBSCRIBE', { channel_name: 'chat' })
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    expect(back.page.all('SUBSCRIBED')).toEqual([])
    await hub.clock.advance(linger)
    expect(hub.asked('unsubscribe')).toHaveLength(1)
    expect((await hub.hub.application.userInfo('ann')).channels).toEqual([])
  })
})

describe('what a page that is back was given', () => {
  const given = { connect: { name: 'ann', auto_subscribe: ['news'] }, create_channel: room }

  test('is restored from its position, with what it missed and without a question', async () => {
    await using hub = new TestHub(given, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    const position = page.all('SUBSCRIBED')[0]?.position
    page.cut()
    await hub.hub.application.publish('news', { payload: 1, originator: null, messageId: undefined } as never)
    hub.calls.length = 0
    const back = await comeBack(hub, { ticket, name: 'ann', since: { news: position } })
    expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news', recovered: true, missed: 1 }])
    expect(back.page.all('PUBLISH')).toMatchObject([{ payload: 1 }])
    expect(hub.calls).toEqual([])
  })

  test('is restored also when the connect had to be asked again', async () => {
    await using hub = new TestHub(given, { linger })
    const { page } = await arrive(hub, 'ann')
    const position = page.all('SUBSCRIBED')[0]?.position
    page.cut()
    await hub.hub.application.publish('news', { payload: 1, originator: null, messageId: undefined } as never)
    const back = await comeBack(hub, { ticket: undefined, name: 'ann', since: { news: position } })
    expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news', recovered: true, missed: 1 }])
  })

  test('by REST is restored', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    await hub.hub.application.createChannel('chat', room, false)
    await hub.hub.application.subscribeUser('chat', 'ann', false)
    const position = page.all('SUBSCRIBED')[0]?.position
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann', since: { chat: position } })
    expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'chat', recovered: true, missed: 0 }])
  })

  test('is restored also where the line broke before the page could be told', async () => {
    let made = (_details: unknown) => {}
    const slow = { ...given, create_channel: () => new Promise((resolve) => (made = resolve)) }
    await using hub = new TestHub(slow, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    made(room)
    await settle()
    expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news' }])
  })

  test('and has left since, is not given again', async () => {
    await using hub = new TestHub(given, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    await page.ask('UNSUBSCRIBE', { channel_name: 'news' })
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    expect(back.page.all('SUBSCRIBED')).toEqual([])
  })

  test('and was taken from it while its line was broken, it is told', async () => {
    await using hub = new TestHub(given, { linger })
    const { page, ticket } = await arrive(hub, 'ann')
    const position = page.all('SUBSCRIBED')[0]?.position
    page.cut()
    await hub.hub.application.unsubscribeUser('news', 'ann', false)
    const back = await comeBack(hub, { ticket, name: 'ann', since: { news: position } })
    expect(back.page.all('UNSUBSCRIBED')).toEqual([{ channel_name: 'news', reason: 'removed' }])
    expect(back.page.all('SUBSCRIBED')).toEqual([])
  })

  test('and nothing is known of any more, it is told, but of what it asks for itself', async () => {
    await using hub = new TestHub({ create_channel: room }, { linger })
    const page = hub.stranger()
    const since = { given: `${'0'.repeat(32)}:7`, asked: `${'0'.repeat(32)}:7` }
    page.say('CONNECT', { payload: { name: 'ann' }, since })
    page.say('SUBSCRIBE', { channel_name: 'asked', since: since.asked })
    await settle()
    expect(page.all('UNSUBSCRIBED')).toEqual([{ channel_name: 'given', reason: 'removed' }])
    expect(page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'asked', recovered: false }])
  })

  test('by another of its user’s connections, where they share all, is restored from its position', async () => {
    await using hub = new TestHub(
      { connect: { name: 'ann', per_connection_subscriptions: false }, create_channel: room },
      { linger },
    )
    const { page, ticket } = await arrive(hub, 'ann')
    const tab = await hub.page('ann')
    await tab.ask('SUBSCRIBE', { channel_name: 'chat' })
    const position = page.all('SUBSCRIBED')[0]?.position
    page.cut()
    await tab.ask('PUBLISH', { channel_name: 'chat', payload: 1 })
    const back = await comeBack(hub, { ticket, name: 'ann', since: { chat: position } })
    expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'chat', recovered: true, missed: 1 }])
  })
})

test('a page that breaks off again and again leaves a bounded number of broken lines behind', async () => {
  await using hub = new TestHub({ create_channel: room }, { linger })
  let { page, ticket } = await arrive(hub, 'ann')
  await page.ask('SUBSCRIBE', { channel_name: 'chat' })
  for (let n = 0; n < 100; n++) {
    page.cut()
    const back = await comeBack(hub, { ticket, name: 'ann' })
    page = back.page
    ticket = back.connected.ticket as string
  }
  expect((await hub.hub.application.userInfo('ann')).connections.length).toBeLessThanOrEqual(17)
  expect(hub.asked('connect')).toHaveLength(1)
})
