import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse } from '../../kit/hub.ts'
import { comings, enter, heard, Nodes, type NodesSetup, rest, subscribe, visit } from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10, moderated: false }
const chat = { channel_name: 'chat' }

export function restOverNodes(setup: NodesSetup): void {
  describe('REST on one node, for what is on another:', () => {
    test('publish', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, publish: { override_payload: 'allowed' } })
      const bob = await enter(nodes.b, 'bob')
      await rest(nodes.a, 'publish', { ...chat, payload: 1, originator: 'app', message_id: 'm' })
      expect(await rest(nodes.b, 'publish', { ...chat, payload: 1, message_id: 'm' })).toMatchObject({
        duplicate: true,
      })
      await rest(nodes.a, 'publish', { ...chat, payload: 2, send_hook: true })
      await nodes.eventually(() => expect(heard(bob)).toEqual([1, 'allowed']))
      expect(bob.all('PUBLISH')).toMatchObject([{ user: 'app' }, { user: null }])
      expect(nodes.asked('publish')).toHaveLength(1)
    })

    test('publish_multi', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const bob = await enter(nodes.b, 'bob', 'one')
      await subscribe(bob, 'two')
      await rest(nodes.a, 'publish_multi', { channel_names: ['one', 'none', 'two'], payload: 'all' })
      await nodes.eventually(() => expect(heard(bob)).toEqual(['all', 'all']))
      expect((await nodes.a.hub.application.info()).channels.sort()).toEqual(['one', 'two'])
    })

    test('subscribe lets in all tabs on all nodes, and asks only where it is told to', async () => {
      await using nodes = await Nodes.begin(setup, {
        create_channel: { ...room, moderated_subscribe: true },
        subscribe: { initial_data: 'hand' },
      })
      await rest(nodes.a, 'create_channel', { ...chat, ...room, moderated_subscribe: true })
      const tabs = [await nodes.a.page('ann'), await nodes.b.page('ann'), await nodes.b.page('ann')]
      const watcher = await enter(nodes.b, 'bob')
      nodes.calls.length = 0
      await rest(nodes.a, 'subscribe', { ...chat, name: 'ann' })
      for (const tab of tabs) {
        await nodes.eventually(() => expect(tab.all('SUBSCRIBED')).toMatchObject([{ presence: ['bob', 'ann'] }]))
        expect(tab.all('SUBSCRIBED')[0]).not.toHaveProperty('initial_data')
      }
      expect(nodes.calls).toEqual([])
      await rest(nodes.b, 'unsubscribe', { ...chat, name: 'ann' })
      await rest(nodes.a, 'subscribe', { ...chat, user: 'ann', send_hook: true })
      for (const tab of tabs) {
        await nodes.eventually(() => expect(tab.all('SUBSCRIBED')[1]).toMatchObject({ initial_data: 'hand' }))
      }
      expect(nodes.actions()).toEqual(['subscribe'])
      const later = await nodes.a.page('ann')
      expect(await subscribe(later)).toMatchObject({ initial_data: 'hand' })
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann', '+ann']))
    })

    test('subscribe that the application refuses lets nobody in', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, subscribe: refuse('no') })
      await enter(nodes.a, 'bob')
      const ann = await nodes.b.page('ann')
      const asking = rest(nodes.a, 'subscribe', { ...chat, name: 'ann', send_hook: true })
      await expect(asking).rejects.toMatchObject({ code: 'refused' })
      await nodes.quiet()
      expect(ann.all('SUBSCRIBED')).toEqual([])
    })

    test('unsubscribe takes out all tabs on all nodes', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: { ...room, moderated_unsubscribe: true } })
      const tabs = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'ann')]
      const watcher = await enter(nodes.b, 'bob')
      await rest(nodes.a, 'unsubscribe', { ...chat, name: 'ann' })
      for (const tab of tabs) {
        const told = [{ channel_name: 'chat', reason: 'removed' }]
        await nodes.eventually(() => expect(tab.all('UNSUBSCRIBED')).toEqual(told))
      }
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['-ann']))
      expect(nodes.asked('unsubscribe')).toEqual([])
      await expect(rest(nodes.b, 'unsubscribe', { ...chat, name: 'ann' })).rejects.toMatchObject({
        code: 'unknown_user',
      })
      for (const tab of tabs) await subscribe(tab)
      await rest(nodes.a, 'unsubscribe', { ...chat, name: 'ann', send_hook: true })
      expect(nodes.asked('unsubscribe')).toHaveLength(1)
      expect((await rest(nodes.b, 'get_channel_info', chat)).subscribers).toEqual(['bob'])
    })

    test('message reaches all tabs on all nodes, and says how many', async () => {
      await using nodes = await Nodes.begin(setup)
      const tabs = [await nodes.a.page('ann'), await nodes.b.page('ann'), await nodes.b.page('ann')]
      const bob = await nodes.b.page('bob')
      const message = { sender_name: 'bob', recipient_name: 'ann', payload: { hand: 1 } }
      expect(await rest(nodes.a, 'message', message)).toEqual({ delivered: 3 })
      tabs[1]?.cut(1000)
      await nodes.quiet()
      expect(await rest(nodes.b, 'message', message)).toEqual({ delivered: 2 })
      for (const [at, tab] of tabs.entries()) {
        await nodes.eventually(() => expect(tab.all('MESSAGE')).toHaveLength(at === 1 ? 1 : 2))
      }
      // The sender has a copy, as its options say.
      await nodes.eventually(() => expect(bob.all('MESSAGE')).toHaveLength(2))
      expect(await rest(nodes.a, 'message', { ...message, recipient_name: 'nobody' })).toEqual({ delivered: 0 })
    })

    test('create_channel and destroy_channel', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await rest(nodes.a, 'create_channel', { ...chat, ...room, state: { a: 1 } })
      await expect(rest(nodes.b, 'create_channel', chat)).rejects.toMatchObject({ code: 'channel_exists' })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'bob')]
      expect(nodes.asked('create_channel')).toEqual([])
      await rest(nodes.b, 'destroy_channel', chat)
      for (const page of pages) {
        const told = [{ channel_name: 'chat', reason: 'destroyed' }]
        await nodes.eventually(() => expect(page.all('UNSUBSCRIBED')).toEqual(told))
      }
      await expect(rest(nodes.a, 'destroy_channel', chat)).rejects.toMatchObject({ code: 'unknown_channel' })
      await expect(rest(nodes.a, 'publish', chat)).rejects.toMatchObject({ code: 'unknown_channel' })
      expect((await rest(nodes.a, 'get_user_info', { user_name: 'bob' })).channels).toEqual([])
      // What was made of a page's wish is another channel.
      for (const page of pages) await subscribe(page)
      expect(nodes.asked('create_channel')).toHaveLength(1)
      expect((await rest(nodes.b, 'get_channel_info', chat)).options).toMatchObject({ state: {} })
    })

    test('create_channel on two nodes at once makes one of them an error', async () => {
      await using nodes = await Nodes.begin(setup)
      const outcomes = await Promise.allSettled(
        [nodes.a, nodes.b, nodes.a, nodes.b].map((node) => rest(node, 'create_channel', chat)),
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    })

    test('never waits for a webhook: a channel that is still being made counts as missing', async () => {
      const made = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: () => made.promise })
      const entering = subscribe(await nodes.a.page('ann'))
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      await expect(rest(nodes.b, 'publish', { ...chat, payload: 1 })).rejects.toMatchObject({ code: 'unknown_channel' })
      await rest(nodes.b, 'create_channel', { ...chat, ...room, state: { by: 'REST' } })
      made.resolve(room)
      expect((await entering).state).toEqual({ by: 'REST' })
    })

    test('get_channel_info tells of all nodes', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await enter(nodes.a, 'ann')
      await enter(nodes.b, 'bob')
      await rest(nodes.b, 'publish', { ...chat, payload: 1 })
      const info = await rest(nodes.a, 'get_channel_info', chat)
      expect(info).toEqual(await rest(nodes.b, 'get_channel_info', chat))
      expect(info).toMatchObject({ name: 'chat', subscribers: ['ann', 'bob'], options: { presenceful: true } })
      expect(JSON.stringify(info)).toContain('"payload":1')
    })

    test('set_channel_options tells each subscriber anew, once, on all nodes', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.a, 'ann'), await enter(nodes.b, 'bob')]
      for (const page of pages) await page.news()
      await rest(nodes.a, 'set_channel_options', { ...chat, reflective: false, state: { door: 'shut' } })
      for (const page of pages) {
        await nodes.eventually(() => expect(page.all('SUBSCRIBED')).toHaveLength(2))
        expect(page.all('SUBSCRIBED')[1]).toMatchObject({ reflective: false, state: { door: 'shut' } })
      }
      await nodes.quiet()
      for (const page of pages) {
        expect((await page.news()).map(([name]) => name).sort()).toEqual(['STATE_UPDATE', 'SUBSCRIBED'])
      }
      await expect(rest(nodes.b, 'set_channel_options', { ...chat, reflective: 'maybe' })).rejects.toMatchObject({
        code: 'bad_request',
      })
      expect((await rest(nodes.a, 'get_channel_info', chat)).options).toMatchObject({ reflective: false })
    })

    test('set_channel_options on several nodes at once: each change is made, none undoes another', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const ann = await enter(nodes.a, 'ann')
      await Promise.all([
        rest(nodes.a, 'set_channel_options', { ...chat, reflective: false }),
        rest(nodes.b, 'set_channel_options', { ...chat, history_size: 77 }),
        rest(nodes.a, 'set_channel_options', { ...chat, anonymous: true }),
        rest(nodes.b, 'set_channel_options', { ...chat, history_duration: 9 }),
      ])
      const wanted = { reflective: false, history_size: 77, anonymous: true, history_duration: 9, presenceful: true }
      expect((await rest(nodes.b, 'get_channel_info', chat)).options).toMatchObject(wanted)
      const told = { reflective: false, history_size: 77, history_duration: 9 }
      await nodes.eventually(() => expect(ann.all('SUBSCRIBED').at(-1)).toMatchObject(told))
    })

    test('state_set_key and state_delete_key from both nodes at once: nothing is lost, and pages see what is', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: { ...room, state: { old: 1, gone: 1 } } })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'bob')]
      const doing = []
      for (let n = 0; n < 20; n++) {
        for (const node of [nodes.a, nodes.b]) {
          const key = `${node === nodes.a ? 'a' : 'b'}${n}`
          doing.push(rest(node, 'state_set_key', { ...chat, key, val: n }))
        }
      }
      doing.push(rest(nodes.b, 'state_delete_key', { ...chat, key: 'gone' }))
      await Promise.all(doing)
      const { options } = (await rest(nodes.a, 'get_channel_info', chat)) as { options: { state: object } }
      expect(Object.keys(options.state)).toHaveLength(41)
      for (const page of pages) {
        const state: { [key: string]: unknown } = { old: 1, gone: 1 }
        await nodes.eventually(() => expect(page.all('STATE_UPDATE')).toHaveLength(41))
        for (const { updates, deletes } of page.all('STATE_UPDATE')) {
          for (const key of deletes) delete state[key]
          Object.assign(state, updates)
        }
        expect(state).toEqual(options.state)
      }
    })

    test('state_set_key from both nodes at once keeps the bound on the state', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await enter(nodes.a, 'ann')
      const val = 'x'.repeat(10_000)
      const outcomes = await Promise.allSettled(
        Array.from({ length: 16 }, (_, n) =>
          rest(n % 2 ? nodes.a : nodes.b, 'state_set_key', { ...chat, key: `${n}`, val }),
        ),
      )
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(6)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'too_large' })
      }
    })

    test('get_user_info and get_server_info tell of all nodes', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const tabs = [await enter(nodes.a, 'ann', 'one'), await enter(nodes.b, 'ann', 'two')]
      const ids = tabs.map(({ connection }) => connection.id)
      for (const node of [nodes.a, nodes.b]) {
        const info = await rest(node, 'get_user_info', { user_name: 'ann' })
        expect(info).toMatchObject({ name: 'ann', channels: ['one', 'two'], connections: ids })
        const server = await rest(node, 'get_server_info', {})
        expect(server).toMatchObject({ users: ['ann'], node: node.hub.id })
        expect([...(server.channels as string[])].sort()).toEqual(['one', 'two'])
        expect([...(server.connections as string[])].sort()).toEqual([...ids].sort())
        expect([...(server.nodes as string[])].sort()).toEqual([nodes.a.hub.id, nodes.b.hub.id].sort())
      }
    })

    test('set_user_options holds for all of the user’s connections, on whichever node', async () => {
      await using nodes = await Nodes.begin(setup)
      const bob = await nodes.b.page('bob')
      await nodes.a.page('ann')
      await rest(nodes.a, 'set_user_options', { user_name: 'bob', moderated_message: false, reflective: false })
      await nodes.eventually(async () => {
        nodes.calls.length = 0
        await bob.ask('MESSAGE', { name: 'ann', payload: 1 })
        expect(nodes.asked('message')).toEqual([])
      })
      await nodes.quiet()
      expect(bob.all('MESSAGE').length).toBeLessThanOrEqual(1)
      expect((await rest(nodes.b, 'get_user_info', { user_name: 'bob' })).options).toMatchObject({
        moderated_message: false,
      })
      await expect(rest(nodes.a, 'set_user_options', { user_name: 'nobody', reflective: true })).rejects.toMatchObject({
        code: 'unknown_user',
      })
    })

    test('disconnect_user puts out all of the user’s pages, on whichever nodes, for good', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room }, { linger: 15_000 })
      const near = await visit(nodes.a, 'ann')
      const far = await visit(nodes.b, 'ann')
      const away = await visit(nodes.b, 'ann')
      await subscribe(away.page)
      away.page.cut()
      await nodes.quiet()
      await rest(nodes.a, 'disconnect_user', { user_name: 'ann' })
      for (const { page } of [near, far]) await nodes.eventually(() => expect(page.end?.code).toBe(4403))
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      expect((await nodes.b.hub.application.info()).users).toEqual([])
      await expect(rest(nodes.b, 'disconnect_user', { name: 'ann' })).rejects.toMatchObject({ code: 'unknown_user' })
    })

    test('disconnect puts out one page, on whichever node', async () => {
      await using nodes = await Nodes.begin(setup)
      const far = await nodes.b.page('ann')
      const other = await nodes.b.page('ann')
      await rest(nodes.a, 'disconnect', { identifier: far.connection.id })
      await nodes.eventually(() => expect(far.end?.code).toBe(4403))
      await nodes.quiet()
      expect(other.end).toBeUndefined()
      await expect(rest(nodes.a, 'disconnect', { identifier: far.connection.id })).rejects.toMatchObject({
        code: 'unknown_connection',
      })
    })
  })
}
