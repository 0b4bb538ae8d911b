import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import type { Reply } from '../../src/webhooks/callbacks.ts'
import { lookInterval, mostCalls, mostUnanswered, ShortCircuit } from '../../src/webhooks/short-circuit.ts'

const yes = { reply: { kind: 'answer', success: true, details: {}, setCookies: [] } as Reply }
const fault = (why: Extract<Reply, { kind: 'fault' }>['why']) => ({ reply: { kind: 'fault', why, fault: '' } as Reply })

/** An application with what it is at present, and a short circuit before it. */
function before() {
  const clock = new TestClock()
  const log: string[] = []
  const circuit = new ShortCircuit(clock, { warn: (message: unknown) => void log.push(String(message)) } as never)
  const application = { asked: 0, outcome: yes }
  const call = async () => {
    const { reply } = await circuit.call(async () => {
      application.asked++
      return application.outcome
    })
    return reply.kind === 'fault' ? reply.why : reply.kind
  }
  const calls = async (count: number) => {
    const outcomes = []
    for (let n = 0; n < count; n++) outcomes.push(await call())
    return outcomes
  }
  return { clock, log, circuit, application, call, calls }
}

test('an application that is away is asked once a second; the first answer ends that', async () => {
  const { clock, log, application, call, calls } = before()
  application.outcome = fault('time')
  expect(await calls(mostUnanswered)).toEqual(Array(mostUnanswered).fill('time'))
  expect(log).toEqual([expect.stringContaining('asked once a second')])
  expect(await calls(3)).toEqual(['unasked', 'unasked', 'unasked'])
  await clock.advance(lookInterval - 1)
  expect(await call()).toBe('unasked')
  await clock.advance(1)
  expect(await calls(2)).toEqual(['time', 'unasked'])
  application.outcome = yes
  expect(await call()).toBe('unasked')
  await clock.advance(lookInterval)
  expect(application.asked).toBe(mostUnanswered + 1)
  expect(await calls(3)).toEqual(['answer', 'answer', 'answer'])
  expect(log).toEqual([expect.anything(), 'the application answers again'])
})

test.each(['status', 'form'] as const)('an answer that is no reply (%s) shows that it is there', async (why) => {
  const { application, calls } = before()
  application.outcome = fault('connection')
  await calls(mostUnanswered - 1)
  application.outcome = fault(why)
  await calls(1)
  application.outcome = fault('connection')
  expect(await calls(mostUnanswered)).not.toContain('unasked')
  expect(await calls(1)).toEqual(['unasked'])
})

test('an answer to a call from before it was away counts as well', async () => {
  const { circuit, application, calls, call } = before()
  let answer = (_: typeof yes): void => {}
  const early = circuit.call(() => new Promise<typeof yes>((resolve) => (answer = resolve)))
  application.outcome = fault('connection')
  await calls(mostUnanswered)
  expect(await call()).toBe('unasked')
  answer(yes)
  await early
  expect(await call()).toBe('connection')
})

test('no more than so many calls wait at a time', async () => {
  const { circuit, call } = before()
  const answers: ((outcome: typeof yes) => void)[] = []
  const waiting = Array.from({ length: mostCalls }, () =>
    circuit.call(() => new Promise<typeof yes>((resolve) => answers.push(resolve))),
  )
  expect(await call()).toBe('unasked')
  answers[0]?.(yes)
  await waiting[0]
  expect(await call()).toBe('answer')
  for (const answer of answers) answer(yes)
  await Promise.all(waiting)
})
