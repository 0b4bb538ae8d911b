import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** Leads each new line to the next of several ports, whoever it is from. A port where nobody listens is passed over. */
export interface Balancer extends AsyncDisposable {
  readonly port: number
}

export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const open = new Set<Socket>()
  let turn = 0

  async function lead(near: Socket): Promise<void> {
    keep(near)
    const far = await reach()
    if (far === undefined || near.destroyed) {
      far?.destroy()
      near.resetAndDestroy()
      return
    }
    keep(far)
    join(near, far)
    join(far, near)
  }

  async function reach(): Promise<Socket | undefined> {
    const first = turn++
    for (let passed = 0; passed < ports.length; passed++) {
      const found = await tryPort(ports[(first + passed) % ports.length] ?? 0)
      if (found !== undefined) return found
    }
    return undefined
  }

  function keep(socket: Socket): void {
    socket.setNoDelay(true)
    open.add(socket)
    // An error is followed by 'close'.
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  }

  const server = createServer({ allowHalfOpen: true }, (near) => void lead(near))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

/** Undefined where nobody listens. */
function tryPort(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.once('connect', () => resolve(socket))
    socket.once('error', () => resolve(undefined))
  })
}

function join(from: Socket, to: Socket): void {
  from.pipe(to)
  // What broke on one side breaks on the other: an end alone is passed on by the pipe.
  from.on('close', (broken) => {
    if (broken) to.resetAndDestroy()
    else to.destroySoon()
  })
}
