import { describe, expect, test } from 'vitest'
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

export function hearing(setup: NodesSetup): void {
  describe('pages on different nodes', () => {
    test('hear what is published on either, each entry once and all in the same order', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const { a, b } = nodes
      const ann = await enter(a, 'ann')
      const bob = await enter(b, 'bob')
      for (let n = 0; n < 10; n++) {
        ann.say('PUBLISH', { channel_name: 'chat', payload: `ann ${n}` })
        bob.say('PUBLISH', { channel_name: 'chat', payload: `bob ${n}` })
      }
      await nodes.eventually(() => {
        expect(heard(ann)).toHaveLength(20)
        expect(heard(bob)).toHaveLength(20)
      })
      await nodes.quiet()
      expect(heard(bob)).toEqual(heard(ann))
      for (const page of [ann, bob]) {
        const offsets = page.all('PUBLISH').map(({ offset }) => offset)
        expect(offsets).toEqual(Array.from({ length: 20 }, (_, n) => 3 + n))
        for (const name of ['ann', 'bob']) {
          const own = heard(page).filter((payload) => String(payload).startsWith(name))
          expect(own).toEqual(Array.from({ length: 10 }, (_, n) => `${name} ${n}`))
        }
      }
    })

    test('see the same history, state and presence, whichever node they come to', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: { ...room, state: { topic: 'tea' } } })
      const { a, b } = nodes
      const ann = await enter(a, 'ann')
      await publish(ann, 1)
      const bob = await enter(b, 'bob')
      await publish(bob, 2)
      await rest(b, 'state_set_key', { channel_name: 'chat', key: 'door', val: 'open' })
      const seen = await Promise.all([ann, bob].map((page) => subscribe(page)))
      const { position, history, state, presence } = seen[0] ?? {}
      expect(seen[1]).toMatchObject({ position, history, state, presence })
      expect(state).toEqual({ topic: 'tea', door: 'open' })
      expect(presence).toEqual(['ann', 'bob'])
      expect(history).toMatchObject([
        ['SUBSCRIBE', { user: 'ann' }],
        ['PUBLISH', { payload: 1, user: 'ann' }],
        ['SUBSCRIBE', { user: 'bob' }],
        ['PUBLISH', { payload: 2, user: 'bob' }],
      ])
      const older = await bob.ask('HISTORY', { channel_name: 'chat' })
      expect(older.history).toEqual(history)
    })

    test('see a user who has tabs on both come once and go once', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const { a, b } = nodes
      const ann = await enter(a, 'ann')
      const far = await enter(b, 'cid')
      const tabs = [await enter(a, 'bob'), await enter(b, 'bob')]
      expect((await subscribe(far)).presence).toEqual(['ann', 'cid', 'bob'])
      await nodes.eventually(() => expect(comings(ann)).toEqual(['+cid', '+bob']))
      if (tabs[0]) await unsubscribe(tabs[0])
      await publish(ann, 'still here')
      await nodes.eventually(() => expect(tabs[1] && heard(tabs[1])).toEqual(['still here']))
      expect(tabs[0] && heard(tabs[0])).toEqual([])
      if (tabs[1]) await unsubscribe(tabs[1])
      await nodes.eventually(() => {
        expect(comings(ann)).toEqual(['+cid', '+bob', '-bob'])
        expect(comings(far)).toEqual(['+bob', '-bob'])
      })
      expect((await subscribe(far)).presence).toEqual(['ann', 'cid'])
    })

    test('all hear a publish but the very tab that it is by, where the channel is not reflective', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: { ...room, reflective: false } })
      const { a, b } = nodes
      const tab = await enter(a, 'ann')
      const near = await enter(a, 'ann')
      const far = await enter(b, 'ann')
      const { position } = await publish(tab, 1)
      await nodes.eventually(() => {
        expect(heard(near)).toEqual([1])
        expect(heard(far)).toEqual([1])
        expect(tab.all('POSITION')).toEqual([{ channel_name: 'chat', offset: 2 }])
      })
      expect(String(position)).toMatch(/:2$/)
      expect(heard(tab)).toEqual([])
      await publish(far, 2)
      await nodes.eventually(() => expect(heard(tab)).toEqual([2]))
      expect(heard(near)).toEqual([1, 2])
      expect(heard(far)).toEqual([1])
    })

    test('who comes while others publish on another node misses nothing and gets nothing twice', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: { ...room, history_size: 100 } })
      const { a, b } = nodes
      const ann = await enter(a, 'ann')
      const bob = await b.page('bob')
      const asking = []
      for (let n = 0; n < 30; n++) {
        asking.push(publish(ann, n))
        if (n % 10 === 5) asking.push(subscribe(bob))
        await Promise.resolve()
      }
      await Promise.all(asking)
      await nodes.quiet()
      const [first] = bob.all('SUBSCRIBED')
      const kept = (first?.history ?? []).flatMap(([name, args]) => (name === 'PUBLISH' ? [args.payload] : []))
      const top = Number(first?.position.split(':')[1])
      const later = bob.all('PUBLISH').filter(({ offset }) => Number(offset) > top)
      expect([...kept, ...later.map(({ payload }) => payload)]).toEqual(Array.from({ length: 30 }, (_, n) => n))
    })

    test('recover on one node what they missed since they were on another', async () => {
      await using nodes = await Nodes.begin(setup, { create_channel: room })
      const { a, b } = nodes
      const ann = await enter(a, 'ann')
      await enter(b, 'bob')
      const { position } = await publish(ann, 1)
      await publish(ann, 2)
      const back = await b.page('ann')
      expect(await subscribe(back, 'chat', position)).toMatchObject({ recovered: true, missed: 1 })
      expect(heard(back)).toEqual([2])
    })
  })
}
