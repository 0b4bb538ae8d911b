import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Connection } from '../src/connection.ts'
import { clock, useClock } from './kit/clock.ts'
import { ModelHub } from './kit/model-hub.ts'
import { Witness } from './kit/witness.ts'
import { World } from './kit/world.ts'

useClock()

const channelNames = ['chat', 'quiet', 'plain'] as const
type Name = (typeof channelNames)[number]

type Step =
  | { do: 'subscribe' | 'cancel' | 'trim' | 'begin' | 'remove' | 'announce' | 'overtake'; channel: Name }
  | { do: 'cancelInside' | 'cancelAllInside' | 'againInside'; channel: Name }
  | { do: 'publish' | 'other' | 'set' | 'join' | 'leave'; channel: Name; n: number }
  | { do: 'cut'; code: number }
  | { do: 'turn'; ms: number }
  | {
      do: 'open' | 'hear' | 'tell' | 'lose' | 'repeat' | 'fault' | 'mend' | 'flow' | 'wake' | 'freeze' | 'sink' | 'rise'
    }

const channel = fc.constantFrom(...channelNames)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('subscribe' as const, 'cancel' as const), channel }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'trim' as const,
        'begin' as const,
        'remove' as const,
        'announce' as const,
        'overtake' as const,
        'cancelInside' as const,
        'cancelAllInside' as const,
        'againInside' as const,
      ),
      channel,
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'publish' as const,
        'other' as const,
        'other' as const,
        'set' as const,
        'join' as const,
        'leave' as const,
      ),
      channel,
      n: fc.nat(3),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('cut' as const), code: fc.constantFrom(1001, 1006, 4500, 4502, 4503) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('turn' as const), ms: fc.constantFrom(1, 500, 3_000, 25_000) }) },
  {
    weight: 16,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          'open',
          'hear',
          'tell',
          'tell',
          'flow',
          'flow',
          'flow',
          'flow',
          'lose',
          'repeat',
          'fault',
          'mend',
          'wake',
          'freeze',
          'sink',
          'rise',
        ] as const),
      ),
    }),
  },
)

