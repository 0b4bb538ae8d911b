import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { closeCodes, limits, subprotocol } from '@hookbox/protocol'
import { WebSocket, WebSocketServer } from 'ws'
import type { Cancel, Clock } from '../clock.ts'
import type { AccessLine, AccessLog } from '../log.ts'
import { refuseUpgrade, type Upgrade, upgradeLine } from '../requests.ts'
import type { Signals } from '../signals/signals.ts'
import type { Forwarded } from './address.ts'
import { arrivalOf } from './arrival.ts'
import type { Batch } from './batch.ts'
import { cutReason } from './close-reason.ts'
import type { Message } from './message.ts'
import type { Doorkeeper } from './origin.ts'
import { type Line, maxUnread, Outbox } from './outbox.ts'
import type { PreparedFrame } from './prepared-frame.ts'
import type { Accept, Session, Transport } from './transport.ts'

export interface WebSocketOptions {
  readonly doorkeeper: Doorkeeper
  readonly forwarded: (request: IncomingMessage) => Forwarded
  readonly accept: Accept
  readonly clock: Clock
  readonly access: AccessLog | undefined
  readonly signals: Signals
  /** What goes to several pages is compressed, where a page takes that. */
  readonly compression: boolean
}

/** What a page's fragments and chunks may cost; beyond it the connection is closed with 1008. */
const maxFragments = 64
const maxBufferedChunks = 4_096

/** Milliseconds that the other side has to answer a close. */
const closeGrace = 5_000
/** Whoever does not read will not read the close either. */
const slowGrace = 1_000

/** How long `ws` waits for the other side after a close that the page began; its types lack this option. */
const notInTypes = { closeTimeout: closeGrace }

/** Takes WebSockets in: first who may connect, then the upgrade, then the session. */
export function createAcceptUpgrade(options: WebSocketOptions): Upgrade {
  const { doorkeeper, forwarded, accept, clock, access, signals, compression } = options
  const server = new WebSocketServer({
    ...notInTypes,
    noServer: true,
    clientTracking: false,
    maxPayload: limits.message,
    maxFragments,
    maxBufferedChunks,
    // each message by itself: what is compressed once fits all, and nothing is kept in memory for a connection
    perMessageDeflate: compression && { serverNoContextTakeover: true, clientNoContextTakeover: true },
    autoPong: false,
    // A browser that offered something fails the handshake without an answer, and could not read why it is then closed.
    handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : ([...offered][0] ?? false)),
  })

  return function acceptUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { address, host } = forwarded(request)
    const refused = doorkeeper.refuseHost(request) ?? doorkeeper.refuseOrigin(request, host)
    if (refused !== undefined) {
      refuseUpgrade(socket, 403, refused)
      return access?.write(upgradeLine(request, address, 403))
    }
    const arrival = arrivalOf(request, address)
    server.handleUpgrade(request, socket, head, (webSocket) => {
      const onEnd = access && writeAtEnd(upgradeLine(request, address, 101), access, clock)
      const transport = new WebSocketTransport(webSocket, socket, { clock, signals, onEnd })
      if (webSocket.protocol === subprotocol) transport.serve(accept(transport, arrival))
      else transport.close(closeCodes.noCommonVersion, `expected the subprotocol ${subprotocol}`)
    })
  }
}

/** A function of its own, as a closure made beside the request would keep it in memory as long as the connection. */
function writeAtEnd(line: AccessLine, access: AccessLog, clock: Clock): (closeCode: number) => void {
  const started = clock.now()
  return (closeCode) => access.write({ ...line, duration: clock.now() - started, closeCode })
}

/** What a WebSocket's transport needs besides. */
interface WebSocketParts {
  readonly clock: Clock
  readonly signals: Signals
  readonly onEnd: ((code: number) => void) | undefined
}

/** What `ws` calls its listeners on. They are the same for all pages, as four functions for each would take half a kilobyte. */
interface Served extends WebSocket {
  [page]: WebSocketTransport
}

const page: unique symbol = Symbol('page')

function onMessage(this: WebSocket, data: WebSocket.RawData, isBinary: boolean): void {
  ;(this as Served)[page].received(data, isBinary)
}

function onPing(this: WebSocket, data: Buffer): void {
  ;(this as Served)[page].pong(data)
}

function onError(this: WebSocket, error: Error): void {
  ;(this as Served)[page].failed(error)
}

function onClose(this: WebSocket, code: number, reason: Buffer): void {
  ;(this as Served)[page].finished(code, reason.toString())
}

