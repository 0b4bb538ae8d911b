import { needServers, type Server, type Servers } from './servers.ts'

export const redisServer: Server = { command: 'redis-server', debian: 'redis-server', homebrew: 'redis' }

/** Makes the certificates by which tests speak TLS with Redis. */
const openssl: Server = { command: 'openssl', debian: 'openssl', homebrew: 'openssl' }

/** Finds the `redis-server` that tests start and what else they need with it, or installs it. */
export function needRedis(): Promise<Servers> {
  return needServers([redisServer, openssl])
}
