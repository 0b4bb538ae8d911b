import { HookboxError } from './errors.ts'
import { quote } from './json.ts'
import { limits, utf8Length } from './limits.ts'

/**
 * Checks a channel's name: 1 to 200 bytes of UTF-8 in NFC, without control characters.
 *
 * @throws HookboxError `bad_request` naming `field`.
 */
export function channelName(value: unknown, field = 'channel_name'): string {
  return name(value, field, limits.channelName)
}

/**
 * Checks a user's name: 1 to 128 bytes of UTF-8 in NFC, without control characters.
 *
 * @throws HookboxError `bad_request` naming `field`.
 */
export function userName(value: unknown, field = 'name'): string {
  return name(value, field, limits.userName)
}

/**
 * Checks the key by which a publisher makes a publish repeatable: 1 to 128 bytes, as a name.
 *
 * @throws HookboxError `bad_request` naming `field`.
 */
export function messageId(value: unknown, field = 'message_id'): string {
  return name(value, field, limits.messageId)
}

function name(value: unknown, field: string, limit: number): string {
  const reason = flaw(value, limit)
  if (reason !== undefined) throw new HookboxError('bad_request', `${field}: expected ${reason}, got ${quote(value)}`)
  return value as string
}

const printableAscii = /^[\x20-\x7e]+$/
const controlOrLoneSurrogate = /[\p{Cc}\p{Cs}]/u

function flaw(value: unknown, limit: number): string | undefined {
  if (typeof value !== 'string') return 'a text'
  if (value.length <= limit && printableAscii.test(value)) return undefined
  if (value === '' || utf8Length(value) > limit) return `1 to ${limit} bytes`
  if (controlOrLoneSurrogate.test(value)) return 'no control characters'
  if (value.normalize('NFC') !== value) return 'Unicode in normal form C'
  return undefined
}
