import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Reply } from '../../src/webhooks/callbacks.ts'
import { lookInterval, mostUnanswered, ShortCircuit } from '../../src/webhooks/short-circuit.ts'

const yes: Reply = { kind: 'answer', success: true, details: {}, setCookies: [] }
const fault = (why: Extract<Reply, { kind: 'fault' }>['why']): Reply => ({ kind: 'fault', why, fault: '' })

/** An application with what it is at present, and a short circuit before it. */
function before() {
  const clock = new TestClock()
  const log: string[] = []
  const circuit = new ShortCircuit(clock, { warn: (message: unknown) => void log.push(String(message)) } as never)
  const application = { asked: 0, outcome: yes }
  const call = () => {
    const unasked = circuit.begin()
    if (unasked) return unasked.why
    application.asked++
    const reply = application.outcome
    circuit.ended(reply)
    return reply.kind === 'fault' ? reply.why : reply.kind
  }
  const calls = (count: number) => Array.from({ length: count }, call)
  return { clock, log, circuit, application, call, calls }
}

test('an application that is away is asked once a second; the first answer ends that', async () => {
  const { clock, log, application, call, calls } = before()
  application.outcome = fault('time')
  expect(calls(mostUnanswered)).toEqual(Array(mostUnanswered).fill('time'))
  expect(log).toEqual([expect.stringContaining('asked once a second')])
  expect(calls(3)).toEqual(['unasked', 'unasked', 'unasked'])
  await clock.advance(lookInterval - 1)
  expect(call()).toBe('unasked')
  await clock.advance(1)
  expect(calls(2)).toEqual(['time', 'unasked'])
  application.outcome = yes
  expect(call()).toBe('unasked')
  await clock.advance(lookInterval)
  expect(application.asked).toBe(mostUnanswered + 1)
  expect(calls(3)).toEqual(['answer', 'answer', 'answer'])
  expect(log).toEqual([expect.anything(), 'the application answers again'])
})

test.each(['status', 'form'] as const)('an answer that is no reply (%s) shows that it is there', (why) => {
  const { application, calls } = before()
  application.outcome = fault('connection')
  calls(mostUnanswered - 1)
  application.outcome = fault(why)
  calls(1)
  application.outcome = fault('connection')
  expect(calls(mostUnanswered)).not.toContain('unasked')
  expect(calls(1)).toEqual(['unasked'])
})

test('an answer to a call from before it was away counts as well', () => {
  const { circuit, application, calls, call } = before()
  expect(circuit.begin()).toBeUndefined()
  application.outcome = fault('connection')
  calls(mostUnanswered)
  expect(call()).toBe('unasked')
  circuit.ended(yes)
  expect(call()).toBe('connection')
})

test('a call that was not made after all says nothing', () => {
  const { application, calls } = before()
  application.outcome = fault('unasked')
  calls(2 * mostUnanswered)
  expect(application.asked).toBe(2 * mostUnanswered)
  application.outcome = fault('time')
  calls(mostUnanswered - 1)
  application.outcome = fault('unasked')
  calls(1)
  application.outcome = fault('time')
  expect(calls(2)).toEqual(['time', 'unasked'])
})
