import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { refuse } from '../../kit/hub.ts'
import { comings, enter, heard, Nodes, type NodesSetup, publish, subscribe, unsubscribe } from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10 }

export function askingOnce(setup: NodesSetup): void {
  describe('the application', () => {
    test('is asked once to make a channel, however many arrive on whichever nodes at once', async () => {
      const made = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: () => made.promise })
      const pages = []
      for (const node of [nodes.a, nodes.b, nodes.a, nodes.b]) pages.push(await node.page(`user ${pages.length}`))
      const asking = pages.map((page) => subscribe(page))
      asking.push(...pages.map((page, n) => publish(page, n)))
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      await nodes.quiet()
      made.resolve(room)
      await Promise.all(asking)
      expect(nodes.asked('create_channel')).toHaveLength(1)
      expect((await nodes.b.hub.application.channelInfo('chat')).subscribers).toHaveLength(4)
      expect((await nodes.a.hub.application.info()).channels).toEqual(['chat'])
    })

    test('refuses a channel to those whose cookies it saw, and to nobody else on any node', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, {
        create_channel: () => (nodes.asked('create_channel').length === 1 ? asked.promise : room),
      })
      const ann = nodes.a.stranger('session=ann')
      const bob = nodes.b.stranger('session=bob')
      await ann.ask('CONNECT', { payload: { name: 'ann' } })
      await bob.ask('CONNECT', { payload: { name: 'bob' } })
      const refused = subscribe(ann)
      refused.catch(() => {})
      await nodes.eventually(() => expect(nodes.asked('create_channel')).toHaveLength(1))
      const allowed = subscribe(bob)
      await nodes.quiet()
      asked.resolve(refuse('not for ann'))
      await expect(refused).rejects.toMatchObject({ code: 'refused' })
      await allowed
      expect(nodes.asked('create_channel').map(({ cookies }) => cookies)).toEqual(['session=ann', 'session=bob'])
    })

    test('whose fault it is that a channel cannot be made is asked again by whoever tries again, and not before', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: new Error('down') })
      const ann = await nodes.a.page('ann')
      const bob = await nodes.b.page('bob')
      const outcomes = await Promise.allSettled([subscribe(ann), subscribe(bob)])
      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'webhook_failed', temporary: true } })
      }
      expect(nodes.asked('create_channel').length).toBeLessThanOrEqual(2)
      nodes.answers.create_channel = room
      await Promise.all([subscribe(ann), subscribe(bob)])
      expect((await nodes.a.hub.application.channelInfo('chat')).subscribers.sort()).toEqual(['ann', 'bob'])
    })

    test('is asked once about a user who enters by tabs on several nodes, and all of them get what it had for the user', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: room, subscribe: () => asked.promise })
      const tabs = [await nodes.a.page('ann'), await nodes.b.page('ann'), await nodes.b.page('ann')]
      const asking = tabs.map((tab) => subscribe(tab))
      await nodes.eventually(() => expect(nodes.asked('subscribe')).toHaveLength(1))
      await nodes.quiet()
      asked.resolve({ initial_data: { hand: [1, 2] } })
      for (const answer of await Promise.all(asking)) expect(answer.initial_data).toEqual({ hand: [1, 2] })
      const later = await nodes.b.page('ann')
      expect(await subscribe(later)).toMatchObject({ initial_data: { hand: [1, 2] } })
      expect(nodes.asked('subscribe')).toHaveLength(1)
    })

    test('hears that a user has left when the last tab on any node has gone', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const tabs = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'ann'), await enter(nodes.b, 'ann')]
      const watcher = await enter(nodes.a, 'bob')
      tabs[0]?.cut(1000)
      await nodes.quiet()
      if (tabs[1]) await unsubscribe(tabs[1])
      await nodes.quiet()
      expect(nodes.asked('unsubscribe')).toEqual([])
      tabs[2]?.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      await nodes.eventually(() => expect(comings(watcher)).toEqual(['-ann']))
      // The second tab is still connected.
      await nodes.quiet()
      expect(nodes.asked('disconnect')).toEqual([])
      tabs[1]?.cut(1000)
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      await nodes.quiet()
      expect(nodes.asked('unsubscribe')).toHaveLength(1)
    })

    test.each([
      ['both unsubscribe', 'UNSUBSCRIBE', 'UNSUBSCRIBE'],
      ['both break off', 'cut', 'cut'],
      ['one breaks off while the other unsubscribes', 'cut', 'UNSUBSCRIBE'],
      ['one unsubscribes while the other breaks off', 'UNSUBSCRIBE', 'cut'],
    ])(
      'hears it once where the last two tabs, on two nodes, leave at the same moment: %s',
      async (_what, first, second) => {
        await using nodes = await Nodes.begin(setup, { create_channel: room })
        const watcher = await enter(nodes.a, 'bob')
        const tabs = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'ann')]
        for (const [at, how] of [first, second].entries()) {
          if (how === 'cut') tabs[at]?.cut()
          else tabs[at]?.say(how, { channel_name: 'chat' })
        }
        await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
        await nodes.eventually(() => expect(comings(watcher)).toEqual(['+ann', '-ann']))
        await nodes.quiet()
        expect(nodes.asked('unsubscribe')).toHaveLength(1)
        expect((await nodes.b.hub.application.channelInfo('chat')).subscribers).toEqual(['bob'])
      },
    )

    test('is asked about one user and channel one thing after another, on whichever nodes', async () => {
      let asking = 0
      const alone = async () => {
        expect(++asking, 'questions at once').toBe(1)
        await new Promise<void>((resolve) => nodes.a.clock.after(10, resolve))
        asking--
        return {}
      }
      await using nodes = await Nodes.begin(setup, { create_channel: room, subscribe: alone, unsubscribe: alone })
      const tabs = [await nodes.a.page('ann'), await nodes.b.page('ann')]
      for (let n = 0; n < 6; n++) {
        for (const tab of tabs) tab.say(n % 2 === 0 ? 'SUBSCRIBE' : 'UNSUBSCRIBE', { channel_name: 'chat' })
        await nodes.advance(n * 5)
      }
      await nodes.advance(1_000)
      const asked = nodes.calls.filter(({ fields }) => fields.user === 'ann').map(({ action }) => action)
      expect(asked[0]).toBe('subscribe')
      for (const [at, action] of asked.entries()) {
        if (at > 0) expect(action).not.toBe(asked[at - 1])
      }
    })

    test('hears of a leave that it could not be told before the next arrival, on whichever node: one last try, then subscribe', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, unsubscribe: new Error('down') })
      await enter(nodes.b, 'bob')
      const ann = await enter(nodes.a, 'ann')
      const stays = await nodes.a.page('ann')
      ann.cut()
      await nodes.eventually(() => expect(nodes.asked('unsubscribe')).toHaveLength(1))
      nodes.calls.length = 0
      const back = await nodes.b.page('ann')
      await subscribe(back)
      await nodes.advance(700_000)
      expect(nodes.actions()).toEqual(['connect', 'unsubscribe', 'subscribe'])
      expect(stays.end).toBeUndefined()
    })

    test('is told no more that a user has gone who is back on another node', async () => {
      await using nodes = await Nodes.begin(setup, { disconnect: new Error('down') })
      const ann = await nodes.a.page('ann')
      ann.cut()
      await nodes.eventually(() => expect(nodes.asked('disconnect')).toHaveLength(1))
      await nodes.b.page('ann')
      await nodes.advance(700_000)
      expect(nodes.asked('disconnect')).toHaveLength(1)
      expect(nodes.logged()).toContain('webhook dropped: it is no longer wanted')
    })

    test('is asked once about a publish that is repeated on another node while it still thinks', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: room, publish: () => asked.promise })
      const ann = await enter(nodes.a, 'ann')
      const again = await enter(nodes.b, 'ann')
      const first = publish(ann, 'hi', 'm1')
      await nodes.eventually(() => expect(nodes.asked('publish')).toHaveLength(1))
      const second = publish(again, 'hi', 'm1')
      await nodes.quiet()
      asked.resolve({})
      const { position } = await first
      expect(await second).toEqual({ position, duplicate: true })
      await nodes.eventually(() => expect(heard(again)).toEqual(['hi']))
      expect(nodes.asked('publish')).toHaveLength(1)
      expect(heard(ann)).toEqual(['hi'])
    })

    test('is asked anew about a publish that it refused, when it is repeated on another node', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, publish: refuse('no') })
      const ann = await enter(nodes.a, 'ann')
      const again = await enter(nodes.b, 'ann')
      await expect(publish(ann, 1, 'm1')).rejects.toMatchObject({ code: 'refused' })
      nodes.answers.publish = {}
      expect(await publish(again, 1, 'm1')).not.toHaveProperty('duplicate')
      expect(await publish(ann, 1, 'm1')).toMatchObject({ duplicate: true })
      expect(nodes.asked('publish')).toHaveLength(2)
    })

    test('gives a frame for its sender alone, and a repeat on another node gets it again', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, publish: { only_to_sender: true } })
      const ann = await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      await publish(ann, 'psst', 'm1')
      const again = await enter(nodes.b, 'ann')
      expect(await publish(again, 'psst', 'm1')).toEqual({ duplicate: true })
      expect(heard(again)).toEqual(['psst'])
      expect(nodes.asked('publish')).toHaveLength(1)
      await nodes.quiet()
      expect(heard(bob)).toEqual([])
    })

    test('is asked once about a private message that is repeated on another node while it still thinks', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { message: () => asked.promise })
      const ann = await nodes.a.page('ann')
      const again = await nodes.b.page('ann')
      const bob = await nodes.b.page('bob')
      const say = { name: 'bob', payload: 'hi', message_id: 'm1' }
      const first = ann.ask('MESSAGE', say)
      await nodes.eventually(() => expect(nodes.asked('message')).toHaveLength(1))
      const second = again.ask('MESSAGE', say)
      await nodes.quiet()
      asked.resolve({})
      expect(await first).toEqual({})
      expect(await second).toEqual({ duplicate: true })
      await nodes.eventually(() => expect(bob.all('MESSAGE')).toHaveLength(1))
      expect(nodes.asked('message')).toMatchObject([{ fields: { recipient_exists: 'true' } }])
    })
  })
}
