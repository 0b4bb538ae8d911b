import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** Stands at a hub's port and leads to its nodes in turn, as a proxy in front of several machines would. */
export interface Turns {
  /** How many pages are led to the node at this port by WebSocket. */
  pagesAt(node: number): number
  close(): Promise<void>
}

/**
 * Pages that open a WebSocket take turns among themselves, whatever else they load: so two tabs are at two nodes. A node that
 * cannot be reached is passed over.
 */
export async function startTurns(port: number, nodes: readonly number[]): Promise<Turns> {
  const near = new Set<Socket>()
  const pages = new Map(nodes.map((node) => [node, 0]))
  const begun = { page: 0, other: 0 }

  async function lead(from: Socket): Promise<void> {
    const [first] = (await once(from, 'data')) as [Buffer]
    from.pause()
    const kind = /^GET \/ws[ ?]/.test(first.toString('latin1', 0, 8)) ? 'page' : 'other'
    const turn = begun[kind]++
    const found = await reach(nodes.map((_, index) => nodes[(turn + index) % nodes.length] ?? 0))
    if (from.destroyed || !found) {
      from.destroy()
      found?.to.destroy()
      return
    }
    const { node, to } = found
    if (kind === 'page') {
      count(node, 1)
      to.once('close', () => count(node, -1))
    }
    // Whoever is cut off on one side is cut off on the other, too.
    to.on('error', () => from.resetAndDestroy()).on('close', () => from.destroy())
    from.on('close', () => to.destroy())
    to.write(first)
    from.pipe(to)
    to.pipe(from)
  }

  function count(node: number, change: 1 | -1): void {
    pages.set(node, (pages.get(node) ?? 0) + change)
  }

  const server = createServer({ noDelay: true }, (from) => {
    near.add(from)
    // An error is followed by 'close', which says all that is needed.
    from.on('error', () => {}).once('close', () => near.delete(from))
    lead(from).catch(() => from.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')

  return {
    pagesAt: (node) => pages.get(node) ?? 0,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const from of near) from.destroy()
      await closed
    },
  }
}

/** The first of them that can be reached. */
async function reach(nodes: readonly number[]): Promise<{ node: number; to: Socket } | undefined> {
  for (const node of nodes) {
    const to = connect({ port: node, host: '127.0.0.1', noDelay: true })
    try {
      await once(to, 'connect')
      return { node, to }
    } catch {
      to.destroy()
    }
  }
  return undefined
}
