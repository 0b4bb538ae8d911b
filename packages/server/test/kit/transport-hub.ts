import type { Server } from 'node:http'
import { HookboxError } from '@hookbox/protocol'
import { deferred, TestClock, within } from '@hookbox/testkit'
import { systemClock } from '../../src/clock.ts'
import { readBody } from '../../src/http/body.ts'
import { closeServer, createServer, listen } from '../../src/http/server.ts'
import type { AccessLine } from '../../src/log.ts'
import { Signals } from '../../src/signals/signals.ts'
import { createForwarded } from '../../src/transport/address.ts'
import { createDoorkeeper } from '../../src/transport/origin.ts'
import { createStreams, type Elsewhere, type Streams } from '../../src/transport/streams.ts'
import type { Arrival, Transport } from '../../src/transport/transport.ts'
import { createAcceptUpgrade } from '../../src/transport/websocket.ts'
import { router } from './http.ts'

/** A session as the hub's inside would have it, which remembers what it was told. */
export interface Served {
  readonly transport: Transport
  readonly arrival: Arrival
  readonly received: string[]
  readonly closes: [code: number, reason: string][]
  readonly closed: Promise<[code: number, reason: string]>
}

/** Every transport on a real HTTP server, with nothing behind it but sessions that remember. */
export interface TransportHub extends AsyncDisposable {
  readonly server: Server
  readonly clock: TestClock
  readonly streams: Streams
  readonly served: Served[]
  readonly signals: Signals
  readonly access: AccessLine[]
  /** The session of the next page. */
  next(): Promise<Served>
}

export interface TransportHubOptions {
  readonly trustProxy?: number | string[]
  readonly checkHost?: boolean
  readonly maxAway?: number
  readonly receive?: (served: Served, message: string) => void
  readonly node?: string
  readonly elsewhere?: Elsewhere
  readonly compression?: boolean
}

/** There are no other nodes. */
const nowhere: Elsewhere = {
  async post() {
    throw new HookboxError('closed', 'unknown session: connect anew')
  },
  async read() {
    throw new HookboxError('closed', 'unknown session: connect anew')
  },
}

export async function startTransportHub(options: TransportHubOptions = {}): Promise<TransportHub> {
  const { trustProxy = 0, checkHost = false, maxAway, receive, node = '0'.repeat(32), elsewhere = nowhere } = options
  const { compression = false } = options
  const clock = new TestClock()
  const served: Served[] = []
  const access: AccessLine[] = []
  let arrived = deferred<Served>()
  const signals = new Signals()
  const common = {
    doorkeeper: createDoorkeeper({ origins: ['https://listed.example'], checkHost, interface: '127.0.0.1' }),
    forwarded: createForwarded(trustProxy),
    clock,
    signals,
    accept(transport: Transport, arrival: Arrival) {
      const end = deferred<[number, string]>()
      const one: Served = { transport, arrival, received: [], closes: [], closed: within(end.promise, 'the end') }
      served.push(one)
      arrived.resolve(one)
      return {
        received(message: string) {
          one.received.push(message)
          receive?.(one, message)
        },
        closed(code: number, reason: string) {
          one.closes.push([code, reason])
          end.resolve([code, reason])
        },
      }
    },
  }
  const accessLog = { write: (line: AccessLine) => void access.push(line), close() {} }
  const streams = createStreams({
    ...{ ...common, readBody, node: () => node, elsewhere },
    ...(maxAway === undefined ? {} : { maxAway }),
  })
  const server = createServer(
    router({
      upgrades: { '/ws': createAcceptUpgrade({ ...common, compression, access: accessLog }) },
      routes: [
        { path: '/stream', methods: ['POST'], handle: streams.read },
        { path: '/stream/send', methods: ['POST'], handle: streams.send },
      ],
    }),
  )
  await listen(server, 0, '127.0.0.1')
  return {
    server,
    clock,
    streams,
    served,
    access,
    signals,
    async next() {
      const one = await within(arrived.promise, 'a session')
      arrived = deferred()
      return one
    },
    [Symbol.asyncDispose]: () => closeServer(server, systemClock, 0),
  }
}
