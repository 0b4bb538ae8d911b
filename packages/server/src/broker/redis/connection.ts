import { isIP } from 'node:net'
import type { Redis } from 'ioredis'

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

/** What is wrong with the other side's certificate, by Node's words for it. */
const distrusted =
  /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(VERIFY|GET_ISSUER)|INVALID_CA|HOSTNAME_MISMATCH|ERR_TLS_CERT_)/

/**
 * A connection that is made when `connect` is called, once. `failed` hears of each error; whoever does not know the authority
 * behind the server's certificate gets one that says so (see {@link isDistrust}).
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

/** Whether it is the server's certificate that keeps us out: trying again does not help. */
export function isDistrust(error: unknown): boolean {
  return error instanceof Error && 'code' in error && distrusted.test(String(error.code))
}

function explained(error: Error): Error {
  if (!isDistrust(error)) return error
  const isAnothers = 'code' in error && error.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
  const hint = isAnothers ? '' : ' (NODE_EXTRA_CA_CERTS may name a file of more authorities)'
  const text = `its certificate is not trusted: ${error.message.replace(/:?\s*$/, '')}${hint}`
  return Object.assign(new Error(text, { cause: error }), { code: 'code' in error && error.code })
}
