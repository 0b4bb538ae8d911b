import { channelName, HookboxError, type Json, quote } from '@hookbox/protocol'

/** How a user's connections behave (contract: User options). */
export interface UserOptions {
  readonly reflective: boolean
  readonly moderatedMessage: boolean
  readonly perConnectionSubscriptions: boolean
  readonly globalUnsubscriptions: boolean
  readonly autoSubscribe: readonly string[]
}

interface Row<T> {
  /** The name in the contract. */
  readonly name: string
  readonly initial: T
  /** The value, or a `bad_request` that names the option and what was expected. */
  readonly read: (value: unknown, name: string) => T
}

/** The table of all user options: contract name, default, check. */
export const userOptions: { readonly [K in keyof UserOptions]: Row<UserOptions[K]> } = {
  reflective: { name: 'reflective', initial: true, read: flag },
  moderatedMessage: { name: 'moderated_message', initial: true, read: flag },
  perConnectionSubscriptions: { name: 'per_connection_subscriptions', initial: true, read: flag },
  globalUnsubscriptions: { name: 'global_unsubscriptions', initial: false, read: flag },
  autoSubscribe: { name: 'auto_subscribe', initial: [], read: channelNames },
}

const keys = Object.keys(userOptions) as (keyof UserOptions)[]

/** The contract's names of all user options. */
export const userOptionNames: readonly string[] = keys.map((key) => userOptions[key].name)

/** What every option is when neither the application nor the configuration says anything. */
export const defaultUserOptions: UserOptions = Object.fromEntries(
  keys.map((key) => [key, userOptions[key].initial]),
) as unknown as UserOptions

/**
 * The changes among these details, checked and by their contract names; what has another name is passed over, or with
 * `none other` refused.
 *
 * @throws HookboxError `bad_request` naming the option that is wrong
 */
export function checkUserOptions(
  details: { readonly [name: string]: unknown },
  others: 'pass over' | 'none other' = 'pass over',
): { [name: string]: Json } {
  const unknown = others === 'none other' && Object.keys(details).find((name) => !userOptionNames.includes(name))
  if (typeof unknown === 'string') {
    throw new HookboxError(
      'bad_request',
      `${unknown}: unknown user option; expected one of ${userOptionNames.join(', ')}`,
    )
  }
  const checked: { [name: string]: Json } = {}
  for (const key of keys) {
    const { name, read } = userOptions[key]
    if (Object.hasOwn(details, name)) checked[name] = read(details[name], name) as Json
  }
  return checked
}

/** The options that have these contract names; what is not named is as by default. Where all are, it is always the same object. */
export function readUserOptions(options: { readonly [name: string]: unknown }): UserOptions {
  const next: { [key: string]: unknown } = { ...defaultUserOptions }
  let differs = false
  for (const key of keys) {
    const { name, read } = userOptions[key]
    if (!Object.hasOwn(options, name)) continue
    next[key] = read(options[name], name)
    differs ||= next[key] !== defaultUserOptions[key]
  }
  return differs ? (next as unknown as UserOptions) : defaultUserOptions
}

/** The options by their contract names. */
export function writeUserOptions(options: UserOptions): { [name: string]: Json } {
  return Object.fromEntries(keys.map((key) => [userOptions[key].name, options[key] as Json]))
}

function flag(value: unknown, name: string): boolean {
  if (value === true || value === 1) return true
  if (value === false || value === 0) return false
  throw new HookboxError('bad_request', `${name}: expected true or false, got ${quote(value)}`)
}

function channelNames(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) {
    throw new HookboxError('bad_request', `${name}: expected a list of channel names, got ${quote(value)}`)
  }
  return value.length === 0 ? userOptions.autoSubscribe.initial : value.map((one: unknown) => channelName(one, name))
}
