import { HookboxError } from '@hookbox/protocol'
import { settle, TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Verdict } from '../../src/webhooks/callbacks.ts'
import { persist } from '../../src/webhooks/persist.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const none = { autoSubscribe: [], autoUnsubscribe: [] }
const yes: Verdict = { ok: true, details: {}, ...none }
const refusal: Verdict = { ok: false, error: new HookboxError('refused', 'no'), ...none }
const fault: Verdict = { ok: false, error: new HookboxError('webhook_failed', 'x'), ...none }

/** Each try waits until the test answers it. */
function start() {
  const clock = new TestClock(0)
  const log = new RecordingLog()
  const tries: { at: number; id: string; answer: (verdict: Verdict) => void }[] = []
  let givenUp = 0
  const persisting = persist(
    (id) => new Promise<Verdict>((answer) => void tries.push({ at: clock.now(), id, answer })),
    {
      clock,
      log,
      name: 'unsubscribe',
      onGivenUp: () => void givenUp++,
      newId: () => 'the-id',
    },
  )
  let ended: unknown
  void persisting.outcome.then((outcome) => {
    ended = outcome
  })
  return {
    persisting,
    clock,
    log,
    tries,
    outcome: () => ended,
    givenUp: () => givenUp,
    async answer(verdict: Verdict) {
      tries.at(-1)?.answer(verdict)
      await settle()
    },
  }
}

test.each([
  { name: 'yes', verdict: yes },
  { name: 'refusal', verdict: refusal },
])('a $name ends it at once', async ({ verdict }) => {
  const run = start()
  await run.answer(verdict)
  expect(await run.persisting.firstTry).toBe(verdict)
  expect(run.outcome()).toBe(verdict)
  expect(run.tries).toHaveLength(1)
  expect(run.clock.pending).toBe(0)
})

test('a fault is repeated with the same id, after 1 s doubling to 60 s, for at most 10 minutes', async () => {
  const run = start()
  for (let i = 0; i < 20 && run.outcome() === undefined; i++) {
    await run.answer(fault)
    await run.clock.advance(60_000)
  }
  expect(await run.persisting.firstTry).toBe(fault)
  expect(run.outcome()).toBe('given up')
  expect(new Set(run.tries.map(({ id }) => id))).toEqual(new Set(['the-id']))
  expect(run.clock.pending).toBe(0)
  expect(run.givenUp()).toBe(1)
  expect(run.log.lines).toMatchObject([{ level: 'error', fields: { webhook: 'unsubscribe', id: 'the-id' } }])
})

test('the pauses are counted from each answer', async () => {
  const run = start()
  const pauses: number[] = []
  for (let i = 0; i < 16; i++) {
    await run.answer(fault)
    if (run.outcome() !== undefined) break
    const before = run.clock.now()
    const { length } = run.tries
    while (run.tries.length === length) await run.clock.advance(1_000)
    pauses.push(run.clock.now() - before)
  }
  expect(pauses.map((ms) => ms / 1_000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60, 60, 60])
  expect(run.outcome()).toBe('given up')
})

test('a repeat that succeeds is the outcome', async () => {
  const run = start()
  await run.answer(fault)
  await run.clock.advance(1_000)
  await run.answer(yes)
  expect(run.outcome()).toBe(yes)
  expect(run.log.lines).toEqual([])
})

test.each([
  { name: 'yes', verdict: yes, outcome: yes, givenUp: 0 },
  { name: 'fault', verdict: fault, outcome: 'given up', givenUp: 1 },
])('in a hurry one last try is made at once and ends it: $name', async ({ verdict, outcome, givenUp }) => {
  const run = start()
  await run.answer(fault)
  run.persisting.hurry()
  run.persisting.hurry()
  await settle()
  expect(run.tries).toHaveLength(2)
  expect(run.clock.pending).toBe(0)
  await run.answer(verdict)
  expect(run.outcome()).toBe(outcome)
  expect(run.givenUp()).toBe(givenUp)
  expect(run.tries).toHaveLength(2)
})

test('in a hurry while a try is under way, the last try follows it at once', async () => {
  const run = start()
  run.persisting.hurry()
  await settle()
  expect(run.tries).toHaveLength(1)
  await run.answer(fault)
  expect(run.tries).toHaveLength(2)
  await run.answer(fault)
  expect(run.outcome()).toBe('given up')
})

test('dropped, nothing more is tried', async () => {
  const run = start()
  await run.answer(fault)
  run.persisting.drop()
  await settle()
  expect(run.outcome()).toBe('dropped')
  expect(run.clock.pending).toBe(0)
  expect(run.tries).toHaveLength(1)
  expect(run.log.lines).toMatchObject([{ level: 'warn', message: 'webhook dropped: it is no longer wanted' }])
  expect(run.givenUp()).toBe(0)
})

test.each([
  { name: 'yes', verdict: yes, outcome: yes },
  { name: 'fault', verdict: fault, outcome: 'dropped' },
])('dropped while a try is under way, its answer still counts: $name', async ({ verdict, outcome }) => {
  const run = start()
  run.persisting.drop()
  run.persisting.hurry()
  await run.answer(verdict)
  expect(run.outcome()).toBe(outcome)
  expect(run.tries).toHaveLength(1)
})

test('after the end, hurry and drop do nothing', async () => {
  const run = start()
  await run.answer(yes)
  run.persisting.hurry()
  run.persisting.drop()
  await settle()
  expect(run.tries).toHaveLength(1)
  expect(run.log.lines).toEqual([])
})
