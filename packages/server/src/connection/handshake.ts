import {
  type ClientArgs,
  closeCodes,
  formatPosition,
  HookboxError,
  type JsonText,
  limits,
  members,
  type Position,
  parsePosition,
  toJsonText,
} from '@hookbox/protocol'
import type { Hub } from '../hub/hub.ts'
import type { OpenedInbox } from '../hub/inboxes.ts'
import { proofOf, type Ticket } from '../hub/tickets.ts'
import { changeUserOptions } from '../hub/user-options.ts'
import type { Connection } from './connection.ts'
import { watchExpiry } from './expiry.ts'
import { pingInterval } from './heartbeat.ts'

/** A page that may come in. */
interface Admission {
  readonly user: string
  /** What the page is answered as its payload. */
  readonly payload: JsonText
  /** Milliseconds since 1970 at which the application is asked again. */
  readonly deadline: number | undefined
  /** Lets it in; `since`: the positions of the channels that the page holds. */
  enter(since: ReadonlyMap<string, Position>): void
}

/**
 * `CONNECT`: asks the application who this is, unless the page shows the ticket of a connection that it takes up. A refusal
 * ends the page's tries (4401); a fault does not (4502), since nobody said no.
 */
export async function handshake(
  connection: Connection,
  hub: Hub,
  id: number,
  args: ClientArgs['CONNECT'],
): Promise<void> {
  connection.cookies.addMissing(args.cookie_string ?? '')
  const payload = toJsonText(args.payload ?? null)
  const proof = proofOf(connection.cookies.header, payload)
  const ticket = hub.tickets.take(args.ticket, proof)
  const admission = ticket ? taken(connection, hub, ticket) : await asked(connection, hub, id, payload)
  if (!admission) return
  const { user, deadline } = admission
  const messagesSince = args.messages_since === undefined ? undefined : parsePosition(args.messages_since)
  const inbox = await hub.inboxes.open(user, connection, messagesSince)
  const { tickets, clock } = hub
  const next = tickets.issue({ connection, payload: admission.payload, deadline }, proof)
  connection.answer(id, 'CONNECTED', connected(connection, admission, next, inbox, messagesSince !== undefined))
  connection.sendMissed(inbox.missed ?? [])
  const since = positions(args.since)
  connection.admitted(user, () => {
    if (ticket) connection.takesUp(ticket.connection)
    admission.enter(since)
  })
  inbox.release()
  const askedFor = connection.begin(() =>
    deadline === undefined ? () => {} : watchExpiry(connection, hub, payload, Math.max(0, deadline - clock.now())),
  )
  for (const name of since.keys()) if (!askedFor.has(name)) hub.confirm(connection, name)
}

/** The page is back in time: what the application said about it still holds. */
function taken(connection: Connection, hub: Hub, { connection: before, payload, deadline }: Ticket): Admission {
  return { user: before.user, payload, deadline, enter: (since) => hub.takeUp(connection, before, since) }
}

async function asked(connection: Connection, hub: Hub, id: number, payload: JsonText): Promise<Admission | undefined> {
  const verdict = await hub.callbacks.connect(connection.caller, { connId: connection.id, payload })
  if (!verdict.ok) return refuse(connection, id, verdict.error)
  const { name, overridePayload, expiresIn, details } = verdict.details
  let options = hub.userOptions(name, connection.settings.userDefaults)
  try {
    options = changeUserOptions(options, details)
  } catch (error) {
    hub.log.error({ webhook: 'connect', err: error }, 'the reply to connect cannot be used')
    return refuse(
      connection,
      id,
      new HookboxError('webhook_failed', 'the application could not be asked', { cause: error }),
    )
  }
  return {
    user: name,
    payload: overridePayload ?? payload,
    deadline: expiresIn === undefined ? undefined : hub.clock.now() + expiresIn,
    enter(since) {
      hub.enter(connection, options, since)
      // Where it enters is among its options; what it leaves is asked for once.
      hub.obey(name, connection.caller, { autoSubscribe: [], autoUnsubscribe: verdict.autoUnsubscribe })
    },
  }
}

function connected(
  connection: Connection,
  { user, payload }: Admission,
  ticket: string,
  { top, missed }: OpenedInbox,
  resumes: boolean,
): string {
  const messages = {
    position: formatPosition(top),
    ...(resumes && { recovered: missed !== undefined, ...(missed && { missed: missed.length }) }),
  }
  return members({
    name: toJsonText(user),
    payload,
    id: toJsonText(connection.id),
    ticket: toJsonText(ticket),
    ping: toJsonText(pingInterval / 1_000),
    linger: toJsonText(connection.settings.linger / 1_000),
    limits: toJsonText({ frame: limits.frame, message: limits.message, channels: limits.channels }),
    messages: toJsonText(messages),
  })
}

function positions(since: { readonly [channel: string]: string } = {}): Map<string, Position> {
  const found = new Map<string, Position>()
  for (const [channel, text] of Object.entries(since)) {
    const position = parsePosition(text)
    if (position) found.set(channel, position)
  }
  return found
}

function refuse(connection: Connection, id: number, error: HookboxError): undefined {
  connection.fail(id, error)
  connection.close(error.code === 'webhook_failed' ? closeCodes.webhookFailed : closeCodes.refused, error.message)
}
