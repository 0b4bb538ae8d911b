import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { TestClock } from '@hookbox/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type Readiness, readyTimeout, serveReady } from '../../src/http/ready.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import { portOf, router } from '../kit/http.ts'

let server: Server | undefined
let clock: TestClock
let node: { phase: ReturnType<Readiness['phase']>; brokerUp: boolean; trips: (() => void)[] }

/** A round trip that ends when the test says so. */
const trip = () => new Promise<void>((resolve) => node.trips.push(resolve))

async function start(roundTrip: () => Promise<unknown> = trip): Promise<void> {
  const parts = { phase: () => node.phase, brokerUp: () => node.brokerUp, roundTrip, clock }
  server = createServer(router({ routes: [{ path: '/ready', methods: ['GET'], handle: serveReady(parts) }] }))
  await listen(server, 0, '127.0.0.1')
}

async function ask(): Promise<[status: number, body: unknown]> {
  const response = await fetch(`http://127.0.0.1:${portOf(server as Server)}/ready`)
  return [response.status, await response.json()]
}

/** When that many messages are on their way. */
async function underWay(count: number): Promise<void> {
  while (node.trips.length < count) await new Promise(setImmediate)
}

beforeEach(() => {
  clock = new TestClock()
  node = { phase: undefined, brokerUp: true, trips: [] }
})
afterEach(async () => {
  if (server) await closeServer(server, systemClock, 0)
  server = undefined
})

test('it is ready when a message has made the trip, and says so only then', async () => {
  await start()
  let answered = false
  const answer = ask().finally(() => (answered = true))
  await underWay(1)
  expect(answered).toBe(false)
  node.trips[0]?.()
  expect(await answer).toEqual([200, { status: 'ready' }])
})

test.each(['starting', 'stopping'] as const)('a hub that is %s is not, and sends nothing', async (phase) => {
  node.phase = phase
  await start()
  expect(await ask()).toEqual([503, { status: phase, reason: `the hub is ${phase}` }])
  expect(node.trips).toEqual([])
})

test('one that begins to stop while the message is on its way is not', async () => {
  await start()
  const answer = ask()
  await underWay(1)
  node.phase = 'stopping'
  node.trips[0]?.()
  expect(await answer).toEqual([503, { status: 'stopping', reason: 'the hub is stopping' }])
})

test('a broker that is known to be away needs no message to find out', async () => {
  node.brokerUp = false
  await start()
  expect(await ask()).toEqual([503, { status: 'unavailable', reason: 'the broker cannot be reached' }])
  expect(node.trips).toEqual([])
})

test('a message that does not come back in time is one that does not come', async () => {
  await start()
  const answer = ask()
  await underWay(1)
  await clock.advance(readyTimeout)
  const reason = `no message came back through the broker within ${readyTimeout} ms`
  expect(await answer).toEqual([503, { status: 'unavailable', reason }])
})

test('a message that fails says nothing of where and why', async () => {
  await start(() => Promise.reject(new Error('Redis at 10.0.0.20:6379 is gone')))
  const reason = 'no message makes its way through the broker'
  expect(await ask()).toEqual([503, { status: 'unavailable', reason }])
})

test('however many ask at once, one message goes out; who asks later sends another', async () => {
  const handle = serveReady({ phase: () => undefined, brokerUp: () => true, roundTrip: trip, clock })
  const statuses: number[] = []
  const response = { writeHead: (status: number) => void statuses.push(status), end() {} } as unknown as ServerResponse
  const asking = [1, 2, 3].map(() => handle({} as IncomingMessage, response, ''))
  expect(node.trips).toHaveLength(1)
  node.trips[0]?.()
  await Promise.all(asking)
  const later = handle({} as IncomingMessage, response, '')
  expect(node.trips).toHaveLength(2)
  node.trips[1]?.()
  await later
  expect([statuses, clock.pending]).toEqual([[200, 200, 200, 200], 0])
})
