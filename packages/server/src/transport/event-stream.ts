import { closeCodes } from '@hookbox/protocol'
import type { Cancel, Clock } from '../clock.ts'
import type { Signals } from '../signals/signals.ts'
import type { Batch } from './batch.ts'
import { cutReason } from './close-reason.ts'
import { type NumberedMessage, NumberedMessages } from './numbered-messages.ts'
import { type Line, Outbox } from './outbox.ts'
import { type Post, Posts } from './posts.ts'
import type { PreparedFrame } from './prepared-frame.ts'
import { closeEvent, messageEvent, padding, sessionEvent, streamHeaders } from './stream-events.ts'
import type { Session, Transport } from './transport.ts'

/** Milliseconds that a page without a stream may take to ask for it again; beyond it the session has ended with 1006. */
export const awayTime = 10_000

/** As of a WebSocket whose line broke (RFC 6455 §7.1.5). */
const brokeOff = 1006

/** Milliseconds that a page may take to read the close. */
const closeGrace = 5_000
/** Whoever does not read will not read the close either. */
const slowGrace = 1_000

/** What a stream, or the answer to one poll, is written to: an HTTP response, or one that another node passes on. */
export interface StreamResponse {
  /** Bytes that were written and have not left. */
  readonly writableLength: number
  writeHead(status: number, headers: { readonly [name: string]: string }): unknown
  flushHeaders(): void
  write(text: string, sent: () => void): unknown
  end(text?: string, sent?: () => void): unknown
  destroy(): unknown
  on(event: 'close', hear: () => void): unknown
  once(event: 'close', hear: () => void): unknown
  off(event: 'close', hear: () => void): unknown
}

/** Told by a transport to whoever keeps it. */
export interface StreamKeeper {
  /** The page has no stream and may come back for a while. */
  away(): void
  /** It has come back. */
  back(): void
  /** Nobody needs to find the session any more. */
  over(): void
}

/**
 * A page that reads an event stream, or by long polling, and speaks by POSTs. Every message down has a number; what a page
 * says that it lacks is written again. So a stream may break and be taken up again, and one poll follows another, without
 * the session hearing of it.
 */
export class EventStreamTransport implements Transport {
  readonly #secret: string
  readonly #clock: Clock
  readonly #keeper: StreamKeeper
  readonly #signals: Signals
  readonly #messages = new NumberedMessages()
  readonly #outbox: Outbox
  readonly #posts: Posts
  #session: Session | undefined
  /** What can be written to at present: a stream, or a poll that is not answered yet. */
  #response: StreamResponse | undefined
  #poll = false
  #opened = false
  /** Bytes that were written before and are on their way again: they do not count as unread a second time. */
  #repeated = 0
  /** Why it ends, as soon as that is decided. */
  #closing: { readonly code: number; readonly reason: string; readonly grace: number } | undefined
  #toldEnd = false
  #over = false
  #stopping = false
  #stopTimer: Cancel = () => {}

  constructor(secret: string, clock: Clock, signals: Signals, keeper: StreamKeeper) {
    this.#secret = secret
    this.#clock = clock
    this.#keeper = keeper
    this.#signals = signals
    const transport = this
    const line: Line = {
      get unsent() {
        return transport.#unsent
      },
      write(message, onSent) {
        transport.#messages.add(message.bytes, onSent)
        transport.#deliver()
      },
      overflowed: () => this.#overflowed(),
    }
    this.#outbox = new Outbox(line, signals)
    this.#posts = new Posts((post) => this.#received(post))
  }

  get kind(): 'event-stream' | 'long-polling' {
    return this.#poll ? 'long-polling' : 'event-stream'
  }

  get buffered(): number {
    return this.#outbox.buffered
  }

  /** The number of the newest message that was written. */
  get written(): number {
    return this.#messages.written
  }

  /** From here on the session hears what comes. */
  serve(session: Session): void {
    this.#session = session
  }

