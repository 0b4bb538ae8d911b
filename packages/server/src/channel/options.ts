import { HookboxError, type Json, type JsonText, quote, toJsonText, userName } from '@hookbox/protocol'
import type { Retention } from '../broker/broker.ts'
import { checkPolling, type Polling, writePolling } from '../polling/options.ts'
import { stateKey } from './state.ts'

/** How a channel behaves (contract: Channel options). Its `history` and `state` are content, not options. */
export interface ChannelOptions {
  readonly reflective: boolean
  readonly historySize: number
  /** Seconds; 0 = no limit. */
  readonly historyDuration: number
  readonly historyPublishOnly: boolean
  readonly moderated: boolean
  readonly moderatedPublish: boolean
  readonly moderatedSubscribe: boolean
  readonly moderatedUnsubscribe: boolean
  readonly presenceful: boolean
  readonly anonymous: boolean
  readonly polling: Polling | undefined
  readonly serverPresenceful: boolean
  readonly serverUserPresence: readonly string[]
}

/** The largest `history_size`; a channel's history is also bounded to 16 MiB. */
export const maxHistorySize = 10_000

interface Row<T> {
  /** The name in the contract. */
  readonly name: string
  readonly initial: T
  /** The value, or a `bad_request` that names the option and what was expected. */
  readonly read: (value: unknown, name: string, current: T) => T
  readonly write: (value: T) => Json
}

/** The table of all options: contract name, default, check. */
export const channelOptions: { readonly [K in keyof ChannelOptions]: Row<ChannelOptions[K]> } = {
  reflective: flag('reflective', true),
  historySize: { name: 'history_size', initial: 0, read: historySize, write: (value) => value },
  historyDuration: { name: 'history_duration', initial: 0, read: seconds, write: (value) => value },
  historyPublishOnly: flag('history_publish_only', false),
  moderated: flag('moderated', true),
  moderatedPublish: flag('moderated_publish', false),
  moderatedSubscribe: flag('moderated_subscribe', false),
  moderatedUnsubscribe: flag('moderated_unsubscribe', false),
  presenceful: flag('presenceful', false),
  anonymous: flag('anonymous', false),
  polling: {
    name: 'polling',
    initial: undefined,
    read: (value, _name, current) => checkPolling(value, current),
    write: (value) => (value === undefined ? null : writePolling(value)),
  },
  serverPresenceful: flag('server_presenceful', false),
  serverUserPresence: {
    name: 'server_user_presence',
    initial: [],
    read: userNames,
    write: (value) => [...value],
  },
}

const keys = Object.keys(channelOptions) as (keyof ChannelOptions)[]
const keyByName = new Map(keys.map((key) => [channelOptions[key].name, key]))

/** What every option is when nothing is said. */
export const defaultOptions: ChannelOptions = Object.fromEntries(
  keys.map((key) => [key, channelOptions[key].initial]),
) as unknown as ChannelOptions

/** The contract's names of what a channel can be given: its options and its content. */
export const optionNames: readonly string[] = [...keyByName.keys(), 'history', 'state']

/**
 * Options after a change, given by their contract names. `history` and `state` are passed over.
 *
 * @throws HookboxError `bad_request` naming the option that is unknown or wrong; nothing is changed then.
 */
export function changeOptions(current: ChannelOptions, changes: { readonly [name: string]: unknown }): ChannelOptions {
  const next: { [key: string]: unknown } = { ...current }
  for (const [name, value] of Object.entries(changes)) {
    const key = keyByName.get(name)
    if (key) next[key] = readOption(key, value, current)
    else if (name !== 'history' && name !== 'state') {
      throw new HookboxError(
        'bad_request',
        `${name}: unknown channel option; expected one of ${optionNames.join(', ')}`,
      )
    }
  }
  return next as unknown as ChannelOptions
}

function readOption<K extends keyof ChannelOptions>(
  key: K,
  value: unknown,
  current: ChannelOptions,
): ChannelOptions[K] {
  const row: Row<ChannelOptions[K]> = channelOptions[key]
  return row.read(value, row.name, current[key])
}

/** The options by their contract names, as `get_channel_info` shows them. */
export function writeOptions(options: ChannelOptions): { [name: string]: Json } {
  const written: { [name: string]: Json } = {}
  for (const key of keys) written[channelOptions[key].name] = writeOption(key, options)
  return written
}

function writeOption<K extends keyof ChannelOptions>(key: K, options: ChannelOptions): Json {
  const row: Row<ChannelOptions[K]> = channelOptions[key]
  return row.write(options[key])
}

/** The options as a broker keeps them: those of the contract, and how far polling has come. */
export function optionsText(options: ChannelOptions): JsonText {
  const { polling } = options
  return toJsonText([writeOptions(options), ...(polling ? [polling.turn, polling.done] : [])])
}

/** Reads what {@link optionsText} wrote. */
export function readOptionsText(text: JsonText): ChannelOptions {
  const [written, turn, done] = JSON.parse(text) as [
    { [name: string]: unknown },
    number | undefined,
    boolean | undefined,
  ]
  const options = changeOptions(defaultOptions, written)
  const { polling } = options
  return polling && turn !== undefined && done !== undefined
    ? { ...options, polling: { ...polling, turn, done } }
    : options
}

/** How much history these options keep. */
export function retention(options: ChannelOptions): Retention {
  const { historySize, historyDuration, historyPublishOnly } = options
  return { size: historySize, duration: historyDuration * 1_000, publishOnly: historyPublishOnly }
}

function flag(name: string, initial: boolean): Row<boolean> {
  return { name, initial, read: readFlag, write: (value) => value }
}

/** 1 and 0 stand for true and false, as many languages write them into a form. */
function readFlag(value: unknown, name: string): boolean {
  if (value === true || value === 1) return true
  if (value === false || value === 0) return false
  throw expected(name, 'true or false', value)
}

function historySize(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > maxHistorySize) {
    throw expected(name, `a whole number from 0 to ${maxHistorySize}`, value)
  }
  return value as number
}

function seconds(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw expected(name, 'a number of seconds, 0 or more', value)
  }
  return value
}

/** Each becomes a key of the state. */
function userNames(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw expected(name, 'a list of user names', value)
  return [...new Set(value.map((one: unknown) => stateKey(userName(one, name), name)))]
}

function expected(name: string, what: string, got: unknown): HookboxError {
  return new HookboxError('bad_request', `${name}: expected ${what}, got ${quote(got)}`)
}
