import { HookboxError } from '@hookbox/protocol'
import { settle, TestClock } from '@hookbox/testkit'
import { describe, expect, test } from 'vitest'
import type { PollAnswer, PollRequest } from '../../src/polling/modes.ts'
import type { PollingOptions } from '../../src/polling/options.ts'
import { type PollerOptions, startPoller } from '../../src/polling/poller.ts'
import { RecordingLog } from '../kit/recording-log.ts'

type Answer = PollAnswer | Error | Promise<PollAnswer>

const ok = (body: string): PollAnswer => ({ status: 200, body })

/** A poller whose URL answers by `answer`, once for each poll. */
function start(
  options: Partial<PollingOptions>,
  answer: (times: number) => Answer,
  more: Partial<Pick<PollerOptions, 'publish' | 'setOptions' | 'callbacksOrigin' | 'secret'>> = {},
) {
  const clock = new TestClock(0)
  const log = new RecordingLog()
  const requests: (PollRequest & { at: number })[] = []
  const done: unknown[] = []
  const signals: AbortSignal[] = []
  const stop = startPoller({
    channelName: 'graph',
    options: {
      mode: 'simple',
      url: 'http://app:8000/points?key=hush',
      interval: 1_000,
      form: {},
      originator: undefined,
      ...options,
    },
    clock,
    log,
    async fetch(request, signal) {
      requests.push({ ...request, at: clock.now() })
      signals.push(signal)
      const given = answer(requests.length)
      if (given instanceof Error) throw given
      return given
    },
    publish: (payload, originator) => void done.push(['publish', payload, originator]),
    setOptions: (changes) => void done.push(['options', changes]),
    done: () => void done.push(['done']),
    callbacksOrigin: 'http://localhost:80',
    secret: 'the secret',
    ...more,
  })
  return { clock, log, requests, done, stop, signals, at: () => requests.map(({ at }) => at) }
}

describe('simple', () => {
  test.each([
    { name: 'JSON', body: '{"a": [1]}', payload: '{"a": [1]}' },
    { name: 'JSON over several lines', body: '[1,\r\n2]\n', payload: '[1,  2] ' },
    { name: 'a number', body: '17', payload: '17' },
    { name: 'text', body: 'hello\nworld', payload: '"hello\\nworld"' },
    { name: 'nothing', body: '', payload: '""' },
  ])('$name is published', async ({ body, payload }) => {
    const run = start({ originator: 'sensor' }, () => ok(body))
    await run.clock.advance(1_000)
    expect(run.done).toEqual([['publish', payload, 'sensor']])
    expect(run.requests).toEqual([{ method: 'GET', url: 'http://app:8000/points?key=hush', at: 1_000 }])
  })

  test('the first poll comes after one interval, and then one each interval', async () => {
    const run = start({}, (times) => ok(String(times)))
    await run.clock.advance(999)
    expect(run.requests).toEqual([])
    await run.clock.advance(2_001)
    expect(run.at()).toEqual([1_000, 2_000, 3_000])
    expect(run.done).toEqual([1, 2, 3].map((n) => ['publish', String(n), undefined]))
  })

  test('204 publishes nothing and is no failure', async () => {
    const run = start({}, () => ({ status: 204, body: '' }))
    await run.clock.advance(2_000)
    expect(run.at()).toEqual([1_000, 2_000])
    expect(run.done).toEqual([])
    expect(run.log.lines).toEqual([])
  })
})

