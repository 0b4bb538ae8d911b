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

/**
 * Every way in which a request can fail: the word on the wire, the HTTP status that REST answers with, and whether trying
 * the same again later may help.
 */
export const errors: { readonly [Code in ErrorCode]: { readonly status: number; readonly temporary: boolean } } = {
  /** A field is missing, of the wrong type or out of bounds; the message names it and says what was expected. */
  bad_request: { status: 400, temporary: false },
  /** Text that is not a frame at all; the connection is closed with 4400. */
  malformed: { status: 400, temporary: false },
  /** A frame name that the hub does not know. */
  unknown_frame: { status: 400, temporary: false },
  /** No secret, or a wrong one; or the application refused the connect. */
  unauthorized: { status: 401, temporary: false },
  /** The web application said no; the message is its own, where it gave one. */
  refused: { status: 403, temporary: false },
  /** Only subscribers of the channel may ask this. */
  not_subscribed: { status: 403, temporary: false },
  unknown_channel: { status: 404, temporary: false },
  unknown_user: { status: 404, temporary: false },
  unknown_connection: { status: 404, temporary: false },
  unknown_method: { status: 404, temporary: false },
  channel_exists: { status: 409, temporary: false },
  /** Beyond a size of {@link limits}. */
  too_large: { status: 413, temporary: false },
  /** Beyond a number of {@link limits}: slower, or later, it is accepted. */
  too_many: { status: 429, temporary: true },
  /** A bug of the hub; its log has the stack. */
  internal: { status: 500, temporary: true },
  /** The web application could not be asked, or answered something that is no answer. Nothing was allowed. */
  webhook_failed: { status: 502, temporary: true },
  /** The hub cannot do this just now: it is stopping, or what it relies on does not answer. */
  unavailable: { status: 503, temporary: true },
  /** This interface is switched off by the configuration. */
  disabled: { status: 503, temporary: false },
  /** On the page: no answer came in time. */
  timeout: { status: 504, temporary: true },
  /** On the page: not connected, and not asked to wait until it is. */
  offline: { status: 503, temporary: true },
  /** On the page: the connection or subscription has ended. */
  closed: { status: 410, temporary: false },
  /** On the page: the caller's signal ended the wait. */
  aborted: { status: 499, temporary: false },
  /** On the page: sent, never answered, and too old to be sent again without risking a repeat. */
  outcome_unknown: { status: 504, temporary: false },
}

/**
 * A failure that the other side is meant to read. Anything else that is thrown is a bug.
 *
 * The message is lower case without a full stop and, for a mistake, names the field, what was expected and what came.
 */
export class HookboxError extends Error {
  override readonly name = 'HookboxError'
  readonly code: ErrorCode
  /** Whether the same may succeed later. */
  readonly temporary: boolean

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; temporary?: boolean }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.temporary = options?.temporary ?? errors[code].temporary
  }

  /** The HTTP status that fits. */
  get status(): number {
    return errors[this.code].status
  }
}

/** Whether a word that came over the wire is one of ours; an unknown one is treated as `internal`. */
export function isErrorCode(word: string): word is ErrorCode {
  return Object.hasOwn(errors, word)
}
