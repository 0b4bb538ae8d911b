import type { Signals } from '../signals/signals.ts'
import type { Batch, Follower } from './batch.ts'
import { Message } from './message.ts'
import type { PreparedFrame } from './prepared-frame.ts'
import { flushAfterTurn } from './turn.ts'

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
export class Outbox implements Follower {
  readonly #line: Line
  readonly #traffic: Traffic
  readonly #bound: number
  /** How often each is in the queue: a page may ask twice for the same. */
  #missed: Map<PreparedFrame, number> | undefined
  #queue: PreparedFrame[] = []
  /** Its frames from `#from` on come behind the queue. */
  #batch: Batch | undefined
  #from = 0
  /** Of the frames in the queue that count. */
  #bytes = 0
  #missedBytes = 0
  /** What was unsent when something was queued first, or written last: since then it has only shrunk, and is dear to ask for. */
  #unsent = 0
  /** It is flushed when this turn is over. */
  #due = false
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
    this.#takeFromBatch()
    return this.#bytes + this.#line.unsent
  }

  /** Bytes that have not left this process. */
  get buffered(): number {
    return this.unread + this.#missedBytes
  }

  add(frame: PreparedFrame): void {
    this.#takeFromBatch()
    if (this.#ended) return
    this.#flushLater()
    this.#push(frame)
  }

  /** What the page missed, in order; what is added later leaves behind it. */
  addMissed(frames: readonly PreparedFrame[]): void {
    this.#takeFromBatch()
    if (this.#ended || frames.length === 0) return
    this.#flushLater()
    if (this.#queue.length === 0) this.#unsent = this.#line.unsent
    this.#missed ??= new Map()
    for (const frame of frames) {
      this.#missed.set(frame, (this.#missed.get(frame) ?? 0) + 1)
      this.#missedBytes += frame.length
      this.#queue.push(frame)
    }
  }

  /** What the batch gets from here on, until its turn is over, is for this page as well, in order with all else. */
  follow(batch: Batch): void {
    this.#takeFromBatch()
    if (this.#ended) return
    batch.turnBack(this)
    this.#batch = batch
    this.#from = batch.frames.length
    this.#flushLater()
  }

  /** What the batch gets from here on is not for this page. */
  unfollow(batch: Batch): void {
    if (this.#batch === batch) this.#takeFromBatch()
    batch.turnBack(this)
  }

  resume(batch: Batch): void {
    this.follow(batch)
  }

  flush(): void {
    this.#due = false
    const batch = this.#batch
    if (batch?.over && this.#from === 0 && this.#queue.length === 0) return this.#flushBatch(batch)
    this.#takeFromBatch()
    if (this.#waiting || this.#queue.length === 0) return
    if (this.#missed !== undefined) return this.#flushPiece()
    const frames = this.#queue
    this.#queue = []
    this.#bytes = 0
    this.#write(messageOf(frames))
  }

  /** Forgets what is queued and takes nothing more. */
  discard(): void {
    this.#ended = true
    if (this.#batch) this.unfollow(this.#batch)
    this.#queue = []
    this.#missed = undefined
    this.#bytes = 0
    this.#missedBytes = 0
  }

  /** There is nothing else for this page: it gets what all get. */
  #flushBatch(batch: Batch): void {
    this.#batch = undefined
    if (batch.length === 0) return
    if (batch.length + this.#line.unsent > this.#bound) this.#overflow()
    else this.#write(batch.message)
  }

  /** What it has of a batch so far comes before whatever is next. */
  #takeFromBatch(): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    if (!batch.over) batch.turnAway(this)
    const { frames } = batch
    for (let index = this.#from; index < frames.length && !this.#ended; index++)
      this.#push(frames[index] as PreparedFrame)
  }

  #push(frame: PreparedFrame): void {
    if (this.#queue.length === 0) this.#unsent = this.#line.unsent
    else this.#bytes++
    this.#bytes += frame.length
    if (this.#bytes + this.#unsent > this.#bound) this.#overflow()
    else this.#queue.push(frame)
  }

  #overflow(): void {
    this.discard()
    this.#line.overflowed()
  }

  #flushLater(): void {
    if (this.#due) return
    this.#due = true
    flushAfterTurn(this)
  }

  #flushPiece(): void {
    let length = 0
    let count = 0
    for (const frame of this.#queue) {
      if (count > 0 && length + frame.length > pieceOfMissed) break
      length += frame.length + 1
      count++
    }
    const piece = this.#queue.splice(0, count)
    for (const frame of piece) {
      if (this.#takeMissed(frame)) this.#missedBytes -= frame.length
      else this.#bytes = Math.max(0, this.#bytes - frame.length - 1)
    }
    this.#waiting = this.#queue.length > 0
    this.#write(messageOf(piece), () => {
      this.#waiting = false
      this.flush()
    })
    this.#unsent = this.#line.unsent
  }

  #write(message: Message, onSent?: () => void): void {
    this.#traffic.sentFrames += message.frames.length
    this.#traffic.sentBytes += message.length
    this.#line.write(message, onSent)
  }

  #takeMissed(frame: PreparedFrame): boolean {
    const times = this.#missed?.get(frame)
    if (times === undefined) return false
    if (times > 1) this.#missed?.set(frame, times - 1)
    else this.#missed?.delete(frame)
    if (this.#missed?.size === 0) this.#missed = undefined
    return true
  }
}

/** The last one that left: what is no channel's may go to many as well. */
let last: Message | undefined

function messageOf(frames: readonly PreparedFrame[]): Message {
  if (last?.isOf(frames)) last.isShared = true
  else last = new Message(frames)
  return last
}
