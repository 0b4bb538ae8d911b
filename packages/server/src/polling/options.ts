import { HookboxError, isObject, type Json, quote, userName } from '@hookbox/protocol'

export type PollingMode = 'simple' | 'persistent' | 'once'

/** How a channel is polled for (contract: Polling). */
export interface PollingOptions {
  readonly mode: PollingMode
  /** http or https, without user name and password. */
  readonly url: string
  /** Milliseconds. */
  readonly interval: number
  /** What is sent, except in simple mode. */
  readonly form: { readonly [field: string]: string }
  /** Who is shown as the publisher of what comes. */
  readonly originator: string | undefined
}

/** The same, and how far it has come. */
export interface Polling extends PollingOptions {
  /** Grows each time polling is given, be it the same: it begins anew then. */
  readonly turn: number
  /** There is nothing more to do in this turn (mode `once`). */
  readonly done: boolean
}

const modes: readonly unknown[] = ['simple', 'persistent', 'once'] satisfies PollingMode[]
const names = ['mode', 'url', 'interval', 'form', 'originator']
const defaultInterval = 5_000

/**
 * The polling options after a change, given by their contract names; undefined is off.
 *
 * What is not given stays as it is in `current`. `null`, `false` and mode `off` switch polling off; `{}` changes nothing.
 *
 * @throws HookboxError `bad_request` naming the detail that is unknown or wrong.
 */
export function checkPolling(value: unknown, current?: Polling): Polling | undefined {
  if (value === null || value === false || value === 'off') return undefined
  const given = Array.isArray(value) && value.length === 0 ? {} : value
  if (!isObject(given)) throw expected('polling', 'an object', given)
  const unknown = Object.keys(given).find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new HookboxError('bad_request', `polling.${unknown}: unknown; expected one of ${names.join(', ')}`)
  }
  if (Object.keys(given).length === 0) return current
  if (given.mode === 'off' || given.mode === '') return undefined
  return {
    mode: change(given.mode, checkMode, current?.mode),
    url: change(given.url, checkUrl, current?.url),
    interval: change(given.interval, checkInterval, current?.interval ?? defaultInterval),
    form: change(given.form, checkForm, current?.form ?? {}),
    // A name, or undefined where it was never given.
    originator: given.originator === undefined ? current?.originator : checkOriginator(given.originator),
    turn: (current?.turn ?? 0) + 1,
    done: false,
  }
}

/** The options by their contract names. */
export function writePolling({ mode, url, interval, form, originator }: PollingOptions): { [name: string]: Json } {
  return { mode, url, interval: interval / 1_000, form: { ...form }, originator: originator ?? null }
}

/** What is given, checked; without it what was there. Where there was nothing, the check says what is missing. */
function change<T>(given: unknown, check: (value: unknown) => T, current: T | undefined): T {
  return given === undefined && current !== undefined ? current : check(given)
}

function checkMode(value: unknown): PollingMode {
  if (modes.includes(value)) return value as PollingMode
  throw expected('polling.mode', '"simple", "persistent", "once" or "off"', value)
}

function checkUrl(value: unknown): string {
  const url = typeof value === 'string' && value.length <= 2_048 && URL.canParse(value) ? new URL(value) : undefined
  const fit = url && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === ''
  if (fit) return value as string
  // It may hold a password, so it is not quoted.
  const got = typeof value === 'string' ? 'another text' : shown(value)
  throw new HookboxError(
    'bad_request',
    `polling.url: expected an http or https URL without user name and password, got ${got}`,
  )
}

function checkInterval(value: unknown): number {
  if (typeof value === 'number' && value >= 0.1 && value <= 86_400) return Math.round(value * 1_000)
  throw expected('polling.interval', 'seconds from 0.1 to 86400', value)
}

function checkForm(value: unknown): { readonly [field: string]: string } {
  const form = Array.isArray(value) && value.length === 0 ? {} : value
  if (!isObject(form)) throw expected('polling.form', 'an object of texts', value)
  return Object.fromEntries(
    Object.entries(form).map(([field, one]) => {
      if (!['string', 'number', 'boolean'].includes(typeof one)) throw expected(`polling.form.${field}`, 'a text', one)
      return [field, String(one)]
    }),
  )
}

function checkOriginator(value: unknown): string | undefined {
  return value === null || value === '' ? undefined : userName(value, 'polling.originator')
}

function expected(name: string, what: string, got: unknown): HookboxError {
  return new HookboxError('bad_request', `${name}: expected ${what}, got ${shown(got)}`)
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : quote(value)
}