describe('persistent', () => {
  const persistent = { mode: 'persistent', form: { a: '1' } } as const

  test('the form is posted, the payload published, the options applied', async () => {
    const run = start({ ...persistent, originator: 'bot' }, () =>
      ok('[true, {"payload": {"n": 1}, "history_size": 3}]'),
    )
    await run.clock.advance(2_000)
    expect(run.requests[0]).toEqual({
      method: 'POST',
      url: 'http://app:8000/points?key=hush',
      form: { a: '1' },
      at: 1_000,
    })
    expect(run.at()).toEqual([1_000, 2_000])
    expect(run.done.slice(0, 2)).toEqual([
      ['options', { history_size: 3 }],
      ['publish', '{"n":1}', 'bot'],
    ])
  })

  test.each([
    { name: 'no payload', body: '[true, {"presenceful": true}]', done: [['options', { presenceful: true }]] },
    { name: 'nothing', body: '[true, {}]', done: [] },
    { name: "PHP's nothing", body: '[true, []]', done: [] },
    { name: 'null', body: '[true, {"payload": null}]', done: [['publish', 'null', undefined]] },
  ])('a reply with $name', async ({ body, done }) => {
    const run = start(persistent, () => ok(body))
    await run.clock.advance(1_000)
    expect(run.done).toEqual(done)
    expect(run.log.lines).toEqual([])
  })

  test.each([
    { name: 'the callbacks’ origin', url: 'http://localhost/poll', form: { a: '1', secret: 'the secret' } },
    { name: 'another port', url: 'http://localhost:8080/poll', form: { a: '1' } },
    { name: 'another scheme', url: 'https://localhost:80/poll', form: { a: '1' } },
    { name: 'another host', url: 'http://localhost.evil.example/poll', form: { a: '1' } },
  ])('the secret and $name', async ({ url, form }) => {
    const run = start({ ...persistent, url }, () => ok('[true, {}]'))
    await run.clock.advance(1_000)
    expect(run.requests[0]?.form).toEqual(form)
  })

  test('an option that is wrong is a failure: nothing is published', async () => {
    const run = start(persistent, () => ok('[true, {"payload": 1, "x": 1}]'), {
      setOptions() {
        throw new HookboxError('bad_request', 'x: unknown channel option')
      },
    })
    await run.clock.advance(1_000)
    expect(run.done).toEqual([])
    expect(run.log.lines).toMatchObject([{ fields: { fault: 'x: unknown channel option' } }])
  })

  test('what came with options that stopped this poller is published all the same', async () => {
    const run = start(persistent, () => ok('[true, {"payload": 1, "polling": {"mode": "off"}}]'), {
      setOptions: () => stop(),
    })
    const { stop } = run
    await run.clock.advance(10_000)
    expect(run.done).toEqual([['publish', '1', undefined]])
    expect(run.requests).toHaveLength(1)
    expect(run.clock.pending).toBe(0)
  })
})

describe('once', () => {
  test('a single time', async () => {
    const run = start({ mode: 'once' }, () => ok('[true, {"payload": 1}]'))
    await run.clock.advance(10_000)
    expect(run.requests).toMatchObject([{ method: 'POST', form: {} }])
    expect(run.done).toEqual([['publish', '1', undefined], ['done']])
    expect(run.clock.pending).toBe(0)
  })

  test('again only if the reply brings polling again', async () => {
    const run = start({ mode: 'once' }, (times) => ok(times < 3 ? '[true, {"polling": {}}]' : '[true, {}]'))
    await run.clock.advance(10_000)
    expect(run.at()).toEqual([1_000, 2_000, 3_000])
    expect(run.clock.pending).toBe(0)
  })

  test('a failure is no time: it is tried again', async () => {
    const run = start({ mode: 'once' }, (times) => (times === 1 ? new Error('x') : ok('[true, {"payload": 1}]')))
    await run.clock.advance(10_000)
    expect(run.at()).toEqual([1_000, 3_000])
    expect(run.done).toEqual([['publish', '1', undefined], ['done']])
  })
})

