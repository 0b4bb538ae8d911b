import { hash } from 'node:crypto'
import type { JsonText } from '@hookbox/protocol'
import type { ConnectionRecord, TicketRecord, Users } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'

/** Digests of what a page shows when it connects, so that neither cookies nor payload are kept for comparing. */
export interface Proof {
  readonly cookies: string
  readonly payload: string
}

/** A connection that may be taken up by whoever has shown its ticket. */
export interface Taken {
  readonly connection: ConnectionRecord
  readonly ticket: TicketRecord
}

/** A ticket as it is given to a page. */
export interface Issuing extends Omit<TicketRecord, 'text' | 'cookies' | 'payload'> {
  readonly user: string
  readonly connectionId: string
}

/**
 * The tickets of all connections that are there or linger, on whichever node. Whoever shows one is taken in without asking
 * the application, as long as it shows the same cookies and payload as then; each can be shown once (`PROTOCOL.md`: Tickets).
 */
export class Tickets {
  readonly #users: Users
  readonly #clock: Clock

  constructor(users: Users, clock: Clock) {
    this.#users = users
    this.#clock = clock
  }

  /** The text of a new ticket; an older one of the connection's is void. */
  async issue({ user, connectionId, answer, deadline }: Issuing, proof: Proof): Promise<string> {
    const text = randomId()
    const { cookies, payload } = proof
    await this.#users.update(user, connectionId, { ticket: { text, cookies, payload, answer, deadline } })
    return text
  }

  /** What the ticket stands for. From now on it is void, also where what the page shows does not fit. */
  async take(text: string | undefined, shown: Proof): Promise<Taken | undefined> {
    const connection = text === undefined ? undefined : await this.#users.takeTicket(text)
    const ticket = connection?.ticket
    if (!ticket) return undefined
    if (ticket.deadline !== undefined && ticket.deadline <= this.#clock.now()) return undefined
    // Cookies that webhooks have set since then were told to the page, and the browser shows them too.
    const fits = shown.cookies === ticket.cookies || shown.cookies === digestOfCookies(connection.cookies)
    return fits && shown.payload === ticket.payload ? { connection, ticket } : undefined
  }

  /** The application was asked again. */
  async postpone(user: string, connectionId: string, deadline: number | undefined): Promise<void> {
    const record = await this.#users.locate(connectionId)
    if (record?.ticket) await this.#users.update(user, connectionId, { ticket: { ...record.ticket, deadline } })
  }

  async void(user: string, connectionId: string): Promise<void> {
    await this.#users.update(user, connectionId, { ticket: null })
  }
}

/** `cookies` as in a `Cookie` header. */
export function proofOf(cookies: string | undefined, payload: JsonText): Proof {
  return { cookies: digestOfCookies(cookies), payload: payload === 'null' ? ofNull : digest(payload) }
}

/** Browsers may show the same cookies in another order. */
function digestOfCookies(cookies = ''): string {
  if (cookies === '') return ofNone
  return digest(cookies.split('; ').sort().join('; '))
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** The digest of no cookies at all, and of a page that gives no payload: of very many pages. */
const ofNone = digest('')
const ofNull = digest('null')
