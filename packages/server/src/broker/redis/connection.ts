import { isIP } from 'node:net'
import type { Redis } from 'ioredis'
import { codeOf } from './failure.ts'

/** Where a server is, and how it lets us in. */
export interface Address {
  readonly host: string
  readonly port: number
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly database: number
  readonly tls: boolean
  /** It must be a node of a cluster, or must not. */
  readonly cluster: boolean
}

/** The authority behind the other side's certificate is not known here, by Node's words for it. */
const ofNobody = /^(SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(VERIFY|GET_ISSUER))/

/** Something else is wrong with it: it is another host's, or its time has not come or is over. */
const unfit = /^(CERT_|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/

/**
 * A connection that is made when `connect` is called, once. `failed` hears of each error, in words of ours where it is about the
 * server's certificate.
 */
export function connectionTo(
  client: typeof Redis,
  { host, port, username, password, database, tls }: Address,
  connectTimeout: number,
  failed: (error: Error) => void,
): Redis {
  const redis = new client({
    host,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: isIP(host) ? {} : { servername: host } } : {}),
    db: database,
    connectTimeout,
    connectionName: 'hookbox',
    disableClientInfo: true,
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: null,
  })
  redis.on('error', (error: Error) => {
    // ioredis hears the first error of a socket only, and TLS may tell two: nobody would catch the second
    redis.stream?.on('error', () => {})
    failed(explained(error))
  })
  return redis
}

/** Whether the server does not let us in, or we do not trust it: trying again does not help. */
export function isRefusal(error: unknown): boolean {
  const word = wordOf(error)
  return ofNobody.test(word) || unfit.test(word) || ['WRONGPASS', 'NOAUTH', 'NOPERM'].includes(codeOf(error))
}

function explained(error: Error): Error {
  const code = wordOf(error)
  if (!ofNobody.test(code) && !unfit.test(code)) return error
  const hint = ofNobody.test(code) ? ' (NODE_EXTRA_CA_CERTS may name a file of more authorities)' : ''
  const text = `its certificate is not trusted: ${error.message.replace(/:?\s*$/, '')}${hint}`
  return Object.assign(new Error(text, { cause: error }), { code })
}

function wordOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
