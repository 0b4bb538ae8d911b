import { needServers, type Servers } from './servers.ts'

/** Finds the `redis-server` that tests start, or installs it. */
export function needRedis(): Promise<Servers> {
  return needServers([{ command: 'redis-server', debian: 'redis-server', homebrew: 'redis' }])
}
