import type { PreparedFrame } from './prepared-frame.ts'

/** Where an outbox puts what is due. */
export interface Line {
  /** Bytes that were written and have not left this process. */
  readonly unsent: number
  write(message: Buffer): void
  /** More is unread than the bound allows. Nothing is kept afterwards. */
  overflowed(): void
}

/** Bytes that may be unread on one connection; beyond it, it is closed with 4508. */
export const maxUnread = 1_048_576

/**
 * Frames on their way to one page. What is queued in one turn of the event loop leaves as one message, frames separated by
 * line feeds; whoever reads too slowly is given up, so that nobody fills the hub's memory.
 */
export class Outbox {
  readonly #line: Line
  readonly #bound: number
  #queue: PreparedFrame[] = []
  #bytes = 0
  #ended = false

  constructor(line: Line, bound: number = maxUnread) {
    this.#line = line
    this.#bound = bound
  }

  /** Bytes that have not left this process, queued ones included. */
  get unread(): number {
    return this.#bytes + this.#line.unsent
  }

  add(frame: PreparedFrame): void {
    if (this.#ended) return
    this.#bytes += frame.bytes.length + (this.#queue.length === 0 ? 0 : 1)
    if (this.unread > this.#bound) {
      this.discard()
      this.#line.overflowed()
      return
    }
    this.#queue.push(frame)
    if (this.#queue.length === 1) afterThisTurn(this)
  }

  flush(): void {
    const [first] = this.#queue
    if (first === undefined) return
    const message = this.#queue.length === 1 ? first.bytes : join(this.#queue, this.#bytes)
    this.#queue = []
    this.#bytes = 0
    this.#line.write(message)
  }

  /** Forgets what is queued and takes nothing more. */
  discard(): void {
    this.#ended = true
    this.#queue = []
    this.#bytes = 0
  }
}

const lineFeed = 0x0a

function join(frames: readonly PreparedFrame[], length: number): Buffer {
  const message = Buffer.allocUnsafe(length)
  let end = 0
  for (const [index, { bytes }] of frames.entries()) {
    if (index > 0) message[end++] = lineFeed
    message.set(bytes, end)
    end += bytes.length
  }
  return message
}

let due: Outbox[] = []

/** One wake-up for all outboxes of a turn: a fan-out fills thousands of them. */
function afterThisTurn(outbox: Outbox): void {
  if (due.length === 0) setImmediate(flushAll)
  due.push(outbox)
}

function flushAll(): void {
  const outboxes = due
  due = []
  for (const outbox of outboxes) outbox.flush()
}
