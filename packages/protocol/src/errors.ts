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

interface Failure {
  readonly status: number
  readonly temporary: boolean
}

const final = (status: number): Failure => ({ status, temporary: false })
const temporary = (status: number): Failure => ({ status, temporary: true })

/**
 * Every way in which a request can fail: the word on the wire, the HTTP status that REST answers with, and whether trying
 * the same again later may help.
 */
export const errors: { readonly [Code in ErrorCode]: Failure } = {
  /** A field is missing, of the wrong type or out of bounds; the message names it and says what was expected. */
  bad_request: final(400),
  /** Text that is not a frame at all; the connection is closed with 4400. */
  malformed: final(400),
  /** A frame name that the hub does not know. */
  unknown_frame: final(400),
  /** No secret, or a wrong one; or the application refused the connect. */
  unauthorized: final(401),
  /** The web application said no; the message is its own, where it gave one. */
  refused: final(403),
  /** Only subscribers of the channel may ask this. */
  not_subscribed: final(403),
  unknown_channel: final(404),
  unknown_user: final(404),
  unknown_connection: final(404),
  unknown_method: final(404),
  channel_exists: final(409),
  /** Beyond a size of {@link limits}. */
  too_large: final(413),
  /** Beyond a number of {@link limits}: slower, or later, it is accepted. */
  too_many: temporary(429),
  /** A bug of the hub; its log has the stack. */
  internal: temporary(500),
  /** The web application could not be asked, or answered something that is no answer. Nothing was allowed. */
  webhook_failed: temporary(502),
  /** The hub cannot do this just now: it is stopping, or what it relies on does not answer. */
  unavailable: temporary(503),
  /** This interface is switched off by the configuration. */
  disabled: final(503),
  /** On the page: no answer came in time. */
  timeout: temporary(504),
  /** On the page: not connected, and not asked to wait until it is. */
  offline: temporary(503),
  /** On the page: the connection or subscription has ended. */
  closed: final(410),
  /** On the page: the caller's signal ended the wait. */
  aborted: final(499),
  /** On the page: sent, never answered, and too old to be sent again without risking a repeat. */
  outcome_unknown: final(504),
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
    super(message, options?.cause === undefined ? {} : { cause: options.cause })
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
