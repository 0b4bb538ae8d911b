import type { JsonText } from '@hookbox/protocol'
import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Appending, Retention } from '../../src/broker/broker.ts'
import { createMemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { RecoveryBudget } from '../../src/broker/memory/recovery-budget.ts'
import { RecoveryLog } from '../../src/broker/memory/recovery-log.ts'

const keep: Retention = { size: 0, duration: 0, publishOnly: false }
const told: Appending = { told: true, kept: false, keep }
const text = 'x'.repeat(10_000)

test('beyond the budget of the whole hub the oldest entries go first, whichever channel they are in', async () => {
  const clock = new TestClock()
  const broker = createMemoryBroker(clock, 500_000)
  const start = new Map<string, { epoch: string; offset: number }>()
  for (const name of ['old', 'busy', 'new']) {
    await broker.channels.create(name, '{}' as JsonText, { history: [], state: new Map(), keep })
    start.set(name, (await broker.log.read(name, keep)).top)
  }
  const publish = (name: string) =>
    broker.log.append(name, { name: 'PUBLISH', inside: `"payload":"${text}"`, at: 0 }, told)
  const missed = async (name: string) => (await broker.log.read(name, keep, start.get(name))).missed?.length
  await publish('old')
  for (let n = 0; n < 45; n++) await publish('busy')
  expect(await missed('old')).toBe(1)
  expect(await missed('busy')).toBe(45)
  for (let n = 0; n < 20; n++) await publish('new')
  expect(await missed('old')).toBeUndefined()
  expect(await missed('busy')).toBeUndefined()
  expect(await missed('new')).toBe(20)
})

test('what falls out of a window, and a log that ends, no longer count', () => {
  const clock = new TestClock()
  const budget = new RecoveryBudget(100_000_000)
  const log = new RecoveryLog(clock, budget)
  for (let n = 0; n < 1_500; n++) log.tell({ name: 'PUBLISH' }, () => 'x'.repeat(100), clock.now())
  expect(budget.taken).toBe(1_000 * 450)
  log.end()
  expect(budget.taken).toBe(0)
})
