import type { IncomingMessage } from 'node:http'
import { quote } from '@hookbox/protocol'
import ipaddr from 'ipaddr.js'
import type { Config } from '../config/config.ts'

/** Which pages may connect, as a sentence for those that may not (contract: Who may connect). */
export interface Doorkeeper {
  /** By the `Host` header: in open mode, whoever could be a page that another site pointed at this machine is refused. */
  refuseHost(request: IncomingMessage): string | undefined
  /** By the `Origin` header; `host` is what the browser asked for. */
  refuseOrigin(request: Pick<IncomingMessage, 'headers'>, host: string | undefined): string | undefined
}

export function createDoorkeeper(config: Pick<Config, 'origins' | 'checkHost' | 'interface'>): Doorkeeper {
  const listed = new Set(config.origins)
  const own = hostnameOf(ipaddr.IPv6.isValid(config.interface) ? `[${config.interface}]` : config.interface)

  return {
    refuseHost({ headers: { host } }) {
      if (!config.checkHost) return undefined
      const hostname = hostnameOf(host)
      if (hostname !== undefined && (hostname === own || isLocal(hostname))) return undefined
      return `host ${quote(host)}: open mode expects this machine’s own; for others give --open and -i`
    },

    refuseOrigin({ headers: { origin } }, host) {
      if (origin === undefined || listed.has(origin)) return undefined
      const hostname = webOrigin(origin)
      if (hostname !== undefined && hostname === hostnameOf(host)) return undefined
      return `origin ${quote(origin)}: expected the hub’s own host name, or one listed by --origin`
    },
  }
}

/** The hostname of an origin in the very form in which browsers send it. */
function webOrigin(origin: string): string | undefined {
  if (!URL.canParse(origin)) return undefined
  const { protocol, hostname, origin: exact } = new URL(origin)
  return exact === origin && (protocol === 'http:' || protocol === 'https:') ? hostname : undefined
}

/** The hostname of a `Host` header, lower case and without its port. */
function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined || !/^(\[[\da-f:.]+\]|[^\s/?#@\\[\]:]+)(:\d*)?$/i.test(host)) return undefined
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined
}

function isLocal(hostname: string): boolean {
  const bare = hostname.replace(/^\[|\]$/g, '')
  return hostname === 'localhost' || (ipaddr.isValid(bare) && ipaddr.process(bare).range() === 'loopback')
}