  send(frame: PreparedFrame): void {
    if (this.#closing === undefined) this.#outbox.add(frame)
  }

  sendMissed(frames: readonly PreparedFrame[]): void {
    if (this.#closing === undefined) this.#outbox.addMissed(frames)
  }

  follow(batch: Batch): void {
    if (this.#closing === undefined) this.#outbox.follow(batch)
  }

  unfollow(batch: Batch): void {
    this.#outbox.unfollow(batch)
  }

  close(code: number, reason: string): void {
    if (this.#closing !== undefined) return
    this.#outbox.flush()
    this.#end(code, reason, closeGrace)
  }

  /** Applies a POST in its order. False where too much waits for one before it. */
  take(post: Post): boolean {
    return this.#posts.take(post)
  }

  /** All messages up to this number have arrived. */
  arrived(number: number): void {
    this.#messages.arrived(number)
  }

  /**
   * The page reads from here on. An older stream, which may only seem alive, ends. False where messages that the page lacks
   * are forgotten: then the session has ended.
   */
  attach(response: StreamResponse, poll: boolean): boolean {
    const { missing } = this.#messages
    if (missing === undefined) {
      this.#finish(brokeOff, 'the page was away too long')
      return false
    }
    const older = this.#response
    this.#response = response
    this.#poll = poll
    older?.end()
    this.#stopTimer()
    this.#keeper.back()
    response.writeHead(200, streamHeaders)
    response.on('close', () => this.#broke(response))
    const first = `${poll ? '' : padding}${this.#opened ? '' : sessionEvent(this.#secret)}`
    this.#opened = true
    const again = missing.map(messageEvent).join('')
    this.#repeated = poll ? 0 : Buffer.byteLength(again)
    this.#deliver(first + again)
    if (this.#response !== undefined) response.flushHeaders()
    return true
  }

  /** Ends at once where the page is away, and waits for nobody from here on: the hub stops. */
  stop(): void {
    this.#stopping = true
    if (this.#response === undefined) this.#finish(closeCodes.stopping, 'the hub is stopping')
  }

  /** The page does not come back. */
  giveUp(): void {
    this.#finish(brokeOff, 'the page did not come back')
  }

  get #unsent(): number {
    const written = Math.max(0, (this.#response?.writableLength ?? 0) - this.#repeated)
    return this.#messages.waitingBytes + written
  }

  /** Writes what waits, if there is something to write to. A poll is answered by it; a close is the last. */
  #deliver(first = ''): void {
    const response = this.#response
    if (response === undefined) return
    const taken = this.#messages.takeWaiting()
    const close = this.#closing ? closeEvent(this.#closing.code, this.#closing.reason) : ''
    const text = first + taken.map(messageEvent).join('') + close
    if (text === '') return
    const sent = this.#tellSent(response, taken)
    if (!this.#poll && close === '') return void response.write(text, sent)
    response.end(text, sent)
    if (this.#closing === undefined) return this.#leave()
    this.#stopTimer()
    this.#stopTimer = this.#clock.after(this.#closing.grace, () => response.destroy())
  }

  /** Once, and also where the response breaks before: Node leaves some callbacks of a broken one uncalled. */
  #tellSent(response: StreamResponse, taken: readonly NumberedMessage[]): () => void {
    const sent = () => {
      response.off('close', sent)
      if (this.#response === response) this.#repeated = 0
      for (const { onSent } of waiting.splice(0)) onSent?.()
    }
    const waiting = taken.filter(({ onSent }) => onSent !== undefined)
    if (waiting.length > 0) response.once('close', sent)
    return sent
  }

  #received({ message, close }: Post): void {
    if (this.#closing !== undefined) return
    this.#signals.receivedBytes += Buffer.byteLength(message)
    if (message !== '') this.#session?.received(message)
    if (close !== undefined) this.#finish(close.code, cutReason(close.reason))
  }

  #broke(response: StreamResponse): void {
    if (this.#response !== response) return
    this.#leave()
  }

  /** There is nothing to write to until the page asks again. */
  #leave(): void {
    this.#response = undefined
    if (this.#closing !== undefined) this.#tellEnd()
    // A page that has said nothing has nothing to come back for.
    else if (!this.#poll && !this.#posts.begun) return this.giveUp()
    this.#wait()
  }

  /** Also after a close, so that a page which has not read it yet learns why. */
  #wait(): void {
    this.#stopTimer()
    if (this.#over) return
    if (this.#stopping) return this.#finish(closeCodes.stopping, 'the hub is stopping')
    this.#stopTimer = this.#clock.after(awayTime, () => this.giveUp())
    this.#keeper.away()
  }

  #overflowed(): void {
    this.#messages.discard()
    this.#end(closeCodes.slow, 'reading too slowly', slowGrace)
  }

  #end(code: number, reason: string, grace: number): void {
    if (this.#closing !== undefined) return
    this.#closing = { code, reason: cutReason(reason), grace }
    this.#outbox.discard()
    if (this.#response === undefined) this.#leave()
    else this.#deliver()
  }

  /** Ends without a word to the page: it has ended the session itself, or is not there. */
  #finish(code: number, reason: string): void {
    if (this.#over) return
    this.#over = true
    this.#stopTimer()
    this.#closing ??= { code, reason, grace: 0 }
    this.#outbox.discard()
    this.#messages.discard()
    const response = this.#response
    this.#response = undefined
    response?.end()
    this.#tellEnd()
    this.#keeper.over()
  }

  #tellEnd(): void {
    if (this.#toldEnd || this.#closing === undefined) return
    this.#toldEnd = true
    this.#session?.closed(this.#closing.code, this.#closing.reason)
  }
}
