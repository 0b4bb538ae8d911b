import { EventEmitter } from 'node:events'
import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { stopOnSignals } from '../../src/cli/stop.ts'
import { createLog } from '../../src/log.ts'
import { sink } from '../kit/sink.ts'

function start(close: () => Promise<void>, drain?: number, isLed = false) {
  const stdout = sink()
  const host = Object.assign(new EventEmitter(), {
    exits: [] as number[],
    exit: (code: number) => host.exits.push(code),
  })
  const clock = new TestClock()
  const log = createLog({ level: 'info', errorFile: undefined, accessFile: undefined }, { stdout })
  const terminal = { on: host.on.bind(host), exit: (code: number) => void host.exit(code) }
  stopOnSignals(close, log, terminal, { clock, isLed, ...(drain !== undefined && { drain }) })
  return { host, clock, stdout }
}

test.each(['SIGTERM', 'SIGINT'])('%s closes once and exits with 0', async (signal) => {
  let closes = 0
  const { host } = start(async () => void closes++)
  host.emit(signal)
  await new Promise(setImmediate)
  expect(closes).toBe(1)
  expect(host.exits).toEqual([0])
})

test('a close that hangs is left after 10 s', async () => {
  const { host, clock } = start(() => new Promise(() => {}))
  host.emit('SIGTERM')
  await clock.advance(9_999)
  expect(host.exits).toEqual([])
  await clock.advance(1)
  expect(host.exits).toEqual([0])
})

test('the time over which pages are sent elsewhere comes on top', async () => {
  const { host, clock, stdout } = start(() => new Promise(() => {}), 30_000)
  host.emit('SIGTERM')
  await clock.advance(39_999)
  expect(host.exits).toEqual([])
  await clock.advance(1)
  expect(host.exits).toEqual([0])
  expect(stdout.text).toContain('not closed within 40 s')
})

test('a second signal exits at once, without another close', () => {
  let closes = 0
  const { host } = start(() => {
    closes++
    return new Promise(() => {})
  })
  host.emit('SIGINT')
  host.emit('SIGINT')
  expect(closes).toBe(1)
  expect(host.exits).toEqual([1])
})

test('where another process decides when to exit at once, further signals change nothing', async () => {
  let closes = 0
  let closed = () => {}
  const close = () => {
    closes++
    return new Promise<void>((resolve) => {
      closed = resolve
    })
  }
  const { host } = start(close, 0, true)
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM']) host.emit(signal)
  expect([closes, host.exits]).toEqual([1, []])
  closed()
  await new Promise(setImmediate)
  expect(host.exits).toEqual([0])
})

test('a close that fails exits with 1', async () => {
  const { host, stdout } = start(async () => {
    throw new Error('no')
  })
  host.emit('SIGTERM')
  await new Promise(setImmediate)
  expect(host.exits).toEqual([1])
  expect(stdout.text).toContain('closing failed')
})

test.each(['uncaughtException', 'unhandledRejection'])('%s is logged and exits with 1', (event) => {
  const { host, stdout } = start(async () => {})
  host.emit(event, new Error('a bug'))
  expect(host.exits).toEqual([1])
  expect(stdout.lines[0]).toMatchObject({ level: 'fatal', err: { message: 'a bug' } })
})
