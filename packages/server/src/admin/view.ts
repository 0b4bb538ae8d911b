import { channelName, HookboxError, isObject, quote, userName } from '@hookbox/protocol'
import type { View } from './told.ts'

/** Characters of what is searched for. */
const maxSearch = 200

/** What the page wants to be told of. @throws HookboxError `bad_request` naming the field */
export function readView(value: unknown): View {
  if (!isObject(value)) throw expected('view', 'an object', value)
  const { name } = value
  switch (name) {
    case 'overview':
    case 'webhooks':
    case 'log':
      return { name }
    case 'channels':
    case 'users':
      return {
        name,
        search: textOf('search', value.search ?? ''),
        sort: oneOf('sort', value.sort ?? 'name', ['name', 'size']),
        descending: flagOf('descending', value.descending ?? false),
        from: numberOf('from', value.from ?? 0),
      }
    case 'channel':
      return { name, channel: channelName(value.channel, 'channel') }
    case 'user':
      return { name, user: userName(value.user, 'user') }
    default:
      throw expected('name', 'overview, channels, channel, users, user, webhooks or log', name)
  }
}

function textOf(field: string, value: unknown): string {
  if (typeof value === 'string' && value.length <= maxSearch) return value
  throw expected(field, `a text of at most ${maxSearch} characters`, value)
}

function oneOf<T extends string>(field: string, value: unknown, words: readonly T[]): T {
  const word = words.find((one) => one === value)
  if (word === undefined) throw expected(field, words.join(' or '), value)
  return word
}

function flagOf(field: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw expected(field, 'true or false', value)
}

function numberOf(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw expected(field, 'a whole number from 0', value)
}

function expected(field: string, what: string, got: unknown): HookboxError {
  return new HookboxError('bad_request', `${field}: expected ${what}, got ${quote(got)}`)
}
