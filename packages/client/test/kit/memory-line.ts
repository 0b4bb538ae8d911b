import { Connection } from '../../../server/src/connection/connection.ts'
import type { Batch } from '../../../server/src/transport/batch.ts'
import { Outbox } from '../../../server/src/transport/outbox.ts'
import type { PreparedFrame } from '../../../server/src/transport/prepared-frame.ts'
import type { Transport } from '../../../server/src/transport/transport.ts'
import type { TestHub } from '../../../server/test/kit/hub.ts'
import type { FakeSocket } from './socket.ts'

type Parcel =
  | { readonly kind: 'message'; readonly text: string; readonly left?: (() => void) | undefined }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }

/** How long the hub waits for a page to answer its close, in milliseconds. */
const closeGrace = 5_000

/** Counts whatever moves on any line, so that one can wait until nothing does. */
let moved = 0

/** Waits until all that needs no time has happened: answers of the application, messages of lines that flow. */
export async function quiet(): Promise<void> {
  for (let still = 0; still < 3; still++) {
    const before = moved
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (moved !== before) still = -1
  }
}

/**
 * A line between a page's socket and a hub in this process. What is on its way arrives by itself while the line flows, one by
 * one when a test says so while it is held, and never once it is dead, of which neither end is told.
 */
export class MemoryLine implements Transport {
  readonly kind = 'websocket'
  readonly #socket: FakeSocket
  readonly #hub: TestHub
  readonly #inPieces: boolean
  readonly #outbox: Outbox
  readonly #connection: Connection
  #up: Parcel[] = []
  #down: Parcel[] = []
  #state: 'flowing' | 'held' | 'dead' = 'flowing'
  #due = false
  #closing: { readonly code: number; readonly reason: string } | undefined
  #hubEnded = false

  /** Where `inPieces`, every frame comes as a message of its own. */
  constructor(socket: FakeSocket, hub: TestHub, inPieces: boolean) {
    this.#socket = socket
    this.#hub = hub
    this.#inPieces = inPieces
    this.#outbox = new Outbox(
      {
        unsent: 0,
        write: ({ bytes }, left) => this.#write(bytes.toString(), left),
        overflowed: () => this.close(4508, 'reading too slowly'),
      },
      hub.signals,
    )
    socket.onMessage = (text) => this.#send(this.#up, { kind: 'message', text })
    socket.onClose = (code, reason) => this.#send(this.#up, { kind: 'close', code, reason })
    const arrival = { address: '192.0.2.7', cookies: undefined, origin: undefined, userAgent: undefined }
    this.#connection = new Connection(hub.hub, this, arrival, hub.settings)
    socket.opens()
  }

  get buffered(): number {
    return this.#outbox.buffered
  }

  send(frame: PreparedFrame): void {
    if (this.#closing === undefined && !this.#hubEnded) this.#outbox.add(frame)
  }

  sendMissed(frames: readonly PreparedFrame[]): void {
    if (this.#closing === undefined && !this.#hubEnded) this.#outbox.addMissed(frames)
  }

  follow(batch: Batch): void {
    if (this.#closing === undefined && !this.#hubEnded) this.#outbox.follow(batch)
  }

  unfollow(batch: Batch): void {
    this.#outbox.unfollow(batch)
  }

  /** The hub closes. */
  close(code: number, reason: string): void {
    if (this.#closing !== undefined || this.#hubEnded) return
    this.#outbox.flush()
    this.#outbox.discard()
    this.#closing = { code, reason }
    this.#send(this.#down, { kind: 'close', code, reason })
    this.#hub.clock.after(closeGrace, () => this.#endHub(code, reason))
  }

  hold(): void {
    if (this.#state === 'flowing') this.#state = 'held'
  }

  release(): void {
    if (this.#state !== 'held') return
    this.#state = 'flowing'
    this.#arriveLater()
  }

  /** Lets so many messages of a held line arrive. */
  deliver(direction: 'up' | 'down', count: number): void {
    for (let n = 0; n < count && this.#state === 'held'; n++) this.#arrive(direction)
  }

  /** The line breaks, and those of the two ends who are told of it are. What was on its way is lost. */
  cut(told: 'both' | 'hub' | 'page' | 'nobody'): void {
    this.#state = 'dead'
    this.#up = []
    this.#down = []
    if (told === 'both' || told === 'hub') this.#endHub(1006, '')
    if (told === 'both' || told === 'page') this.#endPage(1006, '', false)
  }

  #write(message: string, left: (() => void) | undefined): void {
    const texts = this.#inPieces ? message.split('\n') : [message]
    for (const [index, text] of texts.entries()) {
      this.#send(this.#down, { kind: 'message', text, left: index === texts.length - 1 ? left : undefined })
    }
  }

  #send(queue: Parcel[], parcel: Parcel): void {
    moved++
    if (this.#state === 'dead') return
    queue.push(parcel)
    this.#arriveLater()
  }

  #arriveLater(): void {
    if (this.#due) return
    this.#due = true
    setImmediate(() => {
      this.#due = false
      while (this.#state === 'flowing' && this.#arrive('up'));
      while (this.#state === 'flowing' && this.#arrive('down'));
    })
  }

  /** Whether there was something. */
  #arrive(direction: 'up' | 'down'): boolean {
    const parcel = (direction === 'up' ? this.#up : this.#down).shift()
    if (parcel === undefined) return false
    moved++
    if (direction === 'up') this.#arriveAtHub(parcel)
    else this.#arriveAtPage(parcel)
    return true
  }

  #arriveAtHub(parcel: Parcel): void {
    if (parcel.kind === 'close') {
      this.#endHub(parcel.code, parcel.reason)
      this.#send(this.#down, parcel)
    } else if (this.#closing === undefined && !this.#hubEnded) this.#connection.received(parcel.text)
  }

  #arriveAtPage(parcel: Parcel): void {
    if (parcel.kind === 'message') {
      this.#socket.hearsText(parcel.text)
      parcel.left?.()
      return
    }
    const { code, reason } = this.#closing ?? parcel
    this.#endPage(code, reason, true)
    this.#endHub(code, reason)
  }

  #endHub(code: number, reason: string): void {
    if (this.#hubEnded) return
    this.#hubEnded = true
    this.#outbox.discard()
    const why = this.#closing ?? { code, reason }
    this.#connection.closed(why.code, why.reason)
  }

  #endPage(code: number, reason: string, wasClean: boolean): void {
    if (this.#socket.readyState !== 3) this.#socket.ends(code, reason, wasClean)
  }
}
