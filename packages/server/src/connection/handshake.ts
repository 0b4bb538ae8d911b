import {
  closeCodes,
  formatPosition,
  HookboxError,
  type JsonText,
  jsonNull,
  limits,
  members,
  type Position,
  parsePosition,
  type Received,
  toJsonText,
} from '@hookbox/protocol'
import type { Options } from '../broker/broker.ts'
import type { Hub } from '../hub/hub.ts'
import type { OpenedInbox } from '../hub/inboxes.ts'
import { type Proof, proofOf, type Taken } from '../hub/tickets.ts'
import { checkUserOptions, type UserOptions } from '../hub/user-options.ts'
import { positionJson } from '../position-json.ts'
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
  /** What the application says of the user's options. */
  readonly changes: Options
  /** Lets it in; `since`: the positions of the channels that the page holds. */
  enter(options: UserOptions, since: ReadonlyMap<string, Position>): void
}

/**
 * `CONNECT`: asks the application who this is, unless the page shows the ticket of a connection that it takes up. A refusal
 * ends the page's tries (4401); a fault does not (4502), since nobody said no.
 */
export async function handshake(
  connection: Connection,
  hub: Hub,
  { id, args, payload = jsonNull }: Extract<Received, { name: 'CONNECT' }>,
): Promise<void> {
  connection.cookies.addMissing(args.cookie_string ?? '')
  const proof = proofOf(connection.cookies.header, payload)
  const ticket = await hub.tickets.take(args.ticket, proof)
  const admission = (ticket && (await taken(connection, hub, ticket))) ?? (await asked(connection, hub, id, payload))
  if (!admission) return
  const { user, deadline, changes } = admission
  const options = await hub.admit(connection, user, { byDefault: connection.settings.userDefaults, changes })
  const messagesSince = args.messages_since === undefined ? undefined : parsePosition(args.messages_since)
  const { inbox, next } = await prepare(connection, hub, admission, messagesSince, proof)
  connection.answer(id, 'CONNECTED', connected(connection, admission, next, inbox, messagesSince !== undefined))
  connection.sendMissed(inbox.missed ?? [])
  const since = positions(args.since)
  connection.admitted(user, () => admission.enter(options, since))
  inbox.release()
  const askedFor = connection.begin(
    deadline === undefined
      ? undefined
      : () => watchExpiry(connection, hub, payload, Math.max(0, deadline - hub.clock.now())),
  )
  for (const name of since.keys()) if (!askedFor.has(name)) hub.memberships.confirm(connection, name)
}

/** What a page is answered with. Where that fails, it was not here. */
async function prepare(
  connection: Connection,
  hub: Hub,
  { user, payload, deadline }: Admission,
  messagesSince: Position | undefined,
  proof: Proof,
): Promise<{ inbox: OpenedInbox; next: string }> {
  try {
    const issuing = { user, connectionId: connection.id, answer: payload, deadline }
    const [inbox, next] = await Promise.all([
      hub.inboxes.open(user, connection, messagesSince),
      hub.tickets.issue(issuing, proof),
    ])
    return { inbox, next }
  } catch (error) {
    await hub.withdraw(connection, user)
    throw error
  }
}

/** The page is back in time: what the application said about it still holds. */
async function taken(connection: Connection, hub: Hub, ticket: Taken): Promise<Admission | undefined> {
  const before = await hub.takeover.claim(ticket)
  if (!before) return undefined
  connection.takesUp(before)
  return {
    user: before.user,
    payload: ticket.ticket.answer,
    deadline: ticket.ticket.deadline,
    changes: {},
    enter: (options, since) => hub.takeUp(connection, options, since),
  }
}

async function asked(connection: Connection, hub: Hub, id: number, payload: JsonText): Promise<Admission | undefined> {
  const verdict = await hub.callbacks.connect(connection.caller, { connId: connection.id, payload })
  if (!verdict.ok) return refuse(connection, id, verdict.error)
  const { name, overridePayload, expiresIn, details } = verdict.details
  let changes: Options
  try {
    changes = checkUserOptions(details)
  } catch (error) {
    hub.log.error({ webhook: 'connect', connection: connection.id, err: error }, 'the reply to connect cannot be used')
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
    changes,
    enter(options, since) {
      hub.enter(connection, options, since)
      // Where it enters is among its options; what it leaves is asked for once.
      hub.memberships.obey(name, connection.caller, { autoSubscribe: [], autoUnsubscribe: verdict.autoUnsubscribe })
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
  const messages = members({
    position: positionJson(formatPosition(top)),
    recovered: resumes ? toJsonText(missed !== undefined) : undefined,
    missed: missed && toJsonText(missed.length),
  })
  return members({
    name: toJsonText(user),
    payload,
    id: toJsonText(connection.id),
    ticket: toJsonText(ticket),
    ping: ofAll.ping,
    linger: toJsonText(connection.settings.linger / 1_000),
    limits: ofAll.limits,
    messages: `{${messages}}` as JsonText,
  })
}

/** What every page is told. */
const ofAll = {
  ping: toJsonText(pingInterval / 1_000),
  limits: toJsonText({ frame: limits.frame, message: limits.message, channels: limits.channels }),
}

const nowhere: ReadonlyMap<string, Position> = new Map()

function positions(since: { readonly [channel: string]: string } | undefined): ReadonlyMap<string, Position> {
  if (since === undefined) return nowhere
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
