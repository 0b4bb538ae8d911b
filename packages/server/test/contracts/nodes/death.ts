import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { insideOf } from '../../kit/inside.ts'
import {
  comeBack,
  comings,
  enter,
  heard,
  type Joining,
  Nodes,
  type NodesSetup,
  publish,
  rest,
  subscribe,
  visit,
} from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10 }
const linger = 15_000
const minute = 60_000

export function deathOfNodes(setup: NodesSetup): void {
  const begin = (answers: Parameters<typeof Nodes.begin>[1] = {}, joining: Joining = {}) =>
    Nodes.begin(setup, { create_channel: room, ...answers }, { linger }, joining)

  describe('when a node dies', () => {
    test('its users linger on another one, then leave: announced once, each webhook made once', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann', 'session=ann')
      await subscribe(ann.page)
      await enter(nodes.a, 'cid', 'other')
      await nodes.crash(nodes.a)
      await nodes.quiet()
      expect((await nodes.b.hub.application.info()).connections).toEqual([watcher.connection.id])
      expect((await nodes.b.hub.application.info()).users.sort()).toEqual(['ann', 'bob', 'cid'])
      nodes.calls.length = 0
      await nodes.advance(linger - 1)
      expect(nodes.calls).toEqual([])
      expect(comings(watcher)).toEqual(['+ann'])
      await nodes.advance(1)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(2))
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
      await nodes.advance(2 * minute)
      expect(nodes.actions().sort()).toEqual([
        'destroy_channel',
        'disconnect',
        'disconnect',
        'unsubscribe',
        'unsubscribe',
      ])
      expect(nodes.calls.filter(({ fields }) => fields.user === 'ann' || fields.name === 'ann')).toMatchObject([
        { action: 'unsubscribe', cookies: 'session=ann', fields: { channel_name: 'chat' } },
        { action: 'disconnect', cookies: 'session=ann', fields: { channels: '["chat"]' } },
      ])
      expect(await nodes.b.hub.application.info()).toMatchObject({ channels: ['chat'], users: ['bob'] })
    })

    test('its pages that come back to another node in time were never gone', async () => {
      await using nodes = await begin({
        connect: ({ payload }: { payload: { name: string } }) => ({ name: payload.name, auto_subscribe: ['news'] }),
      })
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      await publish(ann.page, 'before')
      await nodes.eventually(() => expect(ann.page.all('SUBSCRIBED')).toHaveLength(2))
      const news = ann.page.all('SUBSCRIBED').find(({ channel_name }) => channel_name === 'news')?.position ?? ''
      nodes.calls.length = 0
      await nodes.crash(nodes.a)
      await nodes.advance(linger - 1)
      await rest(nodes.b, 'message', { sender_name: 'x', recipient_name: 'ann', payload: 'hand' })
      const back = await comeBack(nodes.b, ann, { news })
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true, missed: 1 })
      await nodes.eventually(() =>
        expect(
          back.page
            .all('SUBSCRIBED')
            .map(({ channel_name }) => channel_name)
            .sort(),
        ).toEqual(['chat', 'news']),
      )
      expect(back.page.all('MESSAGE')).toMatchObject([{ payload: 'hand' }])
      await nodes.advance(10 * linger)
      expect(nodes.calls).toEqual([])
      expect(comings(watcher).filter((coming) => coming !== '+ann')).toEqual([])
      expect((await nodes.b.hub.application.userInfo('ann')).connections).toEqual([back.page.connection.id])
    })

    test('a page is given on another one what it was about to be given, whether it is back or still away', async () => {
      const made = deferred<unknown>()
      await using nodes = await begin({
        connect: ({ payload }: { payload: { name: string } }) => ({ name: payload.name, auto_subscribe: ['news'] }),
        create_channel: () => made.promise,
      })
      const ann = await visit(nodes.a, 'ann')
      const bob = await visit(nodes.a, 'bob')
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      await nodes.eventually(async () => {
        const records = await Promise.all(['ann', 'bob'].map((user) => nodes.b.broker.users.find(user)))
        expect(records.map((record) => [...(record?.connections[0]?.promised ?? [])])).toEqual([['news'], ['news']])
      })
      await nodes.crash(nodes.a)
      const back = await comeBack(nodes.b, ann)
      made.resolve(room)
      await nodes.eventually(() => expect(back.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news' }]))
      await nodes.eventually(async () =>
        expect((await nodes.b.hub.application.channelInfo('news')).subscribers.sort()).toEqual(['ann', 'bob']),
      )
      const late = await comeBack(nodes.b, bob)
      await nodes.eventually(() => expect(late.page.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news' }]))
      await nodes.advance(10 * linger)
      expect((await nodes.b.hub.application.channelInfo('news')).subscribers.sort()).toEqual(['ann', 'bob'])
      const records = await Promise.all(['ann', 'bob'].map((user) => nodes.b.broker.users.find(user)))
      for (const record of records) {
        expect(record?.connections).toMatchObject([{ channels: new Map([['news', 'given']]), promised: new Set() }])
      }
    })

    test('what the application refused meanwhile is promised no more', async () => {
      const made = deferred<unknown>()
      await using nodes = await begin({
        connect: { name: 'ann', auto_subscribe: ['news'] },
        create_channel: () => made.promise,
      })
      const ann = await visit(nodes.a, 'ann')
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      made.resolve([false, {}])
      await nodes.eventually(async () =>
        expect((await nodes.b.broker.users.find('ann'))?.connections).toMatchObject([{ promised: new Set() }]),
      )
      await nodes.crash(nodes.a)
      const { page } = await comeBack(nodes.b, ann)
      await nodes.quiet()
      expect(page.all('SUBSCRIBED')).toEqual([])
      expect(nodes.asked('create_channel')).toHaveLength(1)
    })

    test('a page that comes back with its ticket before anybody has noticed was never gone', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({}, { inherits: noticed.promise })
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      nodes.calls.length = 0
      await nodes.crash(nodes.a)
      const back = await comeBack(nodes.b, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true, missed: 0 })
      noticed.resolve()
      await nodes.advance(10 * linger)
      expect(nodes.calls).toEqual([])
      expect(comings(watcher)).toEqual(['+ann'])
      expect((await nodes.b.hub.application.userInfo('ann')).connections).toEqual([back.page.connection.id])
    })

    test('a user who is back without a ticket before anybody has noticed was never gone from its channels', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({}, { inherits: noticed.promise })
      const watcher = await enter(nodes.b, 'bob')
      await enter(nodes.a, 'ann')
      await nodes.crash(nodes.a)
      await enter(nodes.b, 'ann')
      noticed.resolve()
      await nodes.advance(10 * linger)
      expect(comings(watcher)).toEqual(['+ann'])
      expect(nodes.asked('subscribe')).toHaveLength(2)
      expect(nodes.asked('unsubscribe')).toEqual([])
      expect(nodes.asked('disconnect')).toEqual([])
    })

    test('REST acts on its users before anybody has noticed', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({}, { inherits: noticed.promise })
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const cid = await visit(nodes.a, 'cid')
      for (const { page } of [ann, cid]) await subscribe(page)
      await nodes.crash(nodes.a)
      await rest(nodes.b, 'unsubscribe', { channel_name: 'chat', name: 'ann' })
      await rest(nodes.b, 'disconnect_user', { user_name: 'cid' })
      await nodes.eventually(() => expect(comings(watcher).sort()).toEqual(['+ann', '+cid', '-ann', '-cid']))
      nodes.calls.length = 0
      await comeBack(nodes.b, ann)
      await comeBack(nodes.b, cid)
      expect(nodes.asked('connect').map(({ fields }) => fields.payload)).toEqual([{ name: 'cid' }])
      noticed.resolve()
      await nodes.quiet()
    })

    test('REST lets a user in by those tabs that are there, whatever became of a dead node’s', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({}, { inherits: noticed.promise })
      await nodes.a.page('ann')
      const tab = await nodes.b.page('ann')
      await rest(nodes.b, 'create_channel', { channel_name: 'chat', ...room })
      await nodes.crash(nodes.a)
      await rest(nodes.b, 'subscribe', { channel_name: 'chat', name: 'ann' })
      await nodes.eventually(() => expect(tab.all('SUBSCRIBED')).toHaveLength(1))
      noticed.resolve()
      await nodes.quiet()
    })

    test('and its heir dies, too, a third one has its users: they leave once', async () => {
      await using nodes = await begin()
      const c = await nodes.join()
      const d = await nodes.join()
      const watcher = await enter(d, 'bob')
      await enter(nodes.a, 'ann')
      const eve = await visit(nodes.a, 'eve')
      const { position } = await subscribe(eve.page)
      await nodes.crash(nodes.a)
      await nodes.advance(linger / 4)
      await nodes.crash(nodes.b)
      await nodes.advance(linger / 4)
      await nodes.crash(c)
      await nodes.advance(linger / 4)
      const back = await comeBack(d, eve)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true })
      await nodes.advance(linger)
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '+eve', '-ann']))
      expect(nodes.asked('unsubscribe')).toMatchObject([{ fields: { user: 'ann' } }])
      expect(nodes.asked('disconnect')).toMatchObject([{ fields: { name: 'ann', channels: '["chat"]' } }])
    })

    test('and its heir dies before it has taken over, another one does', async () => {
      const never = deferred<void>()
      await using nodes = await begin({}, { inherits: never.promise })
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      await subscribe(ann.page)
      await nodes.crash(nodes.a)
      const c = await nodes.join()
      const cid = await enter(c, 'cid')
      await nodes.crash(nodes.b)
      await nodes.advance(linger)
      await nodes.eventually(() => expect(comings(cid).sort()).toEqual(['-ann', '-bob']))
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(2))
      expect(nodes.asked('unsubscribe')).toHaveLength(2)
      expect(watcher.end).toBeDefined()
    })

    test('nobody else being there, the next node takes over', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      await enter(nodes.b, 'bob')
      await nodes.crash(nodes.b)
      await nodes.crash(nodes.a)
      nodes.calls.length = 0
      await nodes.advance(minute)
      const c = await nodes.join()
      const back = await comeBack(c, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true })
      await nodes.takenOver()
      await nodes.advance(linger)
      await nodes.eventually(() => expect(comings(back.page).slice(-1)).toEqual(['-bob']))
      await nodes.eventually(() => expect(nodes.actions()).toEqual(['unsubscribe', 'disconnect']))
    })

    test('a leave that it had begun to tell is told by its heir, as the same one', async () => {
      await using nodes = await begin({ unsubscribe: new Error('down') })
      const watcher = await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      await nodes.crash(nodes.a)
      await nodes.advance(3_000)
      nodes.answers.unsubscribe = {}
      await nodes.advance(2 * minute)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe').length).toBeGreaterThan(1))
      expect(new Set(nodes.asked('unsubscribe').map(({ id }) => id)).size).toBe(1)
      expect(nodes.asked('unsubscribe').at(-1)).toMatchObject({ fields: { user: 'ann', channel_name: 'chat' } })
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
      const told = nodes.asked('unsubscribe').length
      await nodes.advance(10 * minute)
      expect(nodes.asked('unsubscribe')).toHaveLength(told)
      expect(new Set(nodes.asked('disconnect').map(({ id }) => id)).size).toBe(1)
    })

    test('while the application still thinks about a leave, its heir tells it as the same one', async () => {
      const thinking = deferred<unknown>()
      await using nodes = await begin({ unsubscribe: () => thinking.promise })
      await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      nodes.answers.unsubscribe = {}
      await nodes.crash(nodes.a)
      await nodes.advance(linger)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(2))
      thinking.resolve({})
      await nodes.advance(10 * minute)
      expect(new Set(nodes.asked('unsubscribe').map(({ id }) => id)).size).toBe(1)
      expect(nodes.asked('unsubscribe')).toHaveLength(2)
      expect(nodes.asked('disconnect')).toHaveLength(1)
    })

    test('that it had begun to tell of a user’s end is told by its heir, as the same', async () => {
      await using nodes = await begin({ disconnect: new Error('down') })
      const ann = await visit(nodes.a, 'ann', 'session=ann')
      await subscribe(ann.page)
      ann.page.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      nodes.answers.disconnect = {}
      await nodes.crash(nodes.a)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(2))
      await nodes.advance(10 * minute)
      expect(nodes.asked('disconnect')).toHaveLength(2)
      expect(new Set(nodes.asked('disconnect').map(({ id }) => id)).size).toBe(1)
      expect(nodes.asked('disconnect')[1]).toMatchObject({
        cookies: 'session=ann',
        fields: { name: 'ann', channels: '["chat"]' },
      })
    })

    test('nobody is told that a user has gone who came back before the heir began', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({ disconnect: new Error('down') }, { inherits: noticed.promise })
      const ann = await nodes.a.page('ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      await nodes.crash(nodes.a)
      await nodes.b.page('ann')
      noticed.resolve()
      await nodes.advance(10 * minute)
      expect(nodes.asked('disconnect')).toHaveLength(1)
    })

    test('a leave that was not told comes before the next arrival, also where nobody has noticed yet', async () => {
      const noticed = deferred<void>()
      await using nodes = await begin({ unsubscribe: new Error('down') }, { inherits: noticed.promise })
      await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      await nodes.crash(nodes.a)
      nodes.calls.length = 0
      await enter(nodes.b, 'ann')
      noticed.resolve()
      await nodes.advance(10 * minute)
      const actions = nodes.actions().filter((action) => action !== 'disconnect')
      expect(actions.filter((action, at) => action !== actions[at - 1])).toEqual([
        'connect',
        'unsubscribe',
        'subscribe',
      ])
    })

    test('what it asked the application, somebody else asks: no page waits for the dead', async () => {
      const never = new Promise(() => {})
      const answers = { create_channel: () => never, subscribe: () => never, destroy_channel: () => never }
      await using nodes = await begin({
        ...answers,
        create_channel: ({ channel_name }: { channel_name: string }) => (channel_name === 'new' ? never : room),
      })
      const near = await nodes.a.page('ann')
      const far = await nodes.b.page('ann')
      near.say('SUBSCRIBE', { channel_name: 'new' })
      near.say('SUBSCRIBE', { channel_name: 'chat' })
      await rest(nodes.a, 'create_channel', { channel_name: 'old', ...room, moderated: false })
      const bob = await enter(nodes.a, 'bob', 'old')
      bob.cut(1000)
      await nodes.eventually(() =>
        expect(nodes.actions().sort()).toEqual(
          [
            'connect',
            'connect',
            'connect',
            'create_channel',
            'create_channel',
            'destroy_channel',
            'disconnect',
            'subscribe',
          ].sort(),
        ),
      )
      const entering = ['new', 'chat', 'old'].map((name) => subscribe(far, name))
      await nodes.quiet()
      Object.assign(nodes.answers, { create_channel: room, subscribe: {}, destroy_channel: {} })
      await nodes.crash(nodes.a)
      await Promise.all(entering)
      expect([...far.connection.channels].sort()).toEqual(['chat', 'new', 'old'])
    })

    test('a channel that it was about to let somebody into ends like any other', async () => {
      const never = new Promise(() => {})
      await using nodes = await begin({ subscribe: ({ user }: { user: string }) => (user === 'ann' ? never : {}) })
      const bob = await enter(nodes.b, 'bob')
      await nodes.advance(2 * minute)
      const ann = await nodes.a.page('ann')
      ann.say('SUBSCRIBE', { channel_name: 'chat' })
      await nodes.eventually(() => expect(nodes.asked('subscribe')).toHaveLength(2))
      await nodes.crash(nodes.a)
      bob.cut(1000)
      await nodes.advance(5 * minute)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.eventually(async () =>
        expect(await nodes.b.hub.application.info()).toEqual({ channels: [], connections: [], users: [] }),
      )
    })

    test('a publish that it asked about is one entry, when its page repeats it elsewhere', async () => {
      const thinking = deferred<unknown>()
      await using nodes = await begin({ publish: () => thinking.promise })
      const ann = await visit(nodes.a, 'ann')
      await subscribe(ann.page)
      ann.page.say('PUBLISH', { channel_name: 'chat', payload: 1, message_id: 'm' })
      await nodes.eventually(() => expect(nodes.asked('publish')).toHaveLength(1))
      await nodes.crash(nodes.a)
      thinking.resolve({})
      const { page } = await comeBack(nodes.b, ann)
      await subscribe(page)
      await publish(page, 1, 'm')
      await nodes.eventually(() => expect(heard(page)).toEqual([1]))
      expect(await publish(page, 1, 'm')).toMatchObject({ duplicate: true })
    })

    test('states with server_presenceful tell of its users’ end', async () => {
      await using nodes = await begin({
        create_channel: { ...room, server_presenceful: true, server_user_presence: ['ann'] },
      })
      await nodes.a.page('ann')
      const bob = await enter(nodes.b, 'bob')
      await nodes.crash(nodes.a)
      await nodes.advance(linger)
      await nodes.eventually(() => expect(bob.all('STATE_UPDATE')).toMatchObject([{ updates: { ann: false } }]))
    })

    test('nothing is left of it', async () => {
      await using nodes = await begin({ unsubscribe: new Error('down'), disconnect: new Error('down') })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.a, 'bob'), await enter(nodes.b, 'ann')]
      pages[0]?.cut()
      await nodes.crash(nodes.a)
      pages[2]?.cut(1000)
      await nodes.advance(2 * minute)
      Object.assign(nodes.answers, { unsubscribe: {}, disconnect: {} })
      await nodes.advance(5 * minute)
      expect(await nodes.b.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
      const sizes = insideOf(nodes.b.hub)
      expect(Object.entries(sizes).filter(([, size]) => size > 0)).toEqual([])
      expect(nodes.b.clock.pending).toBe(0)
    })
  })

  describe('when a node stops', () => {
    test('its pages are sent away and are back on another one without a webhook or a presence frame', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      await enter(nodes.a, 'cid')
      nodes.calls.length = 0
      await nodes.a.stop()
      expect(ann.page.end?.code).toBe(4503)
      const back = await comeBack(nodes.b, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true, missed: 1 })
      await nodes.advance(linger - 1)
      expect(nodes.calls).toEqual([])
      expect(comings(watcher)).toEqual(['+ann', '+cid'])
      await nodes.advance(1)
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '+cid', '-cid']))
      await nodes.eventually(() => expect(nodes.actions()).toEqual(['unsubscribe', 'disconnect']))
    })

    test('what it was telling is told on at once, as the same', async () => {
      await using nodes = await begin({ unsubscribe: new Error('down'), disconnect: new Error('down') })
      await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      Object.assign(nodes.answers, { unsubscribe: {}, disconnect: {} })
      await nodes.a.stop()
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(2))
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(2))
      await nodes.advance(10 * minute)
      for (const action of ['unsubscribe', 'disconnect'] as const) {
        expect(nodes.asked(action)).toHaveLength(2)
        expect(new Set(nodes.asked(action).map(({ id }) => id)).size).toBe(1)
      }
    })

    test('and all others do at the same moment, the next one goes on', async () => {
      await using nodes = await begin()
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      const bob = await visit(nodes.b, 'bob')
      await subscribe(bob.page)
      nodes.calls.length = 0
      await Promise.all([nodes.a.stop(), nodes.b.stop()])
      const c = await nodes.join()
      const back = await comeBack(c, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true })
      await nodes.advance(linger)
      await nodes.eventually(() => expect(comings(back.page).slice(-1)).toEqual(['-bob']))
      await nodes.eventually(() => expect(nodes.actions()).toEqual(['unsubscribe', 'disconnect']))
    })
  })

  describe('a node that the others have taken for dead', () => {
    test('closes its lines with 4503, and its pages come back as if nothing had been', async () => {
      await using nodes = await begin()
      const watcher = await enter(nodes.b, 'bob')
      const ann = await visit(nodes.a, 'ann')
      const { position } = await subscribe(ann.page)
      const before = nodes.a.hub.id
      nodes.calls.length = 0
      await nodes.expel(nodes.a)
      await nodes.eventually(() => expect(ann.page.end?.code).toBe(4503))
      expect(nodes.a.hub.id).not.toBe(before)
      const back = await comeBack(nodes.a, ann)
      expect(await subscribe(back.page, 'chat', position)).toMatchObject({ recovered: true })
      await publish(watcher, 'hi')
      await nodes.eventually(() => expect(heard(back.page)).toEqual(['hi']))
      await nodes.advance(10 * linger)
      expect(nodes.actions()).toEqual(['publish'])
      expect(comings(watcher)).toEqual(['+ann'])
    })

    test('tells nothing more of what its heir tells', async () => {
      await using nodes = await begin({ unsubscribe: new Error('down'), disconnect: new Error('down') })
      await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      ann.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      await nodes.expel(nodes.a)
      for (const action of ['unsubscribe', 'disconnect'] as const) {
        await nodes.eventually(() => expect(nodes.asked(action)).toHaveLength(2))
      }
      Object.assign(nodes.answers, { unsubscribe: {}, disconnect: {} })
      nodes.calls.length = 0
      await nodes.advance(10 * minute)
      expect(nodes.actions().sort()).toEqual(['disconnect', 'unsubscribe'])
    })

    test('serves on as a new one', async () => {
      await using nodes = await begin()
      const ann = await enter(nodes.a, 'ann')
      await nodes.expel(nodes.a)
      await nodes.eventually(() => expect(ann.end?.code).toBe(4503))
      const cid = await enter(nodes.a, 'cid')
      const bob = await enter(nodes.b, 'bob')
      await publish(cid, 1)
      await publish(bob, 2)
      for (const page of [cid, bob]) await nodes.eventually(() => expect(heard(page)).toEqual([1, 2]))
      expect(await rest(nodes.b, 'message', { sender_name: 'x', recipient_name: 'cid', payload: 1 })).toEqual({
        delivered: 1,
      })
      await rest(nodes.b, 'disconnect_user', { user_name: 'cid' })
      await nodes.eventually(() => expect(cid.end?.code).toBe(4403))
      await nodes.crash(nodes.b)
      await nodes.advance(linger)
      await nodes.eventually(async () => expect((await nodes.a.hub.application.info()).users).toEqual([]))
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(3))
    })
  })
}
