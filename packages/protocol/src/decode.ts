import { fieldChecks } from './checks.ts'
import { HookboxError } from './errors.ts'
import type { ClientFrame, ServerFrame, ServerFrameName } from './frames.ts'
import { depth, isObject, type Json, type JsonText, maxJsonDepth, quote, textOf, toJsonText } from './json.ts'
import { exceeds, limits } from './limits.ts'
import { plainPublish } from './plain-publish.ts'

/** A frame that came in. */
export type Received = ClientFrame & {
  /** Its payload, where it has one, as text that may be spliced into another frame. */
  readonly payload: JsonText | undefined
}

/** A frame, or what is wrong with it and the number to answer with. */
export type Decoded = { readonly frame: Received } | { readonly id: number; readonly error: HookboxError }

/**
 * Reads a message from a page: one or more frames, separated by line feeds.
 *
 * Never throws. An error `malformed` means that the sender does not speak this protocol: nothing after it was read, and the
 * connection is to be closed with 4400. Every other error belongs to its frame alone.
 */
export function decodeMessage(message: string): Decoded[] {
  // Most messages hold one.
  if (!message.includes('\n')) return [decodeFrame(message)]
  const decoded: Decoded[] = []
  for (const line of message.split('\n')) {
    const one = decodeFrame(line)
    decoded.push(one)
    if ('error' in one && one.error.code === 'malformed') break
  }
  return decoded
}

function decodeFrame(line: string): Decoded {
  const frame = plainPublish(line)
  return frame ? { frame } : decodeAny(line)
}

function decodeAny(line: string): Decoded {
  let id = 0
  try {
    const [frameId, name, args = {}] = shape(line)
    id = frameId
    if (exceeds(line, limits.frame))
      throw new HookboxError('too_large', `frame: expected at most ${limits.frame} bytes`)
    const checks = fieldChecks.get(name)
    if (!checks) throw new HookboxError('unknown_frame', `unknown frame ${quote(name)}`)
    // A payload is nested less deeply than the frame that it stands in, which is quickly seen.
    const isShallow = depth(line) <= maxJsonDepth
    for (const [field, check] of checks) check(ownValue(args, field), field, isShallow)
    const { payload } = args
    const text = payload === undefined ? undefined : (textOf(line, 'payload') ?? toJsonText(payload as Json))
    return { frame: { id, name, args, payload: text } as Received }
  } catch (error) {
    if (error instanceof HookboxError) return { id, error }
    throw error
  }
}

/** `[id, "NAME", {…}]`, or `malformed`. */
function shape(line: string): Shape {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new HookboxError('malformed', `frame: expected JSON, got ${quote(line)}`, { cause })
  }
  if (isShape(value)) return value
  throw new HookboxError('malformed', `frame: expected [id, "NAME", {…}], got ${quote(line)}`)
}

type Shape = [id: number, name: string, args?: { [key: string]: unknown }]

function isShape(value: unknown): value is Shape {
  if (!Array.isArray(value) || value.length < 2 || value.length > 3) return false
  const [id, name, args = {}] = value as unknown[]
  return Number.isSafeInteger(id) && (id as number) >= 0 && typeof name === 'string' && isObject(args)
}

/** Reading `args.constructor` would find what every object inherits. */
function ownValue(args: { [key: string]: unknown }, field: string): unknown {
  return Object.hasOwn(args, field) ? args[field] : undefined
}

const serverFrameNames: { readonly [N in ServerFrameName]: true } = {
  CONNECTED: true,
  SUBSCRIBED: true,
  SUBSCRIBE: true,
  UNSUBSCRIBE: true,
  UNSUBSCRIBED: true,
  PUBLISH: true,
  POSITION: true,
  EPOCH: true,
  STATE_UPDATE: true,
  MESSAGE: true,
  SET_COOKIE: true,
  PING: true,
  RESULT: true,
  ERROR: true,
}

/**
 * Reads a message from the hub. Frames with a name that this version does not know are left out, so that the hub can grow.
 * It checks less than {@link decodeMessage}, as the hub is trusted with what it says.
 *
 * @throws HookboxError `malformed` when it is not made of frames.
 */
export function decodeServerMessage(message: string): ServerFrame[] {
  try {
    return message
      .split('\n')
      .map(serverFrame)
      .filter(({ name }) => Object.hasOwn(serverFrameNames, name))
  } catch (cause) {
    throw new HookboxError('malformed', 'frame: expected [id, "NAME", {…}]', { cause })
  }
}

function serverFrame(line: string): ServerFrame {
  const [id, name, args = {}] = JSON.parse(line)
  if (id >= 0 && name && !Array.isArray(args)) return { id, name, args }
  throw new Error(line)
}
