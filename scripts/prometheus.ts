import { needServers, type Servers } from './servers.ts'

/** Finds the tool of Prometheus by which tests try the alerts, or installs it. */
export function needPromtool(): Promise<Servers> {
  return needServers([{ command: 'promtool', debian: 'prometheus', homebrew: 'prometheus' }])
}
