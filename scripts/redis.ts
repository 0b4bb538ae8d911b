import { needServers, type Server, type Servers } from './servers.ts'

export const redisServer: Server = { command: 'redis-server', debian: 'redis-server', homebrew: 'redis' }

/** Finds the `redis-server` that tests start, or installs it. */
export function needRedis(): Promise<Servers> {
  return needServers([redisServer])
}
