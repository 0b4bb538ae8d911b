// Those that pages know stand by themselves too, as no bundler leaves out the rest of a table.

/** Ended on purpose: `conn.disconnect()`. */
export const closeNormal = 1000

/** A message beyond 1 MiB. */
const tooBig = 1009

/** The page goes to sleep: browsers keep no page that has an open line. */
export const closeAsleep = 4001

/** The application refused the connect. */
export const closeRefused = 4401

/** A fault of the hub. */
export const closeInternal = 4500

/** No `CONNECT` or `PONG` in time. */
export const closeSilent = 4504

/** Why a connection was closed. The names are the hub's; RFC 6455 §7.4 reserves 4000–4999 for applications. */
export const closeCodes = {
  /** Ended on purpose: `conn.disconnect()`. */
  normal: closeNormal as typeof closeNormal,
  /** The page went away (a reload, a closed tab). */
  goingAway: 1001,
  /** A message beyond 1 MiB. */
  tooBig: tooBig as typeof tooBig,
  /** The page goes to sleep: browsers keep no page that has an open line. */
  asleep: closeAsleep as typeof closeAsleep,
  /** What came was not a frame. */
  malformed: 4400,
  /** The application refused the connect. */
  refused: closeRefused as typeof closeRefused,
  /** Removed by the application. */
  removed: 4403,
  /** No version of the protocol in common. */
  noCommonVersion: 4406,
  /** A fault of the hub. */
  internal: closeInternal as typeof closeInternal,
  /** The application could not be asked. */
  webhookFailed: 4502,
  /** The hub is stopping. */
  stopping: 4503,
  /** No `CONNECT` or `PONG` in time. */
  silent: closeSilent as typeof closeSilent,
  /** The page reads too slowly. */
  slow: 4508,
} as const

/**
 * Whether a page should come back by itself, with backoff, after a close with this code: not after it left on purpose,
 * not after a 44xx and not after a message that was too large.
 */
export function comesBack(code: number): boolean {
  return !(code === closeNormal || code === tooBig || (code >= 4400 && code < 4500))
}
