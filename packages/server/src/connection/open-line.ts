import type { Session, Transport } from '../transport/transport.ts'
import type { Connection } from './connection.ts'

/** A connection with the transport that it has, among all that are open; it goes when the transport ends. */
export class OpenLine implements Session {
  readonly connection: Connection
  readonly transport: Transport
  readonly #all: Set<OpenLine>

  constructor(connection: Connection, transport: Transport, all: Set<OpenLine>) {
    this.connection = connection
    this.transport = transport
    this.#all = all
    all.add(this)
  }

  received(message: string): void {
    this.connection.received(message)
  }

  closed(code: number, reason: string): void {
    this.#all.delete(this)
    this.connection.closed(code, reason)
  }
}
