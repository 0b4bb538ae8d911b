import { createHash } from 'node:crypto'
import type { JsonText } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { UserConnection } from './users.ts'

/** What a ticket stands for: a connection that the application admitted. */
export interface Admitted {
  readonly connection: UserConnection
  /** What the page was answered as its payload. */
  readonly payload: JsonText
  /** Milliseconds since 1970 at which the application wants to be asked again; undefined where it need not be. */
  readonly deadline: number | undefined
}

/** A ticket as it stands for one connection. */
export interface Ticket extends Admitted {
  readonly text: string
  /** What the page showed when it was admitted. */
  readonly proof: Proof
}

/** Digests of what a page shows when it connects, so that neither cookies nor payload are kept for comparing. */
export interface Proof {
  readonly cookies: string
  readonly payload: string
}

/**
 * The tickets of all connections that are there or linger. Whoever shows one is taken in without asking the application, as
 * long as it shows the same cookies and payload as then; each can be shown once (`PROTOCOL.md`: Tickets).
 */
export class Tickets {
  readonly #clock: Clock
  readonly #byText = new Map<string, Ticket>()
  readonly #byConnection = new Map<string, Ticket>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The text of a new ticket; an older one of the connection's is void. */
  issue(admitted: Admitted, proof: Proof): string {
    const ticket: Ticket = { ...admitted, text: randomId(), proof }
    this.add(ticket)
    return ticket.text
  }

  add(ticket: Ticket): void {
    this.void(ticket.connection.id)
    this.#byText.set(ticket.text, ticket)
    this.#byConnection.set(ticket.connection.id, ticket)
  }

  of(connection: UserConnection): Ticket | undefined {
    return this.#byConnection.get(connection.id)
  }

  /** What the ticket stands for. From now on it is void, also where what the page shows does not fit. */
  take(text: string | undefined, shown: Proof): Ticket | undefined {
    const ticket = text === undefined ? undefined : this.#byText.get(text)
    if (!ticket) return undefined
    this.void(ticket.connection.id)
    const { connection, deadline, proof } = ticket
    if (connection.gone || (deadline !== undefined && deadline <= this.#clock.now())) return undefined
    // Cookies that webhooks have set since then were told to the page, and the browser shows them too.
    const fits = shown.cookies === proof.cookies || shown.cookies === digestOfCookies(connection.caller.cookies)
    return fits && shown.payload === proof.payload ? ticket : undefined
  }

  /** The application was asked again. */
  postpone(connection: UserConnection, deadline: number | undefined): void {
    const ticket = this.of(connection)
    if (ticket) this.add({ ...ticket, deadline })
  }

  void(connectionId: string): void {
    const ticket = this.#byConnection.get(connectionId)
    if (!ticket) return
    this.#byConnection.delete(connectionId)
    this.#byText.delete(ticket.text)
  }
}

/** `cookies` as in a `Cookie` header. */
export function proofOf(cookies: string | undefined, payload: JsonText): Proof {
  return { cookies: digestOfCookies(cookies), payload: digest(payload) }
}

/** Browsers may show the same cookies in another order. */
function digestOfCookies(cookies = ''): string {
  return digest(cookies.split('; ').sort().join('; '))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
