import type { Address } from './connection.ts'

/** Where a hub's data are. */
export type Place =
  | { readonly kind: 'shards'; readonly shards: readonly Found[] }
  | { readonly kind: 'cluster'; readonly nodes: readonly Address[] }

/** A server that is always at the same place, or one that Sentinels know. */
export type Found =
  | { readonly kind: 'server'; readonly address: Address }
  | {
      readonly kind: 'sentinel'
      readonly sentinels: readonly Address[]
      readonly master: string
      readonly as: Omit<Address, 'host' | 'port'>
    }

const forms =
  'redis://host:port/db, rediss://…, redis+sentinel://host:port,host:port/master/db or redis+cluster://host:port,host:port'

/**
 * Reads the URLs of servers. Several plain or Sentinel ones are shards; a cluster stands alone.
 *
 * @throws Error that says which one is no such URL, without its password
 */
export function readUrls(urls: readonly string[]): Place {
  const read = urls.map(readUrl)
  const [first] = read
  if (!first) throw new Error(`Redis: expected at least one URL, ${forms}`)
  if (first.kind === 'cluster' && read.length === 1) return first
  const shards = read.flatMap((one) => (one.kind === 'cluster' ? [] : [one]))
  if (shards.length < read.length) throw new Error('Redis: expected one cluster and nothing besides, or no cluster')
  return { kind: 'shards', shards }
}

function readUrl(url: string): Found | (Place & { kind: 'cluster' }) {
  // With several hosts it is no URL that the platform reads.
  const [, scheme, secure, login, hosts, path, query] =
    /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/i
      .exec(url)
      ?.map((part) => part || undefined) ?? []
  if (scheme === undefined || hosts === undefined) throw new Error(`Redis: expected ${forms}, got ${shown(url)}`)
  const tls = scheme.toLowerCase() === 'rediss'
  const kind = secure?.toLowerCase()
  const who = loginOf(login)
  const parts = (path ?? '').split('/').filter(Boolean)
  const fields = new URLSearchParams(query)
  const others = [...fields.keys()].filter((name) => kind !== 'sentinel' || name !== 'sentinel_password')
  if (others.length > 0) throw new Error(`Redis: ${shown(url)} has ${others.join(', ')}, which is not known`)

  if (kind === undefined) {
    const [host, ...more] = hostsOf(url, hosts, 6379)
    if (!host || more.length > 0 || parts.length > 1) throw new Error(`Redis: expected ${forms}, got ${shown(url)}`)
    return { kind: 'server', address: { ...host, ...who, database: databaseOf(url, parts[0]), tls, cluster: false } }
  }
  if (kind === 'cluster') {
    if (parts.length > 0) throw new Error(`Redis: a cluster has no databases, got ${shown(url)}`)
    const nodes = hostsOf(url, hosts, 6379).map((host) => ({ ...host, ...who, database: 0, tls, cluster: true }))
    return { kind: 'cluster', nodes }
  }
  const [master, database] = parts
  if (master === undefined || parts.length > 2) throw new Error(`Redis: expected ${forms}, got ${shown(url)}`)
  const password = fields.get('sentinel_password') ?? undefined
  const sentinels = hostsOf(url, hosts, 26379).map((host) => ({ ...host, password, database: 0, tls, cluster: false }))
  const as = { ...who, database: databaseOf(url, database), tls, cluster: false }
  return { kind: 'sentinel', sentinels, master: decoded(master), as }
}

function hostsOf(url: string, hosts: string, defaultPort: number): { host: string; port: number }[] {
  return hosts.split(',').map((one) => {
    const [, v6, name, digits] = /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/i.exec(one) ?? []
    const host = v6 ?? name
    if (host === undefined) throw new Error(`Redis: expected host:port, got ${shown(url)}`)
    return { host, port: digits === undefined ? defaultPort : Number(digits) }
  })
}

function loginOf(login: string | undefined): { username?: string; password?: string } {
  if (login === undefined) return {}
  const colon = login.indexOf(':')
  const username = decoded(colon < 0 ? login : login.slice(0, colon))
  const password = colon < 0 ? '' : decoded(login.slice(colon + 1))
  return { ...(username ? { username } : {}), ...(password ? { password } : {}) }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('Redis: expected % in a URL to stand before two hex digits')
  }
}

function databaseOf(url: string, text: string | undefined): number {
  if (text === undefined) return 0
  if (!/^\d{1,5}$/.test(text)) throw new Error(`Redis: expected the number of a database, got ${shown(url)}`)
  return Number(text)
}

/** Without what may be secret: all before the last `@`, and the query. */
function shown(url: string): string {
  return JSON.stringify(url.replace(/\/\/.*@/s, '//').replace(/\?.*/s, ''))
}
