/** How a line ended, as the socket itself said it. */
export interface LineEnd {
  readonly code: number
  readonly reason: string
  readonly wasClean: boolean
}

/** Whom a transport serves. One line follows another; nothing of an earlier one is told after `opened` of the next. */
export interface LineEvents {
  /** Asked before every try, once more after a close: settles with the address when the next one is due. Never rejects. */
  next(): Promise<string>
  opened(): void
  heard(text: string): void
  /** Told once for every line, also for one that never opened. */
  ended(end: LineEnd): void
  /** A line could not even be tried. `ended` follows. */
  failed(cause: unknown): void
}

/** One physical way to the hub, which tries again by itself until it is closed. */
export interface Transport {
  /** Without an open line the text is not kept. */
  send(text: string): void
  /** Ends the line at once, without telling so, and tries again. */
  drop(code: number, reason: string): void
  /** Ends it for good and at once: nothing is told any more. */
  close(code: number, reason: string): void
}

/** What is used of a WebSocket. */
export interface WebSocketLike {
  readonly readyState: number
  send(data: string): void
  close(code?: number, reason?: string): void
}

/** A WebSocket class: the browser's own, or in Node the one of the package `ws`. */
export type WebSocketConstructor = new (url: string, protocols?: string | string[]) => WebSocketLike

/**
 * Chooses, at every try, what makes the line to the hub at this address: a WebSocket of the given class (else the global
 * one), or something that passes for it.
 */
export type Fallback = (address: string, WebSocketClass?: WebSocketConstructor) => () => WebSocketConstructor
