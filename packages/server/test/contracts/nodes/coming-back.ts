import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import {
  comeBack,
  comings,
  enter,
  heard,
  holdEntering,
  Nodes,
  type NodesSetup,
  publish,
  rest,
  subscribe,
  unsubscribe,
  visit,
} from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10 }
const linger = 15_000

export function comingBack(setup: NodesSetup): void {
  const begin = (answers: Parameters<typeof Nodes.begin>[1] = {}) =>
    Nodes.begin(setup, { create_channel: room, ...answers }, { linger })

  describe('a page that was cut on one node and is back on another in time', () => {
    test('was never gone: no webhook, no presence frame, and it has missed nothing', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.a, 'bob')
      const ann = await visit(nodes.a, 'ann', 'session=ann')
      const { position } = await subscribe(ann.page)
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann']))
      nodes.calls.length = 0
      ann.page.cut()
      await rest(nodes.b, 'publish', { channel_name: 'chat', payload: 'meanwhile' })
      await nodes.advance(linger - 1)
      const back = await comeBack(nodes.b, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true, missed: 1 })
      expect(heard(back.page)).toEqual(['meanwhile'])
      await nodes.advance(10 * linger)
      expect(nodes.calls).toEqual([])
      expect(comings(watcher)).toEqual(['+ann'])
      expect((await nodes.a.hub.application.info()).connections.sort()).toEqual(
        [watcher.connection.id, back.page.connection.id].sort(),
      )
      expect((await nodes.a.hub.application.userInfo('ann')).connections).toEqual([back.page.connection.id])
    })

    test('has its private messages, too', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      ann.page.cut()
      expect(await rest(nodes.b, 'message', { sender_name: 'x', recipient_name: 'ann', payload: 1 })).toEqual({
        delivered: 0,
      })
      const { page, connected } = await comeBack(nodes.b, ann)
      expect(connected.messages).toMatchObject({ recovered: true, missed: 1 })
      await nodes.eventually(() => expect(page.all('MESSAGE')).toMatchObject([{ payload: 1 }]))
      await rest(nodes.a, 'message', { sender_name: 'x', recipient_name: 'ann', payload: 2 })
      await nodes.eventually(() => expect(page.all('MESSAGE')).toMatchObject([{ payload: 1 }, { payload: 2 }]))
    })

    test('also where it shows no ticket was never gone from its channels', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.a, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut()
      await nodes.advance(linger - 1)
      await enter(nodes.b, 'ann')
      await nodes.advance(10 * linger)
      expect(comings(watcher)).toEqual(['+ann'])
      expect(nodes.asked('subscribe')).toHaveLength(2)
      expect(nodes.asked('unsubscribe')).toEqual([])
      expect(nodes.asked('disconnect')).toEqual([])
    })

    test('ends the line that it had on the other node, should that one still seem open', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.a, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      const back = await comeBack(nodes.b, ann)
      await subscribe(back.page, 'chat', position)
      await nodes.eventually(() =>
        expect(ann.page.end).toEqual({ code: 4504, reason: 'the page is back on another line' }),
      )
      await nodes.advance(10 * linger)
      expect((await nodes.a.hub.application.userInfo('ann')).connections).toEqual([back.page.connection.id])
      expect(comings(watcher)).toEqual(['+ann'])
      expect(nodes.asked('unsubscribe')).toEqual([])
      await publish(back.page, 'once')
      await nodes.eventually(() => expect(heard(watcher)).toEqual(['once']))
      expect(heard(ann.page)).toEqual([])
    })

    test('is given again what it was given, from where it stood, and not what it asked for', async () => {
      await using nodes = await begin({ connect: { name: 'ann', auto_subscribe: ['news'] } })
      const ann = await visit(nodes.a, 'ann')
      await nodes.eventually(() => expect(ann.page.all('SUBSCRIBED')).toHaveLength(1))
      await subscribe(ann.page, 'asked')
      await rest(nodes.b, 'create_channel', { channel_name: 'by REST', ...room })
      await rest(nodes.b, 'subscribe', { channel_name: 'by REST', name: 'ann' })
      await nodes.eventually(() => expect(ann.page.all('SUBSCRIBED')).toHaveLength(3))
      const since = Object.fromEntries(
        ann.page.all('SUBSCRIBED').map(({ channel_name, position }) => [channel_name, position]),
      )
      ann.page.cut()
      await rest(nodes.b, 'publish', { channel_name: 'news', payload: 'new' })
      nodes.calls.length = 0
      const { page } = await comeBack(nodes.b, ann, { news: since.news ?? '', 'by REST': since['by REST'] ?? '' })
      await nodes.eventually(() => expect(page.all('SUBSCRIBED')).toHaveLength(2))
      await nodes.quiet()
      expect(
        page.all('SUBSCRIBED').sort((one, other) => (one.channel_name < other.channel_name ? -1 : 1)),
      ).toMatchObject([
        { channel_name: 'by REST', recovered: true, missed: 0 },
        { channel_name: 'news', recovered: true, missed: 1 },
      ])
      expect(heard(page)).toEqual(['new'])
      expect(nodes.calls).toEqual([])
      await nodes.advance(linger)
      expect((await nodes.a.hub.application.userInfo('ann')).channels.sort()).toEqual(['by REST', 'news'])
    })

    test('is given what the old line was about to be given, although the other node has its answer', async () => {
      const made = deferred<unknown>()
      await using nodes = await begin({
        connect: { name: 'ann', auto_subscribe: ['news'] },
        create_channel: () => made.promise,
      })
      const ann = await visit(nodes.a, 'ann')
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      const coming = comeBack(nodes.b, ann)
      coming.catch(() => {})
      await nodes.quiet()
      made.resolve(room)
      const { page } = await coming
      await nodes.eventually(() => expect(page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news' }]))
      expect(ann.page.all('SUBSCRIBED')).toEqual([])
      await nodes.advance(linger)
      expect((await nodes.a.hub.application.channelInfo('news')).subscribers).toEqual(['ann'])
      expect((await nodes.a.hub.application.userInfo('ann')).connections).toEqual([page.connection.id])
    })

    test('is told of what was taken from it meanwhile', async () => {
      await using nodes = await begin({ connect: { name: 'ann', auto_subscribe: ['news'] } })
      const ann = await visit(nodes.a, 'ann')
      await nodes.eventually(() => expect(ann.page.all('SUBSCRIBED')).toHaveLength(1))
      const since = { news: ann.page.all('SUBSCRIBED')[0]?.position ?? '' }
      ann.page.cut()
      await rest(nodes.b, 'unsubscribe', { channel_name: 'news', name: 'ann' })
      const { page } = await comeBack(nodes.b, ann, since)
      const told = [{ channel_name: 'news', reason: 'removed' }]
      await nodes.eventually(() => expect(page.all('UNSUBSCRIBED')).toEqual(told))
      expect(page.all('SUBSCRIBED')).toEqual([])
    })

    test('leaves at once what it unsubscribes from, although its broken line still lingers', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.a, 'bob')
      const ann = await visit(nodes.a, 'ann')
      await subscribe(ann.page)
      ann.page.cut()
      const { page } = await comeBack(nodes.b, ann)
      await unsubscribe(page)
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
      expect(nodes.asked('unsubscribe')).toHaveLength(1)
    })

    test('leaves at once what it unsubscribes from, also when its broken lines are on several nodes', async () => {
      await using nodes = await begin()
      const c = await nodes.join()
      const watcher = await enter(nodes.a, 'bob')
      const ann = await visit(nodes.a, 'ann')
      await subscribe(ann.page)
      ann.page.cut()
      const second = await comeBack(nodes.b, ann)
      second.page.cut()
      const { page } = await comeBack(c, second)
      await unsubscribe(page)
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
      expect(nodes.asked('unsubscribe')).toHaveLength(1)
    })

    test('is not left in a channel that its old line was about to enter, and the application knows', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const entering = holdEntering(nodes.a)
      ann.page.say('SUBSCRIBE', { channel_name: 'chat' })
      await entering.begun
      ann.page.cut()
      await comeBack(nodes.b, ann)
      await nodes.quiet()
      entering.arrive()
      await nodes.advance(10 * linger)
      expect((await nodes.b.hub.application.channelInfo('chat')).subscribers).toEqual(['bob'])
      expect(comings(watcher).slice(-1)).not.toEqual(['+ann'])
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
    })

    test('is not left in a channel that its old line was about to enter as that node died', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const entering = holdEntering(nodes.a)
      ann.page.say('SUBSCRIBE', { channel_name: 'chat' })
      const sentOff = await entering.begun
      await comeBack(nodes.b, ann)
      await nodes.b.broker.presence.enter(...sentOff)
      await nodes.crash(nodes.a)
      await nodes.advance(10 * linger)
      await nodes.eventually(async () =>
        expect((await nodes.b.hub.application.channelInfo('chat')).subscribers).toEqual(['bob']),
      )
      await nodes.eventually(() => expect(comings(watcher).slice(-1)).not.toEqual(['+ann']))
    })

    test('leaves everything at once when it disconnects', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      await subscribe(ann.page)
      ann.page.cut()
      const { page } = await comeBack(nodes.b, ann)
      page.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      expect(nodes.actions().slice(-3).sort()).toEqual(['destroy_channel', 'disconnect', 'unsubscribe'])
      await nodes.advance(linger)
      expect(nodes.asked('disconnect')).toHaveLength(1)
      expect((await nodes.a.hub.application.info()).users).toEqual([])
    })

    test('goes on with the cookies that webhooks have set there', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann', 'session=1')
      ann.page.connection.caller.setCookies(['hidden=1; HttpOnly'])
      ann.page.cut()
      const { page } = await comeBack(nodes.b, ann)
      await subscribe(page)
      expect(nodes.asked('subscribe')[0]?.cookies).toBe('session=1; hidden=1')
    })

    test('keeps the deadline that the application named, and is asked about after it', async () => {
      await using nodes = await begin({ connect: { name: 'ann', expires_in: 10 } })
      const ann = await visit(nodes.a, 'ann')
      await nodes.advance(4_000)
      ann.page.cut()
      const back = await comeBack(nodes.b, ann)
      await nodes.advance(5_999)
      expect(nodes.asked('connect')).toHaveLength(1)
      await nodes.advance(1)
      await nodes.eventually(() =>
        expect(nodes.asked('connect').map(({ fields }) => fields.reason)).toEqual([undefined, 'expired']),
      )
      await nodes.quiet()
      back.page.cut()
      await nodes.advance(10_000)
      await comeBack(nodes.a, back)
      expect(nodes.asked('connect')).toHaveLength(3)
    })
  })

  test('a page may hop from node to node, and is the same page all the way', async () => {
    await using nodes = await begin({ connect: { name: 'ann', auto_subscribe: ['news'] } })
    const c = await nodes.join()
    const watcher = await enter(nodes.a, 'ann', 'lobby')
    await nodes.eventually(() => expect(watcher.all('SUBSCRIBED')).toHaveLength(2))
    let at = await visit(nodes.a, 'x')
    await nodes.eventually(() => expect(at.page.all('SUBSCRIBED')).toHaveLength(1))
    nodes.calls.length = 0
    let position = at.page.all('SUBSCRIBED')[0]?.position ?? ''
    for (const node of [nodes.b, c, nodes.a, nodes.a, c, nodes.b]) {
      at.page.cut()
      await rest(node, 'publish', { channel_name: 'news', payload: 'hop' })
      at = await comeBack(node, at, { news: position })
      await nodes.eventually(() => expect(at.page.all('SUBSCRIBED')).toMatchObject([{ recovered: true, missed: 1 }]))
      position = at.page.all('SUBSCRIBED')[0]?.position ?? ''
    }
    at.page.cut()
    at = await comeBack(c, at)
    at.page.cut()
    at = await comeBack(nodes.a, at)
    await nodes.advance(2 * linger)
    expect(nodes.calls).toEqual([])
    expect((await c.hub.application.userInfo('ann')).connections.sort()).toEqual(
      [watcher.connection.id, at.page.connection.id].sort(),
    )
    expect([...at.page.connection.channels]).toEqual(['news'])
  })

  describe('a ticket', () => {
    test('is used once, whichever nodes it is shown to at the same moment', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      ann.page.cut()
      await Promise.all([comeBack(nodes.a, ann), comeBack(nodes.b, ann), comeBack(nodes.b, ann)])
      expect(nodes.asked('connect')).toHaveLength(3)
    })

    test.each([
      ['other cookies', { cookies: 'session=2' }],
      ['another payload', { name: 'bob' }],
    ])('with %s is void from then on, and the application is asked', async (_what, other) => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann', 'session=1')
      ann.page.cut()
      await comeBack(nodes.b, { ...ann, ...other })
      expect(nodes.asked('connect')).toHaveLength(2)
      await comeBack(nodes.a, ann)
      expect(nodes.asked('connect')).toHaveLength(3)
    })

    test('is void after linger', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      ann.page.cut()
      await nodes.advance(linger)
      await comeBack(nodes.b, ann)
      expect(nodes.asked('connect')).toHaveLength(2)
    })

    test.each([
      ['disconnect_user on another node', 'disconnect_user'],
      ['disconnect on another node', 'disconnect'],
    ])('is void after %s', async (_what, verb) => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      const fields = verb === 'disconnect' ? { identifier: ann.page.connection.id } : { user_name: 'ann' }
      await rest(nodes.b, verb, fields)
      await nodes.eventually(() => expect(ann.page.end?.code).toBe(4403))
      await nodes.eventually(async () => expect((await nodes.b.hub.application.info()).users).toEqual([]))
      await comeBack(nodes.b, ann)
      expect(nodes.asked('connect')).toHaveLength(2)
    })
  })

  test('a crowd whose lines break on one node and who are back on another cause no webhook and no presence frame', async () => {
    await using nodes = await begin()
    const watcher = await enter(nodes.b, 'watcher')
    const names = Array.from({ length: nodes.crowd }, (_, n) => `user ${n}`)
    const pages = await inGroups(names, async (name) => {
      const before = await visit(nodes.a, name)
      return { before, position: (await subscribe(before.page)).position }
    })
    await nodes.eventually(() => expect(comings(watcher)).toHaveLength(nodes.crowd))
    await watcher.news()
    nodes.calls.length = 0
    for (const { before } of pages) before.page.cut()
    await nodes.advance(linger - 1)
    const backs = await inGroups(pages, async ({ before, position }) => {
      const { page } = await comeBack(nodes.b, before)
      expect(await subscribe(page, 'chat', position)).toMatchObject({ recovered: true })
      return page
    })
    await nodes.advance(2 * linger)
    expect(nodes.calls).toEqual([])
    expect(await watcher.news()).toEqual([])
    expect((await nodes.a.hub.application.channelInfo('chat')).subscribers).toHaveLength(nodes.crowd + 1)
    expect((await nodes.a.hub.application.info()).connections).toHaveLength(nodes.crowd + 1)
    expect(backs.every(({ end }) => end === undefined)).toBe(true)
  }, 60_000)
}

/** Does the same with all of them, a hundred at a time. */
async function inGroups<T, R>(all: readonly T[], task: (one: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (let at = 0; at < all.length; at += 100) done.push(...(await Promise.all(all.slice(at, at + 100).map(task))))
  return done
}
