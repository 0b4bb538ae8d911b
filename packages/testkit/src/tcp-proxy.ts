import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that carries bytes until the test takes the line away. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** How many lines are open. */
  readonly lines: number
  /** Resets every line, in both directions. New ones are accepted. */
  cut(): void
  /** Carries nothing any more and says so to nobody, as a cable that was pulled: lines stay open and silent, new ones too. */
  stop(): void
  /** Resets every new line at once. Open ones live on. */
  refuse(): void
  /** Carries again, what was held back by {@link stop} first. */
  go(): void
  /** Where new lines lead from now on. */
  lead(port: number): void
}

interface Line {
  readonly near: Socket
  readonly far: Socket
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const lines = new Set<Line>()
  let port = target
  let mode: 'going' | 'stopped' | 'refusing' = 'going'

  function open(near: Socket): void {
    if (mode === 'refusing') {
      near.resetAndDestroy()
      return
    }
    const line: Line = { near, far: connect(port, '127.0.0.1') }
    lines.add(line)
    carry(line, near, line.far)
    carry(line, line.far, near)
  }

  function carry(line: Line, from: Socket, to: Socket): void {
    from.setNoDelay(true)
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (mode !== 'stopped') from.resume()
    })
    from.on('end', () => to.end())
    // An error is followed by 'close', which says all that is needed.
    from.on('error', () => {})
    from.on('close', (broken) => {
      if (mode === 'stopped') return
      if (broken) to.resetAndDestroy()
      forget(line)
    })
    if (mode === 'stopped') from.pause()
  }

  function forget(line: Line): void {
    if (line.near.closed && line.far.closed) lines.delete(line)
  }

  function cut(): void {
    for (const { near, far } of lines) {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    lines.clear()
  }

  const server = createServer({ allowHalfOpen: true }, open)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    get lines() {
      return lines.size
    },
    cut,
    stop() {
      mode = 'stopped'
      for (const { near, far } of lines) {
        near.pause()
        far.pause()
      }
    },
    refuse() {
      mode = 'refusing'
    },
    go() {
      mode = 'going'
      for (const line of lines) {
        // One end went while nothing was carried: the other hears of it now.
        if (line.near.destroyed || line.far.destroyed) {
          line.near.resetAndDestroy()
          line.far.resetAndDestroy()
          lines.delete(line)
        } else {
          line.near.resume()
          line.far.resume()
        }
      }
    },
    lead(to) {
      port = to
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