async function play(steps: readonly Step[], luck: number[]): Promise<void> {
  const world = new World()
  const hub = new ModelHub(world)
  let drawn = 0
  world.luck = () => (luck[drawn++ % luck.length] ?? 0) / 1000
  const conn: Connection = world.connect({ whenOffline: { timeToLive: 10_000_000 } })
  const witnesses: Witness<number, Name>[] = []
  const settled = new Map<number, string[]>()
  let published = 0

  const alive = (name: Name) =>
    witnesses.filter((one) => one.name === name && !['cancelled', 'ended', 'refused'].includes(one.sub.status))
  const subscribe = (name: Name) => {
    if (alive(name).length < 3) witnesses.push(new Witness<number, Name>(conn.subscribe<number>(name), name))
  }
  const flow = async () => {
    for (let round = 0; round < 100; round++) {
      hub.open()
      await clock.settle()
      hub.hear()
      hub.tell()
      await clock.settle()
      if (hub.line?.up.length === 0 && hub.line.down.length === 0 && round > 3) break
    }
  }

  for (const name of channelNames) {
    subscribe(name)
    subscribe(name)
  }
  await flow()

  for (const one of steps) {
    switch (one.do) {
      case 'subscribe':
        subscribe(one.channel)
        break
      case 'cancel': {
        const [witness] = alive(one.channel)
        witness?.end()
        witness?.sub.cancel()
        break
      }
      case 'cancelInside': {
        const [witness] = alive(one.channel)
        if (witness === undefined) break
        witness.inside = () => {
          witness.inside = undefined
          witness.end()
          witness.sub.cancel()
        }
        break
      }
      case 'cancelAllInside': {
        const all = alive(one.channel)
        const [witness] = all
        if (witness === undefined) break
        witness.inside = () => {
          witness.inside = undefined
          for (const each of all) {
            // it was not this one's turn yet, and now it never is
            each.end(each === witness ? 0 : 1)
            each.sub.cancel()
          }
        }
        break
      }
      case 'againInside': {
        const [witness] = alive(one.channel)
        if (witness === undefined) break
        witness.inside = () => {
          witness.inside = undefined
          witness.end()
          witness.sub.cancel()
          subscribe(one.channel)
        }
        break
      }
      case 'publish': {
        const n = published++
        settled.set(n, [])
        conn.publish(one.channel, n).then(
          () => settled.get(n)?.push('stored'),
          () => settled.get(n)?.push('failed'),
        )
        break
      }
      case 'other':
        for (let n = 0; n <= one.n; n++) hub.publish(one.channel, 1000 + n)
        break
      case 'set':
        hub.set(one.channel, `key${one.n}`, published)
        break
      case 'join':
        hub.join(one.channel, `user${one.n}`)
        break
      case 'leave':
        hub.leave(one.channel, `user${one.n}`)
        break
      case 'trim':
      case 'begin':
      case 'remove':
      case 'announce':
      case 'overtake':
        hub[one.do](one.channel)
        break
      case 'cut':
        hub.cut(one.code)
        break
      case 'turn':
        await clock.turn(one.ms)
        break
      case 'fault':
        hub.faulty = true
        break
      case 'mend':
        hub.faulty = false
        break
      case 'sink':
        hub.down = true
        break
      case 'rise':
        hub.down = false
        break
      case 'wake':
        world.window.dispatchEvent(new Event('online'))
        break
      case 'freeze':
        world.document.dispatchEvent(new Event('freeze'))
        break
      case 'flow':
        await flow()
        break
      default:
        hub[one.do]()
    }
    await clock.settle()
    for (const witness of witnesses) if (witness.sub.status === 'ended') witness.end()
  }

  hub.faulty = false
  hub.down = false
  world.window.dispatchEvent(new Event('pageshow'))
  // longer than any wait, in steps shorter than any time-out
  for (let round = 0; round < 8; round++) {
    await flow()
    await clock.turn(5_000)
  }
  // the last entries may have been lost on the way: the next one shows it
  for (const name of channelNames) hub.publish(name, 0)
  await flow()
  await flow()

  for (const witness of witnesses) {
    const log = hub.channel(witness.name)
    if (!['cancelled', 'ended'].includes(witness.sub.status)) {
      expect(witness.sub.status).toBe('subscribed')
      expect(witness.sub.position).toBe(log.position)
      expect(witness.sub.presence.toSorted()).toEqual([...log.users].sort())
      expect(witness.sub.state).toEqual(Object.fromEntries(log.state))
      if (log.reflective) expect(witness.sub.history).toEqual(log.history)
    }
    witness.end()
    expect(witness.flaws).toEqual([])
    const expected = witness.stretches.flatMap(({ epoch, from, to }) =>
      (log.logs.get(epoch) ?? [])
        .filter(
          ({ offset, frame, mine }) =>
            offset > from && offset <= to && frame[1] === 'PUBLISH' && (log.reflective || !mine),
        )
        .map(({ offset }) => `${epoch}:${offset}`),
    )
    expect(witness.told.map(({ epoch, event }) => `${epoch}:${event.offset}`)).toEqual(expected)
  }
  for (const [n, outcomes] of settled) expect([n, outcomes.length]).toEqual([n, 1])
  expect(new Set(hub.stored).size).toBe(hub.stored.length)
  expect([...settled.values()].filter(([outcome]) => outcome === 'stored').length).toBeLessThanOrEqual(
    hub.stored.length,
  )

  conn.disconnect()
  const sockets = world.sockets.length
  await clock.turn(120_000)
  expect(world.sockets.length).toBe(sockets)
  expect(world.window.listeners + world.document.listeners).toBe(0)
}

test('whatever happens to the line, the five promises hold', async () => {
  const numRuns = Number(process.env.HOOKBOX_RUNS ?? 40)
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 40, maxLength: 160, size: 'max' }),
      fc.array(fc.nat(999), { minLength: 1, maxLength: 7 }),
      play,
    ),
    {
      numRuns,
      ...(process.env.HOOKBOX_PATH && { path: process.env.HOOKBOX_PATH, endOnFailure: true }),
      ...(process.env.HOOKBOX_SEED && { seed: Number(process.env.HOOKBOX_SEED) }),
    },
  )
}, 120_000)