/** A page on a WebSocket. */
export class WebSocketTransport implements Transport, Line {
  readonly kind = 'websocket'
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  readonly #clock: Clock
  readonly #signals: Signals
  readonly #outbox: Outbox
  readonly #onEnd: ((code: number) => void) | undefined
  /** The page takes compressed messages. Asked for once: `ws` puts the text of what was agreed together each time. */
  readonly #takesCompressed: boolean
  #session: Session | undefined
  /** Why it ends, as soon as that is decided on this side. */
  #closing: { readonly code: number; readonly reason: string } | undefined
  #ended = false
  #stopGrace: Cancel | undefined

  constructor(webSocket: WebSocket, socket: Duplex, parts: WebSocketParts) {
    const { clock, signals, onEnd } = parts
    this.#webSocket = webSocket
    this.#socket = socket
    this.#clock = clock
    this.#signals = signals
    this.#onEnd = onEnd
    this.#takesCompressed = webSocket.extensions !== ''
    this.#outbox = new Outbox(this, signals)
    const served = webSocket as Served
    served[page] = this
    served.on('message', onMessage)
    served.on('ping', onPing)
    served.on('error', onError)
    served.on('close', onClose)
  }

  get unsent(): number {
    return this.#socket.writableLength
  }

  // past `ws`, which would make the same head anew for each page; it keeps nothing back that this could overtake
  write(message: Message, onSent?: () => void): void {
    if (this.#webSocket.readyState !== WebSocket.OPEN) return
    // one page's own may hold its ticket: the length of what is compressed together with it could give that away
    const isCompressed = message.isShared && this.#takesCompressed
    this.#socket.write(isCompressed ? message.compressedWebSocket : message.webSocket, onSent)
  }

  overflowed(): void {
    this.#end(closeCodes.slow, 'reading too slowly', slowGrace)
  }

  get buffered(): number {
    return this.#outbox.buffered
  }

  /** From here on the session hears what comes. */
  serve(session: Session): void {
    this.#session = session
  }

  send(frame: PreparedFrame): void {
    if (this.#isOpen) this.#outbox.add(frame)
  }

  sendMissed(frames: readonly PreparedFrame[]): void {
    if (this.#isOpen) this.#outbox.addMissed(frames)
  }

  follow(batch: Batch): void {
    if (this.#isOpen) this.#outbox.follow(batch)
  }

  unfollow(batch: Batch): void {
    this.#outbox.unfollow(batch)
  }

  close(code: number, reason: string): void {
    if (!this.#isOpen) return
    this.#outbox.flush()
    this.#end(code, reason, closeGrace)
  }

  /** Not once the page has begun to close: then its own code is what counts. */
  get #isOpen(): boolean {
    return this.#closing === undefined && this.#webSocket.readyState === WebSocket.OPEN
  }

  /** A message has come. */
  received(data: WebSocket.RawData, isBinary: boolean): void {
    if (this.#closing !== undefined) return
    // `ws` hands out one buffer, as its `binaryType` is left as it is.
    this.#signals.receivedBytes += (data as Buffer).length
    if (isBinary) this.close(closeCodes.malformed, 'expected text, got a binary message')
    else this.#session?.received(data.toString())
  }

  /** Answers count as unread too: a flood of pings from one who does not read would fill memory as well. */
  pong(data: Buffer): void {
    if (!this.#isOpen) return
    if (this.#outbox.unread > maxUnread) this.overflowed()
    else this.#webSocket.pong(data)
  }

  /** What came was no WebSocket message, or the line broke; `ws` has sent the close already where that is possible. */
  failed(error: Error): void {
    const code = closeCodeOf(error)
    if (code !== undefined) this.#end(code, error.message, closeGrace)
  }

  #end(code: number, reason: string, grace: number): void {
    if (this.#closing !== undefined || this.#ended) return
    this.#closing = { code, reason: cutReason(reason) }
    this.#outbox.discard()
    this.#webSocket.close(code, this.#closing.reason)
    this.#stopGrace = this.#clock.after(grace, () => {
      this.#webSocket.terminate()
      this.finished(code, reason)
    })
  }

  /** The line has ended, or the other side had its time to end it. */
  finished(code: number, reason: string): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopGrace?.()
    this.#outbox.discard()
    const why = this.#closing ?? { code, reason }
    this.#session?.closed(why.code, why.reason)
    this.#onEnd?.(why.code)
  }
}

/** The code that `ws` closes with, which it tells nobody (RFC 6455 §7.4.1); undefined where the line itself broke. */
function closeCodeOf(error: Error): number | undefined {
  const word = 'code' in error ? String(error.code) : ''
  if (word === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return closeCodes.tooBig
  if (word === 'WS_ERR_INVALID_UTF8') return 1007
  if (word === 'WS_ERR_TOO_MANY_BUFFERED_PARTS') return 1008
  return word.startsWith('WS_ERR_') ? 1002 : undefined
}
