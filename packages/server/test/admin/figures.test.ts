import { expect, test } from 'vitest'
import { addCounts, type Counts, difference, figuresOf, webhookTime } from '../../src/admin/figures.ts'
import { Signals, webhookBounds } from '../../src/signals/signals.ts'

function figures(signals: Signals) {
  const loop = { p99: 1, max: 2 }
  return figuresOf({ signals, version: '1', connections: () => 3, givenUp: () => 4, loop: () => loop, now: () => 5 })
}

/** So many webhooks, of so many seconds each. */
function asked(...times: number[]): readonly number[] {
  const signals = new Signals()
  for (const time of times) signals.webhook('publish').durations.add(time)
  return figures(signals).counts.webhooks
}

test('what a node counts is summed over outcomes and webhooks', () => {
  const signals = new Signals()
  signals.publishes.add('published')
  signals.publishes.add('only_to_sender')
  signals.publishes.add('duplicate')
  signals.publishes.add('refused')
  signals.messages++
  signals.deliveries = 7
  signals.receivedBytes = 8
  signals.sentBytes = 9
  for (const name of ['publish', 'connect']) {
    const webhook = signals.webhook(name)
    webhook.outcomes.add('allowed')
    webhook.outcomes.add('refused')
    webhook.outcomes.add('fault')
    webhook.outcomes.add('fault')
    webhook.underWay = 1
    webhook.durations.add(0.2)
    webhook.durations.add(100)
  }
  expect(figures(signals)).toMatchObject({
    version: '1',
    at: 5,
    connections: 3,
    underWay: 2,
    loop: { p99: 1, max: 2 },
    counts: { in: 3, out: 7, bytesIn: 8, bytesOut: 9, refused: 2, faults: 4, givenUp: 4 },
  })
  const { webhooks } = figures(signals).counts
  expect(webhooks).toHaveLength(webhookBounds.length + 1)
  expect(webhooks.at(-1)).toBe(4)
  expect(webhooks[webhookBounds.indexOf(0.1)]).toBe(0)
  expect(webhooks[webhookBounds.indexOf(0.25)]).toBe(2)
})

test('times of webhooks lie between the bounds that they were counted by', () => {
  expect(webhookTime(asked(), 0.5)).toBeNull()
  const hundred = asked(...Array<number>(98).fill(0.02), 0.4, 0.4)
  const [p50, p99] = [webhookTime(hundred, 0.5), webhookTime(hundred, 0.99)]
  expect(p50).toBeGreaterThan(10)
  expect(p50).toBeLessThanOrEqual(25)
  expect(p99).toBeGreaterThan(250)
  expect(p99).toBeLessThanOrEqual(500)
  expect(webhookTime(asked(120), 0.5)).toBe(30_000)
})

test('what was counted between two moments, and by several nodes together', () => {
  const counts = (factor: number): Counts => ({
    ...{ in: factor, out: 2 * factor, bytesIn: 3 * factor, bytesOut: 4 * factor, refused: 5 * factor },
    ...{ faults: 6 * factor, givenUp: 7 * factor, webhooks: [...webhookBounds, 0].map((_, index) => index * factor) },
  })
  expect(difference(counts(3), counts(10))).toEqual(counts(7))
  expect(addCounts([counts(3), counts(4)])).toEqual(counts(7))
  expect(addCounts([])).toEqual(counts(0))
})
