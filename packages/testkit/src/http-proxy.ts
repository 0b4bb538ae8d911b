import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

/** An HTTP proxy as they stand in offices and hotels: it may not know WebSocket, and may hold answers back until they are whole. */
export interface HttpProxy extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Every request so far: `GET /ws` for one to upgrade. */
  readonly requests: readonly string[]
  /** Refuses upgrades with 400 from now on; open ones are reset. */
  refuseUpgrades(): void
  /** Lets new ones through. */
  allowUpgrades(): void
  /** From now on an upgrade is taken, and nothing comes through it; open ones fall silent, too. */
  swallowUpgrades(): void
  /** Passes an answer on when it has ended, and not before. */
  holdBack(): void
}

export async function startHttpProxy(target: number): Promise<HttpProxy> {
  const requests: string[] = []
  const sockets = new Set<Socket>()
  const upgraded = new Set<Socket>()
  const silent = new WeakSet<Socket>()
  let upgrades: 'allowed' | 'refused' | 'swallowed' = 'allowed'
  let holdsBack = false

  function keep(socket: Socket, among: Set<Socket>): void {
    among.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => among.delete(socket))
  }

  function pass(asked: IncomingMessage, answer: ServerResponse): void {
    requests.push(`${asked.method} ${asked.url}`)
    const { method, url, headers } = asked
    const passed = request({ host: '127.0.0.1', port: target, method, path: url, headers, agent: false })
    passed.on('socket', (socket) => keep(socket, sockets))
    passed.on('error', () => answer.destroy())
    passed.on('response', (response) => {
      const begin = () => answer.writeHead(response.statusCode ?? 502, response.headers)
      response.on('error', () => answer.destroy())
      if (holdsBack) {
        const held: Buffer[] = []
        response.on('data', (bytes: Buffer) => held.push(bytes))
        response.on('end', () => begin().end(Buffer.concat(held)))
      } else {
        begin().flushHeaders()
        response.pipe(answer)
      }
    })
    answer.on('close', () => passed.destroy())
    asked.pipe(passed)
  }

  const server = createServer(pass)
  server.on('connection', (socket) => keep(socket, sockets))
  server.on('upgrade', (asked: IncomingMessage, near: Socket, head: Buffer) => {
    requests.push(`${asked.method} ${asked.url}`)
    if (upgrades === 'refused') return void near.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n')
    const far = connect(target, '127.0.0.1')
    keep(near, upgraded)
    keep(far, upgraded)
    const lines = asked.rawHeaders.flatMap((name, i, all) => (i % 2 === 0 ? [`${name}: ${all[i + 1]}`] : []))
    far.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    far.write(head)
    // The answer to the upgrade is one write of the hub's, and nothing is said before the page has spoken.
    let answered = false
    if (upgrades === 'swallowed') silent.add(near)
    near.on('data', (bytes) => silent.has(near) || far.write(bytes))
    far.on('data', (bytes) => {
      if (!silent.has(near) || !answered) near.write(bytes)
      answered = true
    })
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    requests,
    refuseUpgrades() {
      upgrades = 'refused'
      for (const socket of upgraded) socket.resetAndDestroy()
    },
    allowUpgrades() {
      upgrades = 'allowed'
    },
    swallowUpgrades() {
      upgrades = 'swallowed'
      for (const socket of upgraded) silent.add(socket)
    },
    holdBack() {
      holdsBack = true
    },
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets, ...upgraded]) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
