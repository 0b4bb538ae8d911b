import { HookboxError } from '@hookbox/protocol'
import { settle, TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Estate } from '../../src/broker/broker.ts'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { type Departure, Tellings } from '../../src/hub/tellings.ts'
import type { Log } from '../../src/log.ts'
import type { Callbacks, Verdict } from '../../src/webhooks/callbacks.ts'
import { RecordingLog } from '../kit/recording-log.ts'

const ann: Departure = { name: 'ann', channels: ['chat'], cookies: 'session=ann', address: '192.0.2.7' }
const heard: Verdict = { ok: true, details: {}, autoSubscribe: [], autoUnsubscribe: [] }
const fault = { ok: false, error: new HookboxError('webhook_failed', 'down'), autoSubscribe: [], autoUnsubscribe: [] }

/** A node that tells an application, which answers what `answers` says; and another node, which notes what it inherits. */
async function telling() {
  const clock = new TestClock()
  const broker = createMemoryBroker(clock)
  const other = broker.join()
  const estates: Estate[] = []
  const log = new RecordingLog()
  const told: { what: string; id: string }[] = []
  const state = { answer: fault as Verdict, givenUp: 0 }
  const tell = (what: string) => async (_caller: unknown, _fields: unknown, id: string) => {
    told.push({ what, id })
    return state.answer
  }
  const callbacks = {
    disconnect: tell('disconnect'),
    hubStarted: async (_fields: unknown, id: string) => tell('hub_started')(undefined, undefined, id),
  } as unknown as Callbacks
  await broker.nodes.start({ inherit: async () => {}, expelled() {}, restore() {} })
  await other.nodes.start({ inherit: async (estate) => void estates.push(estate), expelled() {}, restore() {} })
  const parts = { broker, callbacks, clock, log: log as unknown as Log, givenUp: () => state.givenUp++ }
  return { tellings: new Tellings(parts), parts, broker, other, estates, clock, told, state, log }
}

async function gone(tellings: Tellings, name = 'ann'): Promise<void> {
  const going = await tellings.prepareGone({ ...ann, name })
  await going.tell()
}

async function connect(broker: Awaited<ReturnType<typeof telling>>['broker'], user: string) {
  const connection = { id: `of ${user}`, user, pageId: 'p', cookies: undefined, address: undefined }
  await broker.users.enter(connection, { byDefault: {}, changes: {} })
}

test('what was heard at once is over: nothing is noted, nothing is waited for', async () => {
  const { tellings, broker, estates, told, state, clock } = await telling()
  state.answer = heard
  await gone(tellings)
  await settle()
  await broker.crash()
  expect(told).toHaveLength(1)
  expect(estates[0]?.notes).toEqual(new Map())
  expect(clock.pending).toBe(0)
})

test('what is not heard is noted for whoever inherits, with its id', async () => {
  const { tellings, broker, estates, told } = await telling()
  gone(tellings)
  await settle()
  await broker.crash()
  const [id] = told.map((one) => one.id)
  expect([...(estates[0]?.notes.values() ?? [])]).toEqual([{ kind: 'gone', id, departure: ann }])
})

test('what may be about to be is noted before it is, and no more when it is not', async () => {
  const { tellings, broker, estates, told } = await telling()
  const going = await tellings.prepareGone(ann)
  await (await tellings.prepareGone({ ...ann, name: 'bob' })).dismiss()
  expect(told).toEqual([])
  await broker.crash()
  expect([...(estates[0]?.notes.values() ?? [])]).toMatchObject([{ kind: 'gone', departure: ann }])
  expect(going).toBeDefined()
})

test('whoever comes back, to whichever node, ends it', async () => {
  const { tellings, other, told, log, clock } = await telling()
  const back = gone(tellings)
  await settle()
  await connect(other, 'bob')
  await clock.advance(1_000)
  expect(told).toHaveLength(2)
  await connect(other, 'ann')
  await back
  await clock.advance(700_000)
  expect(told).toHaveLength(2)
  expect(log.text).toContain('no longer wanted')
})

test('whoever is back before it was heard of ends it, too', async () => {
  const { tellings, other, told, clock } = await telling()
  await connect(other, 'ann')
  await gone(tellings)
  await clock.advance(700_000)
  expect(told).toHaveLength(1)
})

test('what is inherited goes on under its id, from its first try', async () => {
  const { tellings, told, state, clock } = await telling()
  await tellings.inheritGone(ann, 'the id')
  await clock.advance(1_000)
  state.answer = heard
  await clock.advance(700_000)
  expect(told).toEqual(Array.from({ length: 3 }, () => ({ what: 'disconnect', id: 'the id' })))
})

test('what is inherited of somebody who is back is told to nobody', async () => {
  const { tellings, other, told, log, clock } = await telling()
  await connect(other, 'ann')
  await tellings.inheritGone(ann, 'the id')
  await clock.advance(700_000)
  expect(told).toEqual([])
  expect(log.text).toContain('no longer wanted')
})

test('where the user cannot be heard of, the application is told all the same', async () => {
  const { tellings, parts, told, state, log } = await telling()
  const deaf = new Tellings({
    ...parts,
    broker: {
      ...parts.broker,
      users: { ...parts.broker.users, listen: () => Promise.reject(new HookboxError('unavailable', 'no line')) },
    },
  })
  state.answer = heard
  await gone(deaf)
  expect(told).toHaveLength(1)
  expect(log.text).toContain('could not be heard')
  tellings.stop()
})

test('what is never heard is given up after ten minutes, counted, and noted no more', async () => {
  const { tellings, broker, estates, clock, state } = await telling()
  gone(tellings)
  await clock.advance(700_000)
  expect(state.givenUp).toBe(1)
  await broker.crash()
  expect(estates[0]?.notes).toEqual(new Map())
})

test('a node that stops tells nothing more, and leaves what it noted', async () => {
  const { tellings, broker, estates, clock, told, state } = await telling()
  gone(tellings)
  tellings.tellStarted('node')
  await settle()
  tellings.stop()
  await clock.advance(700_000)
  expect(told.map(({ what }) => what).sort()).toEqual(['disconnect', 'hub_started'])
  expect(state.givenUp).toBe(0)
  await broker.close()
  expect([...(estates[0]?.notes.values() ?? [])]).toMatchObject([{ kind: 'gone' }, { kind: 'started' }])
  expect(clock.pending).toBe(0)
})

test('a node that begins anew tells nothing more of before, and goes on with what comes', async () => {
  const { tellings, clock, told, state } = await telling()
  gone(tellings)
  await settle()
  tellings.handOver()
  await clock.advance(700_000)
  expect(told).toHaveLength(1)
  state.answer = heard
  await gone(tellings, 'bob')
  expect(told).toHaveLength(2)
})