describe('failures', () => {
  test.each<{ name: string; mode?: PollingOptions['mode']; answer: PollAnswer | Error; fault: string }>([
    { name: 'no connection', answer: new Error('connect ECONNREFUSED'), fault: 'connect ECONNREFUSED' },
    { name: '500', answer: { status: 500, body: '1' }, fault: 'expected status 200, got 500' },
    { name: 'a redirect', answer: { status: 302, body: '1' }, fault: 'expected status 200, got 302' },
    {
      name: 'a payload beyond 64 KiB',
      answer: ok('x'.repeat(65_535)),
      fault: 'payload: expected at most 65536 bytes',
    },
    {
      name: 'a payload nested too deep',
      answer: ok(`${'['.repeat(33)}${']'.repeat(33)}`),
      fault: 'payload: expected JSON nested at most 32 deep',
    },
    {
      name: 'nested without end',
      mode: 'persistent',
      answer: ok(`${'['.repeat(300_000)}${']'.repeat(300_000)}`),
      fault: 'reply: expected JSON nested at most 32 deep',
    },
    {
      name: 'no JSON',
      mode: 'persistent',
      answer: ok('<html>'),
      fault: 'expected [true, {…}], got something that is no JSON',
    },
    {
      name: 'another shape',
      mode: 'persistent',
      answer: ok('{"payload": 1}'),
      fault: 'expected [true, {…}], got another shape',
    },
    { name: 'a refusal', mode: 'persistent', answer: ok('[false, {"error": "not now"}]'), fault: 'refused: not now' },
    { name: 'a refusal without reason', mode: 'once', answer: ok('[false, []]'), fault: 'refused: no reason given' },
  ])('$name is logged, without the query string, and backs off', async ({ mode = 'simple', answer, fault }) => {
    const run = start({ mode }, () => answer)
    await run.clock.advance(15_000)
    expect(run.done).toEqual([])
    expect(run.at()).toEqual([1_000, 3_000, 7_000, 15_000])
    expect(run.log.lines[1]).toEqual({
      level: 'warn',
      message: 'polling failed',
      fields: { channel: 'graph', url: 'http://app:8000/points', failures: 2, retry_in: 4, fault },
    })
  })

  test('a URL that works again is polled as before, and its next failure backs off anew', async () => {
    const failing = [1, 2, 5]
    const run = start({}, (times) => (failing.includes(times) ? new Error('x') : ok('1')))
    await run.clock.advance(11_000)
    expect(run.at()).toEqual([1_000, 3_000, 7_000, 8_000, 9_000, 11_000])
  })

  test('what cannot be published is not the URL’s failure', async () => {
    const run = start({}, () => ok('1'), { publish: () => Promise.reject(new Error('no broker')) })
    await run.clock.advance(2_000)
    expect(run.at()).toEqual([1_000, 2_000])
    expect(run.log.lines).toMatchObject([{ level: 'error' }, { level: 'error' }])
  })
})

test('a slow URL never overlaps with itself, and stays in step', async () => {
  let answer = (_: PollAnswer): void => {}
  const run = start({}, () => new Promise<PollAnswer>((resolve) => (answer = resolve)))
  await run.clock.advance(3_500)
  expect(run.at()).toEqual([1_000])
  answer(ok('1'))
  await settle()
  await run.clock.advance(500)
  expect(run.at()).toEqual([1_000, 4_000])
})

test('stopped before the first poll, it never polls', async () => {
  const run = start({}, () => ok('1'))
  run.stop()
  run.stop()
  await run.clock.advance(5_000)
  expect(run.requests).toEqual([])
  expect(run.clock.pending).toBe(0)
})

test.each<{ name: string; finish: (resolve: (answer: PollAnswer) => void, reject: (error: Error) => void) => void }>([
  { name: 'answer', finish: (resolve) => resolve(ok('1')) },
  { name: 'failure', finish: (_resolve, reject) => reject(new Error('aborted')) },
])('stopped while a poll is under way, its $name is nobody’s business', async ({ finish }) => {
  let end = (): void => {}
  const run = start({}, () => new Promise<PollAnswer>((resolve, reject) => (end = () => finish(resolve, reject))))
  await run.clock.advance(1_000)
  run.stop()
  expect(run.signals[0]?.aborted).toBe(true)
  end()
  await run.clock.advance(5_000)
  expect(run.done).toEqual([])
  expect(run.log.lines).toEqual([])
  expect(run.clock.pending).toBe(0)
})

test('the secret follows the callbacks when they move: the next poll of the old origin carries none', async () => {
  let callbacksOrigin = 'http://app:8000'
  const clock = new TestClock()
  const forms: unknown[] = []
  const stop = startPoller({
    channelName: 'graph',
    options: {
      ...{ mode: 'persistent', url: 'http://app:8000/points', interval: 1_000 },
      ...{ form: {}, originator: undefined },
    },
    clock,
    log: new RecordingLog(),
    async fetch({ form }) {
      forms.push(form)
      return { status: 204, body: '' }
    },
    publish() {},
    setOptions() {},
    done() {},
    secret: 'the secret',
    get callbacksOrigin() {
      return callbacksOrigin
    },
  })
  await clock.advance(1_000)
  callbacksOrigin = 'http://elsewhere'
  await clock.advance(1_000)
  stop()
  expect(forms).toEqual([{ secret: 'the secret' }, {}])
})
