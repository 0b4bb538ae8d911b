import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'

/** How bytes are carried that come in as one piece. */
export interface Pace {
  /** Milliseconds that they wait. */
  readonly delay: number
  /** They go on in pieces of at most so many bytes, each in a turn of the event loop of its own. */
  readonly slice: number
}

/** A TCP proxy that carries bytes until the test takes the line away. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** How many lines are open. */
  readonly lines: number
  /** Resets every line, in both directions. New ones are accepted. */
  cut(): void
  /** Cuts the open lines once that many more bytes were carried, in whichever direction: in the middle of a frame, or before an answer. */
  cutAfter(bytes: number): void
  /** Resets the near ends alone: the far ones stay open and hear nothing of it, until the next cut. What is under way still arrives there. */
  abandon(): void
  /** Asked for every piece of bytes from now on; undefined where it is to go on at once. Never changes their order. */
  shape(pace: () => Pace | undefined): void
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
  /** Bytes that it still carries. */
  left: number
  abandoned: boolean
}

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const lines = new Set<Line>()
  let port = target
  let pace: () => Pace | undefined = () => undefined
  let mode: 'going' | 'stopped' | 'refusing' = 'going'

  function open(near: Socket): void {
    if (mode === 'refusing') {
      near.resetAndDestroy()
      return
    }
    const line: Line = { near, far: connect(port, '127.0.0.1'), left: Number.POSITIVE_INFINITY, abandoned: false }
    lines.add(line)
    carry(line, near, line.far)
    carry(line, line.far, near)
  }

  function carry(line: Line, from: Socket, to: Socket): void {
    /** What came before and is under way: nothing overtakes it. */
    let before: Promise<void> | undefined
    from.setNoDelay(true)
    from.on('data', (bytes) => {
      const shaped = pace()
      if (shaped === undefined && before === undefined) return write(line, to, bytes, from)
      from.pause()
      const carried = (before ?? Promise.resolve()).then(() => carryShaped(line, to, bytes, shaped))
      before = carried
      void carried.then(() => {
        if (before !== carried) return
        before = undefined
        if (mode !== 'stopped') from.resume()
      })
    })
    to.on('drain', () => {
      if (mode !== 'stopped') from.resume()
    })
    from.on('end', () => void (before ?? Promise.resolve()).then(() => to.end()))
    // An error is followed by 'close', which says all that is needed.
    from.on('error', () => {})
    from.on('close', (broken) => {
      if (mode === 'stopped' || line.abandoned) return
      if (broken) to.resetAndDestroy()
      forget(line)
    })
    if (mode === 'stopped') from.pause()
  }

  function write(line: Line, to: Socket, bytes: Buffer, from?: Socket): void {
    if (to.destroyed) return
    const carried = bytes.subarray(0, line.left)
    line.left -= carried.length
    // Ended once the bytes have left: a reset overtakes what has not.
    const isFull = !to.write(carried, () => line.left === 0 && end(line))
    if (isFull) from?.pause()
  }

  async function carryShaped(line: Line, to: Socket, bytes: Buffer, shaped: Pace | undefined): Promise<void> {
    const { delay, slice } = shaped ?? { delay: 0, slice: bytes.length }
    if (delay > 0) await pause(delay)
    for (let sent = 0; sent < bytes.length; sent += slice) {
      write(line, to, bytes.subarray(sent, sent + slice))
      if (sent + slice < bytes.length) await turn()
    }
  }

  function end(line: Line): void {
    line.near.resetAndDestroy()
    line.far.resetAndDestroy()
    lines.delete(line)
  }

  function forget(line: Line): void {
    if (line.near.closed && line.far.closed) lines.delete(line)
  }

  function cut(): void {
    for (const line of lines) end(line)
  }

  const server = createServer({ allowHalfOpen: true }, open)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    get lines() {
      return lines.size
    },
    cut,
    cutAfter(bytes) {
      for (const line of lines) line.left = bytes
    },
    abandon() {
      for (const line of lines) {
        line.abandoned = true
        line.near.resetAndDestroy()
        // Read and thrown away: the hub must not find its line full.
        line.far.removeAllListeners('data').resume()
      }
    },
    shape(next) {
      pace = next
    },
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
