import { HookboxError } from '@hookbox/protocol'
import { deferred, settle, TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Wanted } from '../../src/broker/broker.ts'
import { Life } from '../../src/channel/life.ts'
import type { Verdict } from '../../src/webhooks/callbacks.ts'
import type { Persisting } from '../../src/webhooks/persist.ts'

const yes: Verdict = { ok: true, details: {}, autoSubscribe: [], autoUnsubscribe: [] }
const no: Verdict = { ok: false, error: new HookboxError('refused', 'no'), autoSubscribe: [], autoUnsubscribe: [] }
const free: Wanted = { used: false, expected: false, kept: false, visits: 3 }

/** A life of which the test decides everything. What happened is in `did`. */
function living() {
  const clock = new TestClock()
  const did: string[] = []
  const world = {
    wantedHere: false,
    wanted: free as Wanted | Error,
    leaseIsFree: true,
    keeps: true,
    answer: deferred<Verdict | 'given up' | 'dropped'>(),
    somebodyWaits: () => {},
  }
  const life = new Life({
    clock,
    wantedHere: () => world.wantedHere,
    look: async () => {
      if (world.wanted instanceof Error) throw world.wanted
      return world.wanted
    },
    take: async (wanted) => {
      if (!world.leaseIsFree) return undefined
      world.somebodyWaits = wanted
      return { release: async () => void did.push('released') }
    },
    note: (due) => did.push(due ? 'due' : 'not due'),
    ask(): Persisting {
      did.push('asked')
      const drop = () => world.answer.resolve('dropped')
      return { id: 'id', firstTry: Promise.resolve(yes), outcome: world.answer.promise, hurry() {}, drop }
    },
    keep: async (visits) => {
      did.push(`kept at ${visits}`)
      return world.keeps
    },
    end: async () => void did.push('ended'),
    failed: () => did.push('failed'),
  })
  return { life, clock, did, world }
}

test('nobody wanting it, the application is asked, and it ends', async () => {
  const { life, did, world } = living()
  const offered = life.offer()
  await offered
  expect(life.closing).toBe(true)
  expect(did).toEqual(['due', 'asked'])
  world.answer.resolve(yes)
  await settle()
  expect(did.slice(2)).toEqual(['not due', 'ended', 'released'])
  expect(life.closing).toBe(false)
  expect(life.idle).toBe(true)
})

test.each<[string, Partial<Wanted>]>([
  ['somebody is in it', { used: true }],
  ['the application keeps it', { kept: true }],
])('where %s, nobody is asked', async (_what, wanted) => {
  const { life, clock, did, world } = living()
  world.wanted = { ...free, ...wanted }
  await life.offer()
  expect(did).toEqual([])
  expect(clock.pending).toBe(0)
})

test('where somebody is expected who does not come, it is offered later', async () => {
  const { life, clock, did, world } = living()
  world.wanted = { ...free, used: true, expected: true }
  await life.offer()
  expect(did).toEqual(['due'])
  expect(life.idle).toBe(false)
  world.wanted = free
  await clock.advance(60_000)
  expect(did).toEqual(['due', 'not due', 'due', 'asked'])
})

test('where another node asks already, this one does not', async () => {
  const { life, did, world } = living()
  world.leaseIsFree = false
  await life.offer()
  expect(did).toEqual([])
})

test('somebody who waits ends the asking; it is offered again after a while', async () => {
  const { life, clock, did, world } = living()
  await life.offer()
  world.somebodyWaits()
  await settle()
  expect(did).toEqual(['due', 'asked', 'not due', 'due', 'released'])
  world.wanted = { ...free, used: true }
  await clock.advance(60_000)
  expect(did.slice(5)).toEqual(['not due'])
  expect(clock.pending).toBe(0)
})

test('a refusal keeps it, as of the visit that it was about', async () => {
  const { life, did, world } = living()
  await life.offer()
  world.answer.resolve(no)
  await settle()
  expect(did.slice(2)).toEqual(['not due', 'kept at 3', 'released'])
})

test('a refusal that comes too late, as somebody has come and gone since, is asked for again', async () => {
  const { life, did, world } = living()
  world.keeps = false
  await life.offer()
  world.answer.resolve(no)
  world.answer = deferred()
  await settle()
  expect(did.filter((what) => what === 'asked')).toHaveLength(2)
})

test('while something is under way it is not offered, but right after', async () => {
  const { life, did } = living()
  const task = deferred<void>()
  const using = life.using(() => task.promise)
  await life.offer()
  await settle()
  expect(did).toEqual([])
  expect(life.idle).toBe(false)
  task.resolve()
  await using
  await settle()
  expect(did).toEqual(['due', 'asked'])
})

test('what goes wrong is a reason to try later', async () => {
  const { life, clock, did, world } = living()
  world.wanted = new Error('no line')
  await life.offer()
  expect(did).toEqual(['failed', 'due'])
  world.wanted = free
  await clock.advance(60_000)
  expect(did.slice(2)).toEqual(['not due', 'due', 'asked'])
})

test('a node that lets go of it changes nothing more, whatever is answered, and leaves its note', async () => {
  const { life, clock, did, world } = living()
  await life.offer()
  life.stop()
  world.answer.resolve(yes)
  await settle()
  await life.offer()
  life.offerLater()
  await clock.advance(120_000)
  expect(did).toEqual(['due', 'asked', 'released'])
  expect(clock.pending).toBe(0)
})

test('to be offered later is noted once, however often it is put off', async () => {
  const { life, clock, did } = living()
  life.offerLater()
  await clock.advance(59_000)
  life.offerLater()
  await clock.advance(59_000)
  expect(did).toEqual(['due'])
  await clock.advance(1_000)
  expect(did).toEqual(['due', 'not due', 'due', 'asked'])
})
