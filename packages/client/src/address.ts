import { HookboxError } from '@hookbox/protocol'

/**
 * The address of the hub's WebSocket: `<base>/ws`. `url` is the hub's base: absolute (http, https, ws, wss) or, in a
 * browser, relative to the page.
 *
 * @throws HookboxError `bad_request` when it is neither.
 */
export function webSocketAddress(url: string, page?: string): string {
  try {
    const address = new URL(url, page)
    address.protocol = address.protocol.replace('http', 'ws')
    address.pathname = address.pathname.replace(/\/*$/, '/ws')
    // browsers refuse a WebSocket address with a fragment
    address.hash = ''
    if (/^wss?:/.test(address.href)) return address.href
    throw new TypeError(address.protocol)
  } catch (cause) {
    throw new HookboxError('bad_request', `url: expected http(s) or ws(s), got "${url}"`, { cause })
  }
}
