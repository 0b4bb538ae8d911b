import type { IncomingMessage } from 'node:http'
import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/** Where a request came from, as far as it can be believed. */
export interface Forwarded {
  /** The browser's address; empty when the socket has none. */
  readonly address: string
  /** What the browser asked for: the `Host` header, or what a trusted proxy says that it was. */
  readonly host: string | undefined
  /** What a trusted proxy calls the request (`X-Request-Id`), if it is fit for a log. */
  readonly requestId: string | undefined
}

/**
 * Reads addresses behind proxies: the right-most one that is not a trusted proxy's, as everything left of it may be
 * invented. `trustProxy` is a number of hops, or networks in CIDR form.
 */
export function createForwarded(trustProxy: number | readonly string[]): (request: IncomingMessage) => Forwarded {
  if (trustProxy === 0) return directly
  const isTrusted = typeof trustProxy === 'number' ? byHops(trustProxy) : byNetwork(trustProxy)

  return (request) => {
    const chain = [...listed(request.headers['x-forwarded-for']), request.socket.remoteAddress ?? '']
    let proxies = 0
    let address = plain(chain.at(-1) ?? '') ?? ''
    while (proxies < chain.length - 1 && isTrusted(address, proxies)) {
      const next = plain(chain.at(-2 - proxies) ?? '')
      if (next === undefined) break
      proxies++
      address = next
    }
    const hosts = listed(request.headers['x-forwarded-host'])
    const isProxied = isTrusted(peer(request), 0)
    const forwardedHost = isProxied ? hosts.at(-Math.max(1, Math.min(proxies, hosts.length))) : undefined
    const [id = ''] = isProxied ? listed(request.headers['x-request-id']) : []
    const requestId = /^[\w.:-]{1,64}$/.test(id) ? id : undefined
    return { address, host: forwardedHost ?? request.headers.host, requestId }
  }
}

/** Nobody's word is taken. */
function directly(request: IncomingMessage): Forwarded {
  return { address: peer(request), host: request.headers.host, requestId: undefined }
}

/** Whether an address is a proxy's that may be believed; `index` counts from our own end. */
type IsTrusted = (address: string, index: number) => boolean

function byHops(hops: number): IsTrusted {
  return (_address, index) => index < hops
}

function byNetwork(networks: readonly string[]): IsTrusted {
  const ranges = networks.map((network) => ipaddr.parseCIDR(network))
  return (address) => {
    if (!ipaddr.isValid(address)) return false
    const parsed = ipaddr.process(address)
    return ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits))
  }
}

function peer({ socket: { remoteAddress = '' } }: IncomingMessage): string {
  // As the system writes it, which is the only way to write it.
  return isIPv4(remoteAddress) ? remoteAddress : (plain(remoteAddress) ?? '')
}

function listed(header: string | string[] | undefined): string[] {
  return header === undefined
    ? []
    : String(header)
        .split(',')
        .map((part) => part.trim())
}

/** Without a port and brackets, which some proxies add, and without IPv6's coat around IPv4. */
function plain(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  if (!ipaddr.IPv4.isValidFourPartDecimal(bare) && !ipaddr.IPv6.isValid(bare)) return undefined
  return ipaddr.process(bare).toString()
}
