import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { randomId } from './ids.ts'
import type { AccessLine } from './log.ts'

/** A request's path without its query, which may hold a secret. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const path = url.startsWith('/') || !URL.canParse(url) ? url : new URL(url).pathname
  const query = path.search(/[?#]/)
  return query === -1 ? path : path.slice(0, query)
}

const ownId: unique symbol = Symbol('request id')

/** Tells processes apart, as lines of several may be gathered in one place. */
const process = randomId().slice(0, 8)
let count = 0

/** By what a request is found in the log. `given`: what a trusted proxy calls it, so that it has one name all the way. */
export function requestId(request: IncomingMessage, given?: string): string {
  const identified = request as IncomingMessage & { [ownId]?: string }
  identified[ownId] ??= given ?? `${process}-${++count}`
  return identified[ownId]
}

/** Takes over the socket of a request to upgrade, with its errors. */
export type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** Answers a request to upgrade with a plain response, and closes. */
export function refuseUpgrade(socket: Duplex, status: number, error: string): void {
  const body = JSON.stringify({ error })
  socket.on('error', ignore)
  socket.once('finish', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      'x-content-type-options: nosniff',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}

/** The access line of a request to upgrade. */
export function upgradeLine(request: IncomingMessage, address: string, status: number): AccessLine {
  const userAgent = request.headers['user-agent']
  const method = request.method ?? ''
  return { request: requestId(request), address, method, path: pathOf(request), status, userAgent, duration: 0 }
}

/**
 * For errors of sockets and files: a `close` follows and says enough, and neither a reader that has gone nor a full disk is a
 * reason to end. Unheard, they would end the process.
 */
export function ignore(): void {}
