import {
  exceeds,
  HookboxError,
  type Json,
  type JsonText,
  jsonText,
  limits,
  quote,
  channelName as readChannelName,
  messageId as readMessageId,
  userName as readUserName,
  toJsonText,
} from '@hookbox/protocol'

/** A field as it came: text out of a form or query string, or a value out of a JSON body. */
export type Given = { readonly text: string } | { readonly value: unknown }

/** Everything that came with a request, by field name. */
export type GivenFields = ReadonlyMap<string, Given>

/** What a field must be. */
export interface FieldCheck<T> {
  /** Throws a `bad_request` that names the field and says what was expected. */
  read(given: Given | undefined, field: string): T
  /** Other names that the field may come under. */
  readonly also?: readonly string[]
}

/** What all fields must be that the method does not name. */
export interface RestCheck<T> {
  readRest(given: GivenFields): T
}

/** The fields of a method and what each must be. */
export interface Fields {
  readonly [field: string]: FieldCheck<unknown> | RestCheck<unknown>
}

/** The fields as a method gets them. */
export type Checked<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends FieldCheck<infer T> ? T : F[K] extends RestCheck<infer T> ? T : never
}

/** The details of a successful reply. */
export type Result = { readonly [name: string]: unknown }

/** A REST method, as the endpoint runs it. */
export interface Method {
  run(given: GivenFields): Promise<Result>
}

/** A method from its fields, whose types follow from the checks, and what it does. Unknown fields are ignored. */
export function method<F extends Fields>(fields: F, run: (fields: Checked<F>) => Promise<Result> | Result): Method {
  return { run: async (given) => run(check(fields, given)) }
}

function check<F extends Fields>(fields: F, given: GivenFields): Checked<F> {
  const remaining = new Map(given)
  const checked: { [field: string]: unknown } = {}
  for (const [field, check] of Object.entries(fields)) {
    if ('readRest' in check) continue
    const names = [field, ...(check.also ?? [])]
    const name = names.find((one) => given.has(one)) ?? field
    checked[field] = check.read(given.get(name), name)
    for (const one of names) remaining.delete(one)
  }
  for (const [field, check] of Object.entries(fields)) {
    if ('readRest' in check) checked[field] = check.readRest(remaining)
  }
  return checked as Checked<F>
}

/** A field that may be missing; null in a JSON body counts as missing. */
export function optional<T>(check: FieldCheck<T>): FieldCheck<T | undefined>
export function optional<T, F>(check: FieldCheck<T>, fallback: F): FieldCheck<T | F>
export function optional<T, F>(check: FieldCheck<T>, fallback?: F): FieldCheck<T | F | undefined> {
  const missing = (given: Given | undefined) => given === undefined || ('value' in given && given.value === null)
  return { ...check, read: (given, field) => (missing(given) ? fallback : check.read(given, field)) }
}

/** A field that may come under other names as well. */
export function or<T>(check: FieldCheck<T>, ...also: string[]): FieldCheck<T> {
  return { ...check, also }
}

/** All fields that the method does not name: those in `checks` by these, the others JSON, or text where they are none. */
export function rest(checks: { readonly [field: string]: FieldCheck<unknown> } = {}): RestCheck<Result> {
  return {
    readRest: (given) =>
      Object.fromEntries(
        [...given].map(([field, one]) => {
          const check = Object.hasOwn(checks, field) ? checks[field] : undefined
          return [field, check ? check.read(one, field) : loose(one, field)]
        }),
      ),
  }
}

/** Any text. */
export const text: FieldCheck<string> = {
  read(given, field) {
    const value = plain(given)
    if (typeof value !== 'string') throw expected(field, 'a text', given)
    return value
  },
}

export const channelName: FieldCheck<string> = named(readChannelName)
export const userName: FieldCheck<string> = named(readUserName)
export const messageId: FieldCheck<string> = named(readMessageId)

/** Any JSON: its text in a form, the value itself in a JSON body. */
export const json: FieldCheck<JsonText> = {
  read(given, field) {
    if (given === undefined) throw expected(field, 'JSON', given)
    return 'text' in given ? jsonText(given.text, field) : toJsonText(given.value as Json, field)
  },
}

/** JSON that goes to pages, and so is at most as large as what a page may send. */
export const payload: FieldCheck<JsonText> = {
  read(given, field) {
    const read = json.read(given, field)
    if (exceeds(read, limits.frame)) {
      throw new HookboxError('too_large', `${field}: expected at most ${limits.frame} bytes`)
    }
    return read
  },
}

/** `1`, `0`, `true` or `false`, as text or as values. */
export const flag: FieldCheck<boolean> = {
  read(given, field) {
    const value = plain(given)
    const words: unknown[] =
      given && 'text' in given ? ['1', 'true', 'True', '0', 'false', 'False'] : [1, true, 0, false]
    const at = words.indexOf(value)
    if (at === -1) throw expected(field, '1, 0, true or false', given)
    return at < words.length / 2
  },
}

/** A number, in a form in decimal digits. */
export const number: FieldCheck<number> = {
  read(given, field) {
    const value = plain(given)
    const digits = typeof value === 'string' && given && 'text' in given && /^-?\d+(\.\d+)?$/.test(value)
    const read = digits ? Number(value) : value
    if (typeof read !== 'number' || !Number.isFinite(read)) throw expected(field, 'a number', given)
    return read
  },
}

/** Channel names: a JSON list, or a text with commas between them. Each counts once. */
export const channelNames: FieldCheck<readonly string[]> = {
  read(given, field) {
    const value = plain(given)
    const list = typeof value === 'string' ? splitList(value, field) : value
    if (!Array.isArray(list)) throw expected(field, 'a list of channel names', given)
    return [...new Set(list.map((name: unknown) => readChannelName(name, field)))]
  },
}

/** A comma may stand in a channel's name: such names need the JSON form. */
function splitList(value: string, field: string): unknown {
  if (value.trimStart().startsWith('[')) return JSON.parse(jsonText(value, field))
  const names = value.split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}

function named(read: (value: unknown, field: string) => string): FieldCheck<string> {
  return { read: (given, field) => read(text.read(given, field), field) }
}

function loose(given: Given, field: string): unknown {
  if ('value' in given) return given.value
  // Python writes its booleans so.
  if (given.text === 'True' || given.text === 'False') return given.text === 'True'
  try {
    return JSON.parse(jsonText(given.text, field))
  } catch {
    // A text such as a name needs no quotes in a form; what the text must be, its option says.
    return given.text
  }
}

function plain(given: Given | undefined): unknown {
  if (given === undefined) return undefined
  return 'text' in given ? given.text : given.value
}

function expected(field: string, what: string, given: Given | undefined): HookboxError {
  const got = given === undefined ? 'nothing' : quote(plain(given))
  return new HookboxError('bad_request', `${field}: expected ${what}, got ${got}`)
}
