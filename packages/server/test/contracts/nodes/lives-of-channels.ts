import { deferred } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import { idleTime } from '../../../src/hub/channels.ts'
import { refuse } from '../../kit/hub.ts'
import { insideOf } from '../../kit/inside.ts'
import { enter, heard, Nodes, type NodesSetup, publish, rest, subscribe, unsubscribe } from '../../kit/nodes.ts'

const room = { presenceful: true, history_size: 10 }
const minute = 60_000

export function livesOfChannels(setup: NodesSetup): void {
  describe('a channel', () => {
    test('goes only when the last subscriber on the last node has left', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const ann = await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      await unsubscribe(ann)
      await nodes.advance(2 * minute)
      expect(nodes.asked('destroy_channel')).toEqual([])
      await unsubscribe(bob)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.eventually(async () => expect((await nodes.a.hub.application.info()).channels).toEqual([]))
      await nodes.advance(2 * minute)
      expect(nodes.actions().slice(-2)).toEqual(['unsubscribe', 'destroy_channel'])
    })

    test('is offered once where the last two leave two nodes at the same moment', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const ann = await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      ann.cut()
      bob.cut()
      await nodes.eventually(async () => expect((await nodes.a.hub.application.info()).channels).toEqual([]))
      await nodes.advance(2 * minute)
      expect(nodes.asked('destroy_channel')).toHaveLength(1)
      expect(nodes.asked('unsubscribe')).toHaveLength(2)
    })

    test('that the application is asked about on one node keeps whoever comes to another waiting, and is made anew', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: room, destroy_channel: () => asked.promise })
      const ann = await enter(nodes.a, 'ann')
      await publish(ann, 'old')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      nodes.calls.length = 0
      const bob = await nodes.b.page('bob')
      const entering = subscribe(bob)
      await nodes.quiet()
      expect(nodes.actions()).toEqual(['connect'])
      asked.resolve({})
      expect(JSON.stringify((await entering).history)).not.toContain('old')
      expect(nodes.actions()).toEqual(['connect', 'create_channel', 'subscribe'])
      await publish(bob, 'new')
      await nodes.eventually(() => expect(heard(bob)).toEqual(['new']))
    })

    test('that the application keeps meanwhile lets in whoever waits on another node', async () => {
      const asked = deferred<unknown>()
      await using nodes = await Nodes.begin(setup, { create_channel: room, destroy_channel: () => asked.promise })
      const ann = await enter(nodes.a, 'ann')
      await publish(ann, 'old')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      const entering = subscribe(await nodes.b.page('bob'))
      await nodes.quiet()
      asked.resolve(refuse())
      expect(JSON.stringify((await entering).history)).toContain('old')
      expect(nodes.asked('create_channel')).toHaveLength(1)
    })

    test('about which the application cannot be asked is not waited for: whoever comes to another node ends the tries', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, destroy_channel: new Error('down') })
      const ann = await enter(nodes.a, 'ann')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      const bob = await enter(nodes.b, 'bob')
      await nodes.advance(10 * minute)
      expect(nodes.asked('create_channel')).toHaveLength(1)
      expect(nodes.asked('destroy_channel').length).toBeLessThanOrEqual(2)
      expect((await subscribe(bob)).presence).toEqual(['bob'])
    })

    test('that the application keeps is offered again when someone has come and gone, on whichever node', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, destroy_channel: refuse() })
      const ann = await enter(nodes.a, 'ann')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.advance(10 * minute)
      await publish(await nodes.b.page('cid'), 'no visit')
      await nodes.advance(10 * minute)
      expect(nodes.asked('destroy_channel')).toHaveLength(1)
      nodes.answers.destroy_channel = {}
      const bob = await enter(nodes.b, 'bob')
      expect(JSON.stringify(bob.all('SUBSCRIBED'))).toContain('no visit')
      await unsubscribe(bob)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(2))
      await nodes.eventually(async () => expect((await nodes.a.hub.application.info()).channels).toEqual([]))
    })

    test('that only a publish made is offered after a minute, once', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await publish(await nodes.a.page('ann'), 1)
      await publish(await nodes.b.page('bob'), 2)
      await nodes.advance(minute - 1)
      expect(nodes.asked('destroy_channel')).toEqual([])
      await nodes.advance(minute)
      expect(nodes.asked('destroy_channel')).toHaveLength(1)
      expect((await nodes.b.hub.application.info()).channels).toEqual([])
    })

    test('that only a publish made, and someone has entered on another node, is not offered then', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await publish(await nodes.a.page('ann'), 1)
      await enter(nodes.b, 'bob')
      await nodes.advance(3 * minute)
      expect(nodes.asked('destroy_channel')).toEqual([])
    })

    test('that only a publish made is offered also when the node that made it has died', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      await publish(await nodes.a.page('ann'), 1)
      await nodes.crash(nodes.a)
      await nodes.advance(3 * minute)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.eventually(async () => expect((await nodes.b.hub.application.info()).channels).toEqual([]))
    })

    test('that was made while its maker died is offered all the same', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room, destroy_channel: new Error('down') })
      const ann = await enter(nodes.a, 'ann')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.crash(nodes.a)
      nodes.answers.destroy_channel = {}
      await nodes.advance(3 * minute)
      await nodes.eventually(async () => expect((await nodes.b.hub.application.info()).channels).toEqual([]))
    })

    test('is let go of by a node where nobody has needed it for a while, and found there again as it is', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const ann = await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      await unsubscribe(bob)
      expect(insideOf(nodes.b.hub)).toMatchObject({ '#channels.#open': 1 })
      await nodes.advance(2 * idleTime)
      expect(insideOf(nodes.b.hub)).toMatchObject({ '#channels.#open': 0 })
      await publish(ann, 'meanwhile')
      await rest(nodes.a, 'state_set_key', { channel_name: 'chat', key: 'door', val: 'shut' })
      await rest(nodes.a, 'set_channel_options', { channel_name: 'chat', reflective: false })
      const again = await subscribe(bob)
      expect(again).toMatchObject({ state: { door: 'shut' }, presence: ['ann', 'bob'], reflective: false })
      expect(JSON.stringify(again.history)).toContain('meanwhile')
      expect(nodes.asked('create_channel')).toHaveLength(1)
    })

    test('leaves nothing behind on any node, nor what else was there', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'ann'), await enter(nodes.b, 'bob')]
      for (const page of pages) await publish(page, 1)
      await publish(await nodes.a.page('cid'), 2)
      await rest(nodes.b, 'message', { sender_name: 'x', recipient_name: 'ann', payload: 1 })
      for (const page of pages) page.cut()
      await nodes.quiet()
      await rest(nodes.b, 'disconnect_user', { user_name: 'cid' })
      await nodes.advance(2 * minute)
      expect(await nodes.a.hub.application.info()).toEqual({ channels: [], connections: [], users: [] })
      for (const { hub } of [nodes.a, nodes.b]) {
        const sizes = insideOf(hub)
        expect(Object.keys(sizes).length).toBeGreaterThan(5)
        expect(Object.entries(sizes).filter(([, size]) => size > 0)).toEqual([])
      }
      expect(nodes.a.clock.pending).toBe(0)
    })
  })
}
