import { createServer as createHttpServer, IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { HookboxError } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { refuseUpgrade } from '../requests.ts'
import type { Router } from './router.ts'

/**
 * A server of the hub's own. Its limits end whoever sends a request slowly or not at all; after an upgrade none of them
 * applies.
 */
export function createServer(router: Router): Server {
  const server = createHttpServer({
    IncomingMessage: Incoming,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
    keepAliveTimeout: 65_000,
    maxHeaderSize: 16_384,
    insecureHTTPParser: false,
    requireHostHeader: true,
  })
  server.maxHeadersCount = 100
  server.on('request', (request, response) => {
    response.on('close', () => {
      if (!server.listening) server.closeIdleConnections() // Its connection was busy when the server was closed.
    })
    router.request(request, response)
  })
  server.on('upgrade', (request, socket, head) => router.upgrade(request, socket, head))
  track(server)
  return server
}

/**
 * Starts to listen.
 *
 * @throws HookboxError `unavailable` with a sentence for whoever started the hub.
 */
export function listen(server: Server, port: number, host: string): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(new HookboxError('unavailable', whyNot(cause, port, host), { cause }))
    server.once('error', onError)
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => {
      server.off('error', onError)
      resolve(server.address() as AddressInfo)
    })
  })
}

/**
 * Stops listening, ends idle connections at once and, after `grace` milliseconds, those still busy and the sockets that
 * were upgraded.
 */
export function closeServer(server: Server, clock: Clock, grace: number = 2_000): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(grace, () => {
      for (const socket of sockets.get(server) ?? []) socket.destroy()
    })
    server.close(() => {
      cancel()
      resolve()
    })
    server.closeIdleConnections()
  })
}

type Emit = (this: unknown, event: string | symbol, ...args: unknown[]) => boolean

/** Takes the hub off the server again. */
export type Detach = () => void

/**
 * Serves the hub on somebody's own server, below its base path only. The requests for it are taken before any listener
 * sees them, whenever the listener was added, as a framework that answers every request would answer these as well.
 */
export function attach(server: Server | HttpsServer, router: Router): Detach {
  const { routers, unwrap } = wrapped.get(server) ?? wrap(server)
  routers.add(router)
  return () => {
    if (routers.delete(router) && routers.size === 0) unwrap()
  }
}

interface Wrapped {
  /** Several hubs may share a server, each below a path of its own. */
  readonly routers: Set<Router>
  unwrap(): void
}

const wrapped = new WeakMap<object, Wrapped>()

function wrap(server: Server | HttpsServer): Wrapped {
  const emitter = server as unknown as { emit: Emit } // Without the overloads for each event.
  const emitBefore = emitter.emit
  const ownEmit = Object.hasOwn(server, 'emit')
  const routers = new Set<Router>()

  function emit(this: unknown, event: string | symbol, ...args: unknown[]): boolean {
    const [request, second, head] = args
    const taken = isAsked(event) && request instanceof IncomingMessage ? taker(routers, request) : undefined
    if (event === 'upgrade') {
      if (taken !== undefined) taken.upgrade(request as IncomingMessage, second as Socket, head as Buffer)
      else if (server.listeners(event).some((listener) => listener !== placeholder) || routers.size === 0)
        return emitBefore.call(this, event, ...args)
      else refuseUpgrade(second as Socket, 404, 'nothing is served here')
      return true
    }
    if (taken === undefined) return emitBefore.call(this, event, ...args)
    const response = second as ServerResponse
    if (event === 'checkContinue') response.writeContinue()
    taken.request(request as IncomingMessage, response)
    return true
  }

  emitter.emit = emit
  server.on('upgrade', placeholder)
  const unwrap = () => {
    server.off('upgrade', placeholder)
    wrapped.delete(server)
    if (emitter.emit !== emit) return // Somebody wrapped it after us; ours now only passes on.
    if (ownEmit) emitter.emit = emitBefore
    else Reflect.deleteProperty(server, 'emit')
  }
  wrapped.set(server, { routers, unwrap })
  return { routers, unwrap }
}

function isAsked(event: string | symbol): boolean {
  return event === 'request' || event === 'upgrade' || event === 'checkContinue' || event === 'checkExpectation'
}

function taker(routers: ReadonlySet<Router>, request: IncomingMessage): Router | undefined {
  for (const router of routers) if (router.takes(request)) return router
  return undefined
}

/** Node hands requests to upgrade to a server only while somebody listens for them. */
function placeholder(): void {}

const asked: unique symbol = Symbol('asked for an upgrade')

/**
 * A request of ours is an upgrade only to WebSocket. HTTP clients that offer `Upgrade: h2c` with an ordinary request
 * (Java's does) are answered by HTTP/1.1, which they accept.
 */
class Incoming extends IncomingMessage {
  /** Not private by `#`: node's constructor sets `upgrade` before such a field exists. */
  [asked]: boolean | undefined

  get upgrade(): boolean {
    return this[asked] === true && this.headers.upgrade?.toLowerCase() === 'websocket'
  }

  set upgrade(upgrade: boolean | null) {
    this[asked] = upgrade === true
  }
}

/** Node forgets sockets that were upgraded, and then waits for them when it closes. */
const sockets = new WeakMap<Server, Set<Socket>>()

function track(server: Server): void {
  const open = new Set<Socket>()
  sockets.set(server, open)
  // One for all of them: there may be very many.
  function closed(this: Socket): void {
    open.delete(this)
  }
  server.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', closed)
  })
}

function whyNot(cause: Error, port: number, host: string): string {
  const code = 'code' in cause ? cause.code : undefined
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is taken; choose another one with --port`
  if (code === 'EACCES') return `port ${port} of ${host} needs more rights than this process has; choose one above 1023`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${host} is no address of this machine`
  return `cannot listen at port ${port} of ${host}: ${cause.message}`
}
