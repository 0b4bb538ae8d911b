import type { IncomingMessage } from 'node:http'
import type { Arrival } from './transport.ts'

/** What the request that opens a transport tells of its page. `address` is the browser's. */
export function arrivalOf({ headers }: IncomingMessage, address: string): Arrival {
  return { address, cookies: headers.cookie, origin: headers.origin, userAgent: headers['user-agent'] }
}
