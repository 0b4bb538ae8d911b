import { createServer } from 'node:net'

/**
 * A port that stays free while the server is down: below those that the system gives to outgoing lines, so that none of the
 * reconnecting pages of a test can take it.
 */
export function freePort(): Promise<number> {
  return pick(20_000, 32_000, isFree)
}

/** What lies between the port of a node of a Redis Cluster and the one that the nodes speak by among themselves. */
const busDistance = 10_000

/** The same for a node of a Redis Cluster, which takes a second port. */
export function freePortWithBus(): Promise<number> {
  return pick(20_000, 22_700, async (port) => (await isFree(port)) && (await isFree(port + busDistance)))
}

async function pick(low: number, high: number, suits: (port: number) => Promise<boolean>): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = low + Math.floor(Math.random() * (high - low))
    if (await suits(port)) return port
  }
  throw new Error(`no free port between ${low} and ${high}`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, () => resolve(true))
  })
  if (free) await new Promise<void>((resolve) => server.close(() => resolve()))
  return free
}
