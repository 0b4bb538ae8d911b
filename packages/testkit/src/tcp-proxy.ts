import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that carries bytes until the test takes the line away. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** How many lines are open. */
  readonly lines: number
  /** How many lines were ever asked for, refused ones included. */
  readonly asked: number
  /** Resets every line, in both directions. New ones are accepted. */
  cut(): void
  /**
   * Cuts every line when so many more bytes were carried, counted in both directions and over all lines: in the middle of a
   * frame, or before an answer. Settles then. Another call takes its place.
   */
  cutAfter(bytes: number): Promise<void>
  /** Resets the near ends alone: the far ones stay open and hear nothing of it, until the next cut. What is under way still arrives there. */
  abandon(): void
  /** Carries nothing any more and says so to nobody, as a cable that was pulled: lines stay open and silent, new ones too. */
  stop(): void
  /** The same for the lines that are open, as by a router that forgot them. New ones are carried. */
  lose(): void
  /** Resets every new line at once. Open ones live on. */
  refuse(): void
  /** Carries again, what was held back by {@link stop} or {@link lose} first. */
  go(): void
  /** Where new lines lead from now on. */
  lead(port: number): void
  /** How bytes are carried from now on; without anything, as they come. */
  shape(shape: Shape): void
}

/** How bytes travel. */
export interface Shape {
  /** Milliseconds that each byte is on its way. */
  readonly delay?: number
  /** How many bytes, at least one, the next piece has. Each piece is written by itself. */
  readonly piece?: () => number
}

interface Line {
  readonly near: Socket
  readonly far: Socket
  held: boolean
  abandoned: boolean
  /** Writes what is due, in either direction. */
  readonly pumps: (() => void)[]
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const lines = new Set<Line>()
  let port = target
  let asked = 0
  let mode: 'going' | 'stopped' | 'refusing' = 'going'
  let shape: Shape = {}
  let budget: { left: number; spent: () => void } | undefined

  function open(near: Socket): void {
    asked++
    if (mode === 'refusing') {
      near.resetAndDestroy()
      return
    }
    const line: Line = { near, far: connect(port, '127.0.0.1'), held: mode === 'stopped', abandoned: false, pumps: [] }
    lines.add(line)
    carry(line, near, line.far)
    carry(line, line.far, near)
  }

  function carry(line: Line, from: Socket, to: Socket): void {
    const waiting: { readonly bytes: Buffer; readonly due: number }[] = []
    let ended = false

    function pump(): void {
      if (line.held) return
      const [first] = waiting
      if (first === undefined) {
        if (ended) to.end()
      } else if (first.due > Date.now()) setTimeout(pump, first.due - Date.now())
      else {
        waiting.shift()
        write(first.bytes)
        // in a turn of its own, so that the piece before is on its way alone
        if (waiting.length > 0 || ended) setImmediate(pump)
      }
    }

    function write(bytes: Buffer): void {
      if (to.destroyed) return
      if (budget !== undefined && bytes.length >= budget.left) {
        const { left, spent } = budget
        budget = undefined
        // a reset would overtake these bytes: they arrive, and then an end
        to.write(bytes.subarray(0, left))
        to.destroySoon()
        lines.delete(line)
        from.resetAndDestroy()
        cut()
        spent()
        return
      }
      if (budget !== undefined) budget.left -= bytes.length
      if (!to.write(bytes)) from.pause()
    }

    line.pumps.push(pump)
    from.setNoDelay(true)
    from.on('data', (bytes) => {
      const { delay = 0, piece } = shape
      if (delay === 0 && piece === undefined && waiting.length === 0 && !line.held) return write(bytes)
      const idle = waiting.length === 0
      for (let rest = bytes; rest.length > 0; ) {
        const size = piece?.() ?? rest.length
        waiting.push({ bytes: rest.subarray(0, size), due: Date.now() + delay })
        rest = rest.subarray(size)
      }
      if (idle) pump()
    })
    to.on('drain', () => {
      if (!line.held) from.resume()
    })
    from.on('end', () => {
      ended = true
      if (waiting.length === 0) pump()
    })
    // An error is followed by 'close', which says all that is needed.
    from.on('error', () => {})
    from.on('close', (broken) => {
      if (line.held || line.abandoned) return
      if (broken) to.resetAndDestroy()
      forget(line)
    })
    if (line.held) from.pause()
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

  function lose(): void {
    for (const line of lines) {
      line.held = true
      line.near.pause()
      line.far.pause()
    }
  }

  const server = createServer({ allowHalfOpen: true }, open)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    get lines() {
      return lines.size
    },
    get asked() {
      return asked
    },
    cut,
    abandon() {
      for (const line of lines) {
        line.abandoned = true
        line.near.resetAndDestroy()
        line.far.resume()
      }
    },
    cutAfter(bytes) {
      return new Promise((spent) => {
        budget = { left: bytes, spent }
      })
    },
    stop() {
      mode = 'stopped'
      lose()
    },
    lose,
    refuse() {
      mode = 'refusing'
    },
    go() {
      mode = 'going'
      for (const line of lines) {
        if (!line.held) continue
        line.held = false
        // One end went while nothing was carried: the other hears of it now.
        if (line.near.destroyed || line.far.destroyed) {
          line.near.resetAndDestroy()
          line.far.resetAndDestroy()
          lines.delete(line)
        } else {
          line.near.resume()
          line.far.resume()
          for (const pump of line.pumps) pump()
        }
      }
    },
    lead(to) {
      port = to
    },
    shape(to) {
      shape = to
    },
    async [Symbol.asyncDispose]() {
      cut()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
