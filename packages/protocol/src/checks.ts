import { HookboxError } from './errors.ts'
import type { ClientFrameName } from './frames.ts'
import { isObject, type Json, quote, toJsonText } from './json.ts'
import { exceeds, limits } from './limits.ts'
import { channelName, messageId, userName } from './names.ts'
import { parsePosition } from './position.ts'

/** Throws a `bad_request` that names the field and says what was expected. `isShallow`: no JSON in the frame can be too deep. */
type Check = (value: unknown, field: string, isShallow: boolean) => void

/** Frame name → its fields and what each must be. A field whose check is wrapped in `optional` may be missing. */
const checks: { readonly [N in ClientFrameName]: { readonly [field: string]: Check } } = {
  CONNECT: {
    payload: /* @__PURE__ */ optional(json),
    cookie_string: /* @__PURE__ */ optional(cookieString),
    ticket: /* @__PURE__ */ optional(text),
    since: /* @__PURE__ */ optional(positions),
    messages_since: /* @__PURE__ */ optional(position),
    client: /* @__PURE__ */ optional(text),
  },
  SUBSCRIBE: { channel_name: channelName, since: /* @__PURE__ */ optional(position) },
  UNSUBSCRIBE: { channel_name: channelName },
  PUBLISH: { channel_name: channelName, payload: json, message_id: /* @__PURE__ */ optional(messageId) },
  MESSAGE: { name: userName, payload: json, message_id: /* @__PURE__ */ optional(messageId) },
  HISTORY: {
    channel_name: channelName,
    since: /* @__PURE__ */ optional(position),
    before: /* @__PURE__ */ optional(position),
    cursor: /* @__PURE__ */ optional(text),
    limit: /* @__PURE__ */ optional(count),
  },
  PONG: {},
}

/** The same as lists, which are gone through for every frame. */
export const fieldChecks: ReadonlyMap<string, readonly (readonly [field: string, check: Check])[]> =
  /* @__PURE__ */ new Map(
    /* @__PURE__ */ Object.entries(checks).map(([name, fields]) => [name, Object.entries(fields)]),
  )

function optional(check: Check): Check {
  return (value, field, isShallow) => {
    if (value !== undefined) check(value, field, isShallow)
  }
}

function expected(field: string, what: string, got: unknown): HookboxError {
  return new HookboxError(
    'bad_request',
    `${field}: expected ${what}, got ${got === undefined ? 'nothing' : quote(got)}`,
  )
}

function json(value: unknown, field: string, isShallow: boolean): void {
  if (value === undefined) throw expected(field, 'JSON', value)
  if (!isShallow) toJsonText(value as Json, field)
}

function text(value: unknown, field: string): void {
  if (typeof value !== 'string' || exceeds(value, 256)) throw expected(field, 'a text of at most 256 bytes', value)
}

function position(value: unknown, field: string): void {
  if (typeof value !== 'string' || parsePosition(value) === undefined)
    throw expected(field, 'a position "epoch:offset"', value)
}

function positions(value: unknown, field: string): void {
  if (!isObject(value)) throw expected(field, 'an object of channel names and positions', value)
  const channels = Object.entries(value)
  if (channels.length > limits.channels) {
    throw new HookboxError(
      'bad_request',
      `${field}: expected at most ${limits.channels} channels, got ${channels.length}`,
    )
  }
  for (const [channel, at] of channels) {
    channelName(channel, field)
    position(at, `${field}.${channel}`)
  }
}

function count(value: unknown, field: string): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) throw expected(field, 'a whole number above 0', value)
}

function cookieString(value: unknown, field: string): void {
  if (typeof value !== 'string' || exceeds(value, limits.cookieString) || /[\r\n\0]/.test(value)) {
    throw expected(field, `a text of at most ${limits.cookieString} bytes without line breaks`, value)
  }
}
