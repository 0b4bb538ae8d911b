import {
  exceeds,
  HookboxError,
  isObject,
  type Json,
  limits,
  members,
  messageId,
  quote,
  toJsonText,
  userName,
} from '@hookbox/protocol'
import type { Seed, Unnumbered } from '../broker/broker.ts'
import { datetimeText } from '../datetime.ts'
import { userIdKey } from './id-key.ts'

export type Prefill = Seed['history']

/**
 * Reads the option `history`, which pre-populates a channel:
 * `[["PUBLISH", {"user", "payload", "datetime", "message_id"}], ["SUBSCRIBE", {"user", "datetime"}], …]`.
 */
export function readPrefill(value: unknown, now: number): Prefill {
  if (!Array.isArray(value)) throw expected('history', 'a list of entries', value)
  return value.map((entry: unknown, i) => readEntry(entry, `history[${i}]`, now))
}

function readEntry(entry: unknown, field: string, now: number): Prefill[number] {
  if (!Array.isArray(entry) || entry.length !== 2) throw expected(field, '["PUBLISH", {…}]', entry)
  const [name, args] = entry as [unknown, unknown]
  if (name !== 'PUBLISH' && name !== 'SUBSCRIBE' && name !== 'UNSUBSCRIBE') {
    throw expected(field, '"PUBLISH", "SUBSCRIBE" or "UNSUBSCRIBE"', name)
  }
  if (!isObject(args)) throw expected(`${field}[1]`, 'an object', args)
  const { user = null, datetime, payload = null, message_id } = args
  if (user !== null) userName(user, `${field}.user`)
  const at = readDatetime(datetime, `${field}.datetime`)
  const id = message_id === undefined || message_id === null ? undefined : messageId(message_id, `${field}.message_id`)
  const what: Unnumbered = {
    name,
    inside: members({
      user: user === null ? undefined : toJsonText(user as string),
      payload: name === 'PUBLISH' ? toJsonText(payload as Json, `${field}.payload`) : undefined,
      datetime: at === undefined ? undefined : datetimeText(at),
      message_id: id === undefined ? undefined : toJsonText(id),
    }),
    at: at ?? now,
  }
  if (exceeds(what.inside, limits.frame)) {
    throw new HookboxError('too_large', `${field}: expected an entry of at most ${limits.frame} bytes`)
  }
  return { what, idKey: id === undefined || user === null ? undefined : userIdKey(user as string, id) }
}

function readDatetime(value: unknown, field: string): number | undefined {
  if (value === undefined || value === null) return undefined
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  if (Number.isNaN(at)) throw expected(field, 'a time such as "2026-11-23T16:34:05.120Z"', value)
  return at
}

function expected(field: string, what: string, got: unknown): HookboxError {
  return new HookboxError('bad_request', `${field}: expected ${what}, got ${quote(got)}`)
}
