import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AccessLine } from './log.ts'

/** A request's path without its query, which may hold a secret. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const path = url.startsWith('/') || !URL.canParse(url) ? url : new URL(url).pathname
  const query = path.search(/[?#]/)
  return query === -1 ? path : path.slice(0, query)
}

/** Takes over the socket of a request to upgrade. */
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
  return { address, method: request.method ?? '', path: pathOf(request), status, userAgent, duration: 0 }
}

/**
 * For errors of sockets and files: a `close` follows and says enough, and neither a reader that has gone nor a full disk is a
 * reason to end. Unheard, they would end the process.
 */
export function ignore(): void {}
