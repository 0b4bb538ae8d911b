import type { Batch } from './batch.ts'
import type { PreparedFrame } from './prepared-frame.ts'

/** How a page may read. */
export type TransportKind = 'websocket' | 'event-stream' | 'long-polling'

export const transportKinds: readonly TransportKind[] = ['websocket', 'event-stream', 'long-polling']

/** One physical way to a page. It carries messages and knows no users and no channels. */
export interface Transport {
  /** How the page reads at present; one over HTTP may change between the other two. */
  readonly kind: TransportKind
  /** Bytes that were sent but have not left this process. */
  readonly buffered: number
  /**
   * Queues a frame; what is queued in one turn of the event loop leaves as one message. Beyond the bound on unread bytes
   * the transport closes itself with 4508. After the end it does nothing.
   */
  send(frame: PreparedFrame): void
  /**
   * Queues what the page missed, in order. It leaves in messages of at most 256 KiB, each when the one before has left, and
   * does not count towards the bound: recovering never ends in 4508.
   */
  sendMissed(frames: readonly PreparedFrame[]): void
  /** Queues what the batch gets from here on, in order with all else, until its turn is over. */
  follow(batch: Batch): void
  /** What the batch gets from here on is not queued. */
  unfollow(batch: Batch): void
  /** Sends what is queued, then ends. The session's `closed` is called once, also when the page never answers. */
  close(code: number, reason: string): void
}

/** Whom a transport serves. A transport is given its session and calls nothing else. */
export interface Session {
  /** One message: frames separated by line feeds. */
  received(message: string): void
  /** The end, once, with the code and reason that ended it. Nothing is received afterwards. */
  closed(code: number, reason: string): void
}

/** What is known of a page before it has said anything. */
export interface Arrival {
  /** The browser's address; behind a trusted proxy, the one that it forwards. */
  readonly address: string
  /** The `Cookie` header, as the browser sent it. */
  readonly cookies: string | undefined
  readonly origin: string | undefined
  readonly userAgent: string | undefined
  /** The id of the request that opened the line; missing where there was none. */
  readonly request?: string
}

/** Makes the session for a transport that has just been opened. */
export type Accept = (transport: Transport, arrival: Arrival) => Session
