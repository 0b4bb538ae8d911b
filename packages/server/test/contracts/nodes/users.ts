import { describe, expect, test } from 'vitest'
import { refuse } from '../../kit/hub.ts'
import {
  comings,
  enter,
  heard,
  Nodes,
  type NodesSetup,
  publish,
  rest,
  subscribe,
  unsubscribe,
} from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10, moderated: false }

/** What the application says of everybody that connects. */
function admitting(options: object) {
  return ({ payload }: { payload: { name: string } }) => ({ name: payload.name, ...options })
}

export function usersOfNodes(setup: NodesSetup): void {
  describe('a verdict', () => {
    test('lets all tabs of the user in, on all nodes, and takes all out, without a question', async () => {
      await using nodes = await Nodes.begin(setup, {
        create_channel: ({ channel_name }: { channel_name: string }) => ({
          ...room,
          moderated: channel_name === 'chat',
        }),
        publish: ({ payload }: { payload: { [list: string]: string[] } }) => payload,
      })
      const tabs = [await enter(nodes.a, 'ann'), await nodes.b.page('ann'), await nodes.b.page('ann')]
      const [first] = tabs
      if (!first) throw new Error('there is a first')
      await publish(first, { auto_subscribe: ['news', 'sport'] })
      for (const tab of tabs) {
        await nodes.eventually(() => {
          const given = tab.all('SUBSCRIBED').map(({ channel_name }) => channel_name)
          expect(given.filter((name) => name !== 'chat').sort()).toEqual(['news', 'sport'])
        })
      }
      await publish(first, { auto_unsubscribe: ['news'] })
      for (const tab of tabs) {
        const told = [{ channel_name: 'news', reason: 'removed' }]
        await nodes.eventually(() => expect(tab.all('UNSUBSCRIBED')).toEqual(told))
      }
      await nodes.quiet()
      expect(nodes.asked('subscribe')).toHaveLength(1)
      expect(nodes.asked('unsubscribe')).toEqual([])
      expect(nodes.asked('create_channel')).toHaveLength(3)
    })

    test('is obeyed also where it is a refusal', async () => {
      await using nodes = await Nodes.begin(setup, {
        create_channel: { ...room, moderated: true },
        publish: refuse('banned', { auto_unsubscribe: ['chat'] }),
      })
      const tabs = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'ann')]
      await expect(tabs[0] && publish(tabs[0], 1)).rejects.toMatchObject({ code: 'refused' })
      for (const tab of tabs) await nodes.eventually(() => expect(tab.all('UNSUBSCRIBED')).toHaveLength(1))
    })

    test('to connect lets later tabs in as well, on whichever node', async () => {
      let isFirst = true
      await using nodes = await Nodes.begin(setup, {
        connect: () => {
          const options = isFirst ? { auto_subscribe: ['news'] } : {}
          isFirst = false
          return { name: 'ann', ...options }
        },
        create_channel: room,
      })
      const tabs = [await nodes.a.page('x'), await nodes.b.page('x')]
      for (const tab of tabs) {
        await nodes.eventually(() => expect(tab.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'news' }]))
      }
    })
  })

  describe('a user whose connections share each subscription', () => {
    const sharing = { connect: admitting({ per_connection_subscriptions: false }), create_channel: room }

    test('is in by all of them, on all nodes, also by those that come later', async () => {
      await using nodes = await Nodes.begin(setup, sharing)
      const near = await nodes.a.page('ann')
      const far = await nodes.b.page('ann')
      await subscribe(near)
      await nodes.eventually(() => expect(far.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'chat' }]))
      const later = await nodes.b.page('ann')
      await nodes.eventually(() => expect(later.all('SUBSCRIBED')).toMatchObject([{ channel_name: 'chat' }]))
      await publish(far, 'hi')
      for (const tab of [near, far, later]) await nodes.eventually(() => expect(heard(tab)).toEqual(['hi']))
      await nodes.quiet()
      for (const tab of [near, far, later]) expect(tab.all('SUBSCRIBED')).toHaveLength(1)
    })

    test('is out by all of them when one unsubscribes, asked about once', async () => {
      await using nodes = await Nodes.begin(setup, { ...sharing, create_channel: { presenceful: true } })
      const watcher = await enter(nodes.b, 'bob')
      const near = await nodes.a.page('ann')
      const far = await nodes.b.page('ann')
      await subscribe(near)
      await nodes.eventually(() => expect(far.all('SUBSCRIBED')).toHaveLength(1))
      await unsubscribe(near)
      const told = [{ channel_name: 'chat', reason: 'unsubscribed' }]
      await nodes.eventually(() => expect(far.all('UNSUBSCRIBED')).toEqual(told))
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
      await nodes.quiet()
      expect(nodes.asked('subscribe').filter(({ fields }) => fields.user === 'ann')).toHaveLength(1)
      expect(nodes.asked('unsubscribe')).toHaveLength(1)
      expect(near.all('UNSUBSCRIBED')).toEqual([])
    })

    test('stays in by all of them where the application refuses', async () => {
      await using nodes = await Nodes.begin(setup, {
        ...sharing,
        create_channel: { presenceful: true },
        unsubscribe: refuse('stay'),
      })
      const near = await nodes.a.page('ann')
      const far = await nodes.b.page('ann')
      await subscribe(near)
      await nodes.eventually(() => expect(far.all('SUBSCRIBED')).toHaveLength(1))
      await expect(unsubscribe(near)).rejects.toMatchObject({ code: 'refused' })
      await publish(near, 'still')
      await nodes.eventually(() => expect(heard(far)).toEqual(['still']))
    })

    test('begins to share when the application says so by REST, on whichever node', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const near = await enter(nodes.a, 'ann', 'one')
      const far = await enter(nodes.b, 'ann', 'two')
      await rest(nodes.a, 'set_user_options', { user_name: 'ann', per_connection_subscriptions: false })
      await nodes.eventually(() => {
        expect(near.all('SUBSCRIBED').map(({ channel_name }) => channel_name)).toEqual(['one', 'two'])
        expect(far.all('SUBSCRIBED').map(({ channel_name }) => channel_name)).toEqual(['two', 'one'])
      })
    })
  })

  test('a user with global_unsubscriptions leaves everywhere by one connection’s leaving', async () => {
    await using nodes = await Nodes.begin(setup, {
      connect: admitting({ global_unsubscriptions: true }),
      create_channel: { presenceful: true },
    })
    const watcher = await enter(nodes.b, 'bob')
    const near = await enter(nodes.a, 'ann')
    const far = await enter(nodes.b, 'ann')
    await unsubscribe(near)
    const told = [{ channel_name: 'chat', reason: 'unsubscribed' }]
    await nodes.eventually(() => expect(far.all('UNSUBSCRIBED')).toEqual(told))
    await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
    await nodes.quiet()
    expect(nodes.asked('unsubscribe')).toHaveLength(1)
  })

  test('a state with server_presenceful tells who is connected to any node, each change once', async () => {
    await using nodes = await Nodes.begin(
      setup,
      { create_channel: { ...room, server_presenceful: true, server_user_presence: ['bob', 'cid'] } },
      { linger: 15_000 },
    )
    const watchers = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'dan')]
    expect((await subscribe(await nodes.b.page('eve'))).state).toEqual({ bob: false, cid: false })
    const bobs = [await nodes.a.page('bob'), await nodes.b.page('bob')]
    const cid = await nodes.b.page('cid')
    bobs[0]?.cut(1000)
    cid.cut()
    await nodes.advance(14_000)
    await nodes.a.page('cid')
    bobs[1]?.cut(1000)
    await nodes.advance(60_000)
    for (const watcher of watchers) {
      await nodes.eventually(() => {
        const told = watcher.all('STATE_UPDATE').map(({ updates }) => updates)
        expect(told).toEqual([{ bob: true }, { cid: true }, { bob: false }])
      })
    }
    expect((await rest(nodes.b, 'get_channel_info', { channel_name: 'chat' })).options).toMatchObject({
      state: { bob: false, cid: true },
    })
  })

  test('the bound on a connection’s channels counts what it is in and about to be in, on any node', async () => {
    await using nodes = await Nodes.begin(setup, { create_channel: room })
    const ann = await nodes.b.page('ann')
    for (let n = 0; n < 128; n++) await rest(nodes.a, 'create_channel', { channel_name: `c${n}`, ...room })
    await rest(nodes.a, 'create_channel', { channel_name: 'one more', ...room })
    for (let n = 0; n < 128; n++) await rest(nodes.a, 'subscribe', { channel_name: `c${n}`, name: 'ann' })
    const further = rest(nodes.a, 'subscribe', { channel_name: 'one more', name: 'ann' })
    await expect(further).rejects.toMatchObject({ code: 'too_many' })
    expect(ann.connection.channels.size).toBe(128)
  })
}
