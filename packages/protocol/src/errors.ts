/** The word for a failure, as it goes over the wire. */
export type ErrorCode =
  | 'bad_request'
  | 'malformed'
  | 'unknown_frame'
  | 'unauthorized'
  | 'refused'
  | 'not_subscribed'
  | 'unknown_channel'
  | 'unknown_user'
  | 'unknown_connection'
  | 'unknown_method'
  | 'channel_exists'
  | 'too_large'
  | 'too_many'
  | 'internal'
  | 'webhook_failed'
  | 'unavailable'
  | 'disabled'
  | 'timeout'
  | 'offline'
  | 'closed'
  | 'aborted'
  | 'outcome_unknown'

/** The word on the wire → the HTTP status that REST answers with. */
const statuses: { readonly [Code in ErrorCode]: number } = {
  /** A field is missing, of the wrong type or out of bounds; the message names it and says what was expected. */
  bad_request: 400,
  /** Text that is not a frame at all; the connection is closed with 4400. */
  malformed: 400,
  /** A frame name that the hub does not know. */
  unknown_frame: 400,
  /** No secret, or a wrong one; or the application refused the connect. */
  unauthorized: 401,
  /** The web application said no; the message is its own, where it gave one. */
  refused: 403,
  /** Only subscribers of the channel may ask this. */
  not_subscribed: 403,
  unknown_channel: 404,
  unknown_user: 404,
  unknown_connection: 404,
  unknown_method: 404,
  channel_exists: 409,
  /** Beyond a size of {@link limits}. */
  too_large: 413,
  /** Beyond a number of {@link limits}: slower, or later, it is accepted. */
  too_many: 429,
  /** A bug of the hub; its log has the stack. */
  internal: 500,
  /** The web application could not be asked, or answered something that is no answer. Nothing was allowed. */
  webhook_failed: 502,
  /** The hub cannot do this just now: it is stopping, or what it relies on does not answer. */
  unavailable: 503,
  /** This interface is switched off by the configuration. */
  disabled: 503,
  /** On the page: no answer came in time. */
  timeout: 504,
  /** On the page: not connected, and not asked to wait until it is. */
  offline: 503,
  /** On the page: the connection or subscription has ended. */
  closed: 410,
  /** On the page: the caller's signal ended the wait. */
  aborted: 499,
  /** On the page: sent, never answered, and too old to be sent again without risking a repeat. */
  outcome_unknown: 504,
}

/** Those after which the same may succeed later. It stands apart from the statuses, as pages load this alone. */
const temporary = /too_many|internal|webhook_failed|unavailable|timeout|offline/

/**
 * Every way in which a request can fail: the word on the wire, the HTTP status that REST answers with, and whether trying
 * the same again later may help.
 */
export const errors: { readonly [Code in ErrorCode]: { readonly status: number; readonly temporary: boolean } } =
  /* @__PURE__ */ table()

function table(): typeof errors {
  const rows = Object.entries(statuses).map(([code, status]) => [code, { status, temporary: temporary.test(code) }])
  return Object.fromEntries(rows)
}

/**
 * A failure that the other side is meant to read. Anything else that is thrown is a bug.
 *
 * The message is lower case without a full stop and, for a mistake, names the field, what was expected and what came.
 */
export class HookboxError extends Error {
  override readonly name = 'HookboxError'
  /** One that came over the wire may be a word of a newer hub, which is to be treated as `internal`. */
  declare readonly code: ErrorCode
  /** Whether the same may succeed later. */
  declare readonly temporary: boolean

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; temporary?: boolean }) {
    super(message, options)
    this.code = code
    this.temporary = options?.temporary ?? temporary.test(code)
  }
}

/** Whether a word that came over the wire is one of ours. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(statuses, word)
}
