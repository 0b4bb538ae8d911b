import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Numbered } from '../../src/broker/broker.ts'
import { FanOut, type Subscription } from '../../src/channel/fan-out.ts'
import type { Subscriber } from '../../src/channel/subscriber.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

const turn = () => new Promise(setImmediate)

/** A subscriber whose page is a list of what was written to it. */
function page(id: string) {
  const written: string[] = []
  const line = {
    unsent: 0,
    write: ({ bytes }: { bytes: Buffer }) => void written.push(bytes.toString()),
    overflowed() {},
  }
  const outbox = new Outbox(line, { sentFrames: 0, sentBytes: 0 })
  const subscriber = {
    id,
    send: (frame: PreparedFrame) => outbox.add(frame),
    follow: (batch) => outbox.follow(batch),
    unfollow: (batch) => outbox.unfollow(batch),
  } satisfies Partial<Subscriber>
  return { subscriber: subscriber as unknown as Subscriber, heard: () => written.flatMap((text) => text.split('\n')) }
}

function entry(offset: number, origin?: string): Numbered {
  const position = { epoch: 'e', offset }
  return { name: 'PUBLISH', position, frame: new PreparedFrame(`${offset}`), at: 0, origin }
}

test('in one turn: who enters hears from then on, who leaves nothing more', async () => {
  const signals = { deliveries: 0 }
  const fanOut = new FanOut('c', signals)
  const [ann, bob] = [page('ann'), page('bob')]
  fanOut.release(fanOut.hold(ann.subscriber))
  fanOut.tell(entry(1), true)
  fanOut.release(fanOut.hold(bob.subscriber))
  fanOut.tell(entry(2), true)
  fanOut.delete('ann')
  fanOut.tell(entry(3), true)
  await turn()
  fanOut.tell(entry(4), true)
  await turn()
  expect([ann.heard(), bob.heard()]).toEqual([
    ['1', '2'],
    ['2', '3', '4'],
  ])
  expect(signals.deliveries).toBe(1 + 2 + 1 + 1)
})

test('a sender that is not to see its own publish is told that there was one, in its place', async () => {
  const fanOut = new FanOut('c', { deliveries: 0 })
  const [ann, bob] = [page('ann'), page('bob')]
  for (const { subscriber } of [ann, bob]) fanOut.release(fanOut.hold(subscriber))
  for (const [index, origin] of [undefined, 'ann', 'ann', undefined].entries())
    fanOut.tell(entry(index + 1, origin), false)
  await turn()
  const position = (offset: number) => `[0,"POSITION",{"channel_name":"c","offset":${offset}}]`
  expect(ann.heard()).toEqual(['1', position(2), position(3), '4'])
  expect(bob.heard()).toEqual(['1', '2', '3', '4'])
})

const step = fc.record({
  do: fc.constantFrom('tell', 'tell', 'tell', 'hold', 'release', 'release', 'leave', 'own', 'turn'),
  who: fc.nat(2),
})

test('whoever is held back, enters and leaves, each hears each entry once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), async (steps) => {
      const fanOut = new FanOut('c', { deliveries: 0 })
      const pages = ['ann', 'bob', 'cid'].map(page)
      const expected: string[][] = pages.map(() => [])
      /** What each will hear when it is released, for each snapshot that is being read. */
      const held = pages.map(
        (): { subscription: Subscription; waiting: string[]; holds: number } | undefined => undefined,
      )
      const inside = new Set<number>()
      let offset = 0
      for (const [index, { do: what, who }] of steps.entries()) {
        const { subscriber } = pages[who] as (typeof pages)[number]
        const holding = held[who]
        if (what === 'tell') {
          fanOut.tell(entry(++offset), true)
          for (const one of inside) (held[one]?.waiting ?? expected[one])?.push(`${offset}`)
        } else if (what === 'hold') {
          inside.add(who)
          const subscription = fanOut.hold(subscriber)
          held[who] = { subscription, waiting: holding?.waiting ?? [], holds: (holding?.holds ?? 0) + 1 }
        } else if (what === 'release' && holding) {
          fanOut.release(holding.subscription)
          if (--holding.holds > 0) continue
          expected[who]?.push(...holding.waiting)
          held[who] = undefined
        } else if (what === 'leave') {
          fanOut.delete(subscriber.id)
          inside.delete(who)
          held[who] = undefined
        } else if (what === 'own') {
          subscriber.send(new PreparedFrame(`own ${index}`))
          expected[who]?.push(`own ${index}`)
        } else if (what === 'turn') await turn()
      }
      await turn()
      expect(pages.map(({ heard }) => heard())).toEqual(expected)
    }),
  )
})
