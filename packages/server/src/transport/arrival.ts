import type { IncomingMessage } from 'node:http'
import { requestId } from '../requests.ts'
import type { Arrival } from './transport.ts'

/** What the request that opens a transport tells of its page. `address` is the browser's. */
export function arrivalOf(request: IncomingMessage, address: string): Arrival {
  const { cookie: cookies, origin, 'user-agent': userAgent } = request.headers
  return { request: requestId(request), address, cookies, origin, userAgent }
}
