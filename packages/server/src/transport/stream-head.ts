import { exceeds, HookboxError, isObject, limits, subprotocol } from '@hookbox/protocol'

/** Bytes of the head line, its line feed included. */
const maxHead = 1_024

/** Bytes of a whole body; beyond it the answer is 413. */
export const maxStreamBody: number = limits.message + maxHead

/** What a page asks for when it wants to read. */
export interface ReadHead {
  /** Missing in the request that opens a session. */
  readonly session: string | undefined
  /** The number of the last message that arrived. */
  readonly ack: number
  /** The answer ends with the first messages. */
  readonly poll: boolean
  /** As the subprotocol of a WebSocket; ours, where none is named. */
  readonly protocol: string
}

/** What a page says, for whichever session of whichever node. */
export interface SendHead {
  readonly session: string
  readonly seq: number
  readonly ack: number
  readonly close: { readonly code: number; readonly reason: string } | undefined
}

type Fields = { readonly [name: string]: unknown }

/** @throws HookboxError `bad_request` naming the field */
export function readHead(body: string): ReadHead {
  const { session, ack, poll, protocol } = parseHead(body)
  return {
    session: session === undefined ? undefined : sessionOf(session),
    ack: numberOf('ack', ack ?? 0, 0),
    poll: flagOf('poll', poll ?? false),
    protocol: textOf('protocol', protocol ?? subprotocol),
  }
}

/** The head and the message behind it. @throws HookboxError `bad_request` naming the field; `too_large` */
export function sendHead(body: string): { readonly head: SendHead; readonly message: string } {
  const { session, seq, ack, close, reason } = parseHead(body)
  const end = body.indexOf('\n')
  const message = end === -1 ? '' : body.slice(end + 1)
  if (exceeds(message, limits.message)) {
    throw new HookboxError('too_large', `message: expected at most ${limits.message} bytes`)
  }
  const head = {
    session: sessionOf(session),
    seq: numberOf('seq', seq, 1),
    ack: numberOf('ack', ack ?? 0, 0),
    close: close === undefined ? undefined : { code: closeCodeOf(close), reason: textOf('reason', reason ?? '') },
  }
  return { head, message }
}

/** The first line of a body; an empty body says nothing. */
function parseHead(body: string): Fields {
  const end = body.indexOf('\n')
  const line = end === -1 ? body : body.slice(0, end)
  if (line === '') return {}
  if (line.length >= maxHead) throw new HookboxError('bad_request', `head: expected less than ${maxHead} characters`)
  try {
    const head: unknown = JSON.parse(line)
    if (isObject(head)) return head
  } catch {
    // said below
  }
  throw new HookboxError('bad_request', 'head: expected a JSON object in the first line')
}

function sessionOf(value: unknown): string {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return value
  throw new HookboxError('bad_request', 'session: expected the 64 hex digits of the first event')
}

function numberOf(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value
  throw new HookboxError('bad_request', `${name}: expected a whole number from ${least}`)
}

function flagOf(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new HookboxError('bad_request', `${name}: expected true or false`)
}

/** The codes that a page may close a WebSocket with. */
function closeCodeOf(value: unknown): number {
  const code = numberOf('close', value, 1_000)
  if (code === 1_000 || (code >= 3_000 && code <= 4_999)) return code
  throw new HookboxError('bad_request', 'close: expected 1000 or a code from 3000 to 4999')
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new HookboxError('bad_request', `${name}: expected text`)
}
