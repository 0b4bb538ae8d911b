import { needServers, type Servers } from './servers.ts'

/** Finds the reverse proxies that tests start, or installs them. */
export function needProxies(): Promise<Servers> {
  return needServers([
    { command: 'nginx', debian: 'nginx', homebrew: 'nginx' },
    { command: 'haproxy', debian: 'haproxy', homebrew: 'haproxy' },
    { command: 'caddy', debian: 'caddy', homebrew: 'caddy' },
  ])
}
