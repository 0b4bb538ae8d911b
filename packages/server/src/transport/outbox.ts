import type { Signals } from '../signals/signals.ts'
import { Message } from './message.ts'
import type { PreparedFrame } from './prepared-frame.ts'

/** Where an outbox puts what is due. */
export interface Line {
  /** Bytes that were written and have not left this process. */
  readonly unsent: number
  /** `onSent` is called when the message has left this process, or never will. */
  write(message: Message, onSent?: () => void): void
  /** More is unread than the bound allows. Nothing is kept afterwards. */
  overflowed(): void
}

/** What is counted of all outboxes together. */
export type Traffic = Pick<Signals, 'sentFrames' | 'sentBytes'>

/** Bytes that may be unread on one connection; beyond it, it is closed with 4508. */
export const maxUnread = 1_048_576

/** Bytes of one message while there is something in the queue that the page missed. */
export const pieceOfMissed = 262_144

/**
 * Frames on their way to one page. What is queued in one turn of the event loop leaves as one message, frames separated by
 * line feeds; whoever reads too slowly is given up, so that nobody fills the hub's memory.
 *
 * What a page missed does not count as unread: the log keeps it anyway, and a page that was away longest must not be the one
 * that is closed for reading slowly. It leaves in pieces, each when the one before has left.
 */
export class Outbox {
  readonly #line: Line
  readonly #traffic: Traffic
  readonly #bound: number
  /** How often each is in the queue: a page may ask twice for the same. */
  readonly #missed = new Map<PreparedFrame, number>()
  #queue: PreparedFrame[] = []
  /** Of the frames that count. */
  #bytes = 0
  #missedBytes = 0
  /** What was unsent when something was queued first, or written last: since then it has only shrunk, and is dear to ask for. */
  #unsent = 0
  /** A piece is on its way, and more is queued behind it. */
  #waiting = false
  #ended = false

  constructor(line: Line, traffic: Traffic, bound: number = maxUnread) {
    this.#line = line
    this.#traffic = traffic
    this.#bound = bound
  }

  /** Bytes that count towards the bound: what has not left this process and was not missed. */
  get unread(): number {
    return this.#bytes + this.#line.unsent
  }

  /** Bytes that have not left this process. */
  get buffered(): number {
    return this.unread + this.#missedBytes
  }

  add(frame: PreparedFrame): void {
    if (this.#ended) return
    if (this.#queue.length === 0) this.#begin()
    else this.#bytes++
    this.#bytes += frame.bytes.length
    if (this.#bytes + this.#unsent > this.#bound) {
      this.discard()
      this.#line.overflowed()
    } else this.#queue.push(frame)
  }

  /** What the page missed, in order; what is added later leaves behind it. */
  addMissed(frames: readonly PreparedFrame[]): void {
    if (this.#ended || frames.length === 0) return
    if (this.#queue.length === 0) this.#begin()
    for (const frame of frames) {
      this.#missed.set(frame, (this.#missed.get(frame) ?? 0) + 1)
      this.#missedBytes += frame.bytes.length
      this.#queue.push(frame)
    }
  }

  flush(): void {
    if (this.#waiting || this.#queue.length === 0) return
    if (this.#missed.size > 0) return this.#flushPiece()
    const frames = this.#queue
    this.#queue = []
    this.#bytes = 0
    this.#write(frames)
  }

  /** Forgets what is queued and takes nothing more. */
  discard(): void {
    this.#ended = true
    this.#queue = []
    this.#missed.clear()
    this.#bytes = 0
    this.#missedBytes = 0
  }

  #begin(): void {
    afterThisTurn(this)
    this.#unsent = this.#line.unsent
  }

  #flushPiece(): void {
    let length = 0
    let count = 0
    for (const { bytes } of this.#queue) {
      if (count > 0 && length + bytes.length > pieceOfMissed) break
      length += bytes.length + 1
      count++
    }
    const piece = this.#queue.splice(0, count)
    for (const frame of piece) {
      if (this.#takeMissed(frame)) this.#missedBytes -= frame.bytes.length
      else this.#bytes = Math.max(0, this.#bytes - frame.bytes.length - 1)
    }
    this.#waiting = this.#queue.length > 0
    this.#write(piece, () => {
      this.#waiting = false
      this.flush()
    })
    this.#unsent = this.#line.unsent
  }

  #write(frames: readonly PreparedFrame[], onSent?: () => void): void {
    const message = messageOf(frames)
    this.#traffic.sentFrames += frames.length
    this.#traffic.sentBytes += message.length
    this.#line.write(message, onSent)
  }

  #takeMissed(frame: PreparedFrame): boolean {
    const times = this.#missed.get(frame)
    if (times === undefined) return false
    if (times > 1) this.#missed.set(frame, times - 1)
    else this.#missed.delete(frame)
    return true
  }
}

/** The last one that left in this turn: to all subscribers of a channel goes the same. */
let last: Message | undefined

function messageOf(frames: readonly PreparedFrame[]): Message {
  if (last?.isOf(frames)) last.isShared = true
  else last = new Message(frames)
  return last
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
  last = undefined
}
