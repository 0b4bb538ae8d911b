import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Service } from './start-processes.ts'

export const root: string = fileURLToPath(new URL('..', import.meta.url))

/** Known to all, so that the line at the end can be pasted: it opens no more than the demos on this machine. */
export const restSecret: string = process.env.HOOKBOX_API_SECURITY_TOKEN || 'a-secret-for-trying-hookbox-out'

/** Of the demos' consoles; likewise. */
export const adminPassword: string = process.env.HOOKBOX_ADMIN_PASSWORD || 'a-password-for-trying-hookbox-out'

export interface Demo {
  demo: 'chat' | 'graph' | 'cards'
  port: number
  hubPort: number
  watch: boolean
  /** Where the hub is several processes: the ports of these, and the Redis that they share. */
  shared: { nodePorts: readonly number[]; redisUrl: string } | undefined
}

/** A web application and the hub that asks it, with a secret that only these two share. */
export interface Pair {
  application: Service
  /** One process, or one for each node. */
  hub: Service[]
}

export function pairOf({ demo, port, hubPort, watch, shared }: Demo): Pair {
  const secret = randomBytes(24).toString('base64url')
  const secrets = { HOOKBOX_WEBHOOK_SECRET: secret, HOOKBOX_API_SECURITY_TOKEN: restSecret }
  const application = {
    name: `The ${demo}`,
    args: [...node(watch), join(root, `apps/${demo}/server.ts`)],
    env: { PORT: `${port}`, HOOKBOX_PORT: `${hubPort}`, ...secrets },
    readyAt: [`http://127.0.0.1:${port}/health`],
  }
  const hub = (name: string, listensAt: number, env: Record<string, string>) => ({
    name,
    args: [
      ...hubCommand(watch),
      ...['--port', `${listensAt}`, '--interface', '127.0.0.1'],
      ...['--cbhost', '127.0.0.1', '--cbport', `${port}`, '--cbpath', '/hookbox'],
      // Less than the default, so that one sees soon that somebody has closed the page.
      ...['--linger', '5', '--log-level', 'warn'],
    ],
    // Not among the arguments, which every user of this machine can list.
    env: { ...secrets, HOOKBOX_ADMIN_PASSWORD: adminPassword, ...env },
    talks: true,
    readyAt: [`http://127.0.0.1:${listensAt}/health`, `http://127.0.0.1:${listensAt}/static/hookbox.js`],
  })
  if (!shared) return { application, hub: [hub(`The ${demo}'s hub`, hubPort, {})] }
  const env = { HOOKBOX_REDIS: shared.redisUrl, HOOKBOX_REDIS_PREFIX: `hookbox-demo-${demo}:`, HOOKBOX_DRAIN: '0' }
  const nodes = shared.nodePorts.map((nodePort, index) => ({
    ...hub(`Node ${index + 1} of the ${demo}'s hub`, nodePort, env),
    of: demo,
  }))
  return { application, hub: nodes }
}

export function node(watch: boolean): string[] {
  return [...(watch ? ['--watch', '--watch-preserve-output'] : []), '--import', 'tsx']
}

/** The command that a user installs; while watching, the same from its sources. */
function hubCommand(watch: boolean): string[] {
  if (!watch) return [join(root, 'packages/server/dist/cli.js')]
  return ['--conditions=@hookbox/source', ...node(true), join(root, 'packages/server/src/cli/main.ts')]
}
