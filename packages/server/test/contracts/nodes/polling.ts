import { describe, expect, test } from 'vitest'
import { idleTime } from '../../../src/hub/channels.ts'
import { refuse } from '../../kit/hub.ts'
import { enter, heard, Nodes, type NodesSetup, rest, subscribe, unsubscribe } from '../../kit/nodes.ts'

const room = { history_size: 100, moderated: false }
const chat = { channel_name: 'chat' }

/** Nodes whose channels are polled for each second; the URL tells how often it was asked. */
async function begin(setup: NodesSetup, mode = 'simple', answers: Parameters<typeof Nodes.begin>[1] = {}) {
  const polling = { mode, url: 'http://app/news', interval: 1 }
  const nodes = await Nodes.begin(setup, { create_channel: { ...room, polling }, ...answers }, { linger: 15_000 })
  let polls = 0
  nodes.application.polled = async () => {
    polls++
    return { status: 200, body: mode === 'simple' ? String(polls) : JSON.stringify([true, { payload: polls }]) }
  }
  return Object.assign(nodes, { polls: () => polls })
}

/** Whoever polls has changed, which may take its time: from the first poll after that there is one each interval. */
async function goesOn(nodes: Awaited<ReturnType<typeof begin>>, interval = 1): Promise<void> {
  const before = nodes.polls()
  await nodes.eventually(async () => {
    await nodes.advance(1_000)
    expect(nodes.polls()).toBeGreaterThan(before)
  })
  expect(nodes.polls()).toBe(before + 1)
  await nodes.advance(5_000 * interval)
  expect(nodes.polls()).toBe(before + 6)
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n + 1)
}

export function pollingOnce(setup: NodesSetup): void {
  describe('polling', () => {
    test('is done by one node, and all hear what it brings', async () => {
      await using nodes = await begin(setup)
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'bob')]
      await nodes.advance(5_000)
      expect(nodes.polls()).toBe(5)
      for (const page of pages) await nodes.eventually(() => expect(heard(page)).toEqual(upTo(5)))
    })

    test.each([
      ['stops', 'stop'],
      ['dies', 'crash'],
    ] as const)('moves to another node when its own %s', async (_what, end) => {
      await using nodes = await begin(setup)
      await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      await nodes.advance(3_000)
      await (end === 'stop' ? nodes.a.stop() : nodes.crash(nodes.a))
      await goesOn(nodes)
      await nodes.eventually(() => expect(heard(bob)).toEqual(upTo(9)))
    })

    test.each([
      ['stops', 'stop'],
      ['dies', 'crash'],
    ] as const)('of a channel that is kept, and nobody is in, moves as well when its node %s', async (_what, end) => {
      await using nodes = await begin(setup, 'simple', { destroy_channel: refuse() })
      const ann = await enter(nodes.a, 'ann')
      await unsubscribe(ann)
      await nodes.eventually(() => expect(nodes.asked('destroy_channel')).toHaveLength(1))
      await nodes.advance(3_000)
      expect(nodes.polls()).toBe(3)
      await (end === 'stop' ? nodes.a.stop() : nodes.crash(nodes.a))
      await goesOn(nodes)
      const bob = await enter(nodes.b, 'bob')
      expect(JSON.stringify(bob.all('SUBSCRIBED')[0]?.history)).toContain('"payload":9')
    })

    test('moves on from node to node, as they die', async () => {
      await using nodes = await begin(setup)
      const c = await nodes.join()
      const cid = await enter(c, 'cid')
      await enter(nodes.a, 'ann')
      await nodes.advance(2_000)
      await nodes.crash(nodes.a)
      await goesOn(nodes)
      await nodes.crash(nodes.b)
      await goesOn(nodes)
      await nodes.eventually(() => expect(heard(cid)).toEqual(upTo(14)))
    })

    test('goes on as another node says', async () => {
      await using nodes = await begin(setup)
      await enter(nodes.a, 'ann')
      await enter(nodes.b, 'bob')
      await nodes.advance(2_000)
      await rest(nodes.b, 'set_channel_options', { ...chat, polling: { interval: 10 } })
      await goesOn(nodes, 10)
      await rest(nodes.b, 'set_channel_options', { ...chat, polling: null })
      await nodes.quiet()
      await nodes.advance(60_000)
      expect(nodes.polls()).toBe(8)
    })

    test('ends with the channel, on all nodes', async () => {
      await using nodes = await begin(setup)
      await enter(nodes.a, 'ann')
      await enter(nodes.b, 'bob')
      await nodes.advance(2_000)
      await rest(nodes.b, 'destroy_channel', chat)
      await nodes.quiet()
      await nodes.advance(60_000)
      expect(nodes.polls()).toBe(2)
    })

    test('`once` is done once, on whichever node the channel is open or opened anew', async () => {
      await using nodes = await begin(setup, 'once', { destroy_channel: refuse() })
      const ann = await enter(nodes.a, 'ann')
      const bob = await enter(nodes.b, 'bob')
      await nodes.advance(5_000)
      await nodes.eventually(() => expect(heard(bob)).toEqual([1]))
      await unsubscribe(ann)
      await unsubscribe(bob)
      await nodes.advance(3 * idleTime)
      for (const page of [bob, ann]) await subscribe(page)
      await nodes.advance(60_000)
      await nodes.crash(nodes.a)
      await nodes.advance(60_000)
      expect(nodes.polls()).toBe(1)
      await rest(nodes.b, 'set_channel_options', { ...chat, polling: { mode: 'once' } })
      await nodes.eventually(async () => {
        await nodes.advance(1_000)
        expect(nodes.polls()).toBe(2)
      })
      await nodes.advance(60_000)
      expect(nodes.polls()).toBe(2)
    })

    test('`persistent` changes options for all nodes', async () => {
      await using nodes = await begin(setup, 'persistent')
      nodes.application.polled = async () => ({
        status: 200,
        body: JSON.stringify([true, { payload: 'x', reflective: false }]),
      })
      const pages = [await enter(nodes.a, 'ann'), await enter(nodes.b, 'bob')]
      await nodes.advance(1_000)
      for (const page of pages) {
        await nodes.eventually(() => expect(page.all('SUBSCRIBED').at(-1)).toMatchObject({ reflective: false }))
        await nodes.eventually(() => expect(heard(page)).toEqual(['x']))
      }
      await nodes.advance(3_000)
      for (const page of pages) expect(page.all('SUBSCRIBED')).toHaveLength(2)
    })
  })
}
