import { isObject, type JsonText } from '@hookbox/protocol'
import type { ConnectionChange, ConnectionRecord, Membership, NewConnection, TicketRecord } from '../broker.ts'
import { unreadable } from './failure.ts'
import { pairsOf, parsed, textOf } from './replies.ts'
import type { Arg } from './servers.ts'

/** The fields of a connection that has just come, for {@link enterUser}. */
export function recordArgs({ node, pageId, cookies, address }: NewConnection & { readonly node: string }): Arg[] {
  const fields: (readonly [string, string | undefined])[] = [
    ['node', node],
    ['live', '1'],
    ['page', pageId],
    ['cookies', cookies],
    ['address', address],
  ]
  return setArgs(fields.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))
}

/** What a change deletes and what it sets, for {@link updateConnection}. */
export function changeArgs(change: ConnectionChange): Arg[] {
  const { live, ticket, channels } = change
  const deletes: string[] = []
  const sets: (readonly [string, string])[] = []
  if (live !== undefined) sets.push(['live', live ? '1' : '0'])
  if ('cookies' in change) {
    if (change.cookies === undefined) deletes.push('cookies')
    else sets.push(['cookies', change.cookies])
  }
  if (ticket === null) deletes.push('ticket')
  else if (ticket !== undefined) sets.push(['ticket', JSON.stringify(ticket)])
  for (const [channel, membership] of channels ?? []) {
    if (membership === null) deletes.push(`=${channel}`)
    else sets.push([`=${channel}`, membership])
  }
  return [deletes.length, ...deletes, ...setArgs(sets)]
}

function setArgs(fields: readonly (readonly [string, string])[]): Arg[] {
  return [fields.length, ...fields.flat()]
}

/** From the fields of its hash, in turn with their values. */
export function readConnection(user: string, id: string, reply: unknown): ConnectionRecord {
  const fields = new Map<string, string>()
  const channels = new Map<string, Membership>()
  const promised = new Set<string>()
  for (const [name, value] of pairsOf(reply)) {
    if (!name.startsWith('=')) fields.set(name, value)
    else if (value === 'promised') promised.add(name.slice(1))
    else if (value === 'asked' || value === 'given') channels.set(name.slice(1), value)
  }
  return {
    id,
    user,
    node: textOf(fields.get('node')),
    pageId: textOf(fields.get('page')),
    live: fields.get('live') === '1',
    cookies: fields.get('cookies'),
    address: fields.get('address'),
    channels,
    promised,
    ticket: readTicket(fields.get('ticket')),
  }
}

export function readTicket(text: string | undefined): TicketRecord | undefined {
  if (text === undefined) return undefined
  const ticket = parsed(text)
  if (!isObject(ticket)) throw unreadable('a ticket')
  const { deadline } = ticket
  if (deadline !== undefined && typeof deadline !== 'number') throw unreadable('the deadline of a ticket')
  return {
    text: textOf(ticket.text),
    cookies: textOf(ticket.cookies),
    payload: textOf(ticket.payload),
    answer: textOf(ticket.answer) as JsonText,
    deadline,
  }
}
