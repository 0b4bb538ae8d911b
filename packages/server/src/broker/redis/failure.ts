import { HookboxError } from '@hookbox/protocol'

/** Redis could not be asked, or not in time: it may have been done all the same. */
export function unavailable(text: string, cause?: unknown): HookboxError {
  return new HookboxError('unavailable', text, cause === undefined ? {} : { cause })
}

/** What Redis holds or answers is not what this hub puts there. */
export function unreadable(what: string): HookboxError {
  return unavailable(`expected ${what} in Redis`)
}

/** A server that will not do, however often it is tried: too old, of another kind, or it does not let this hub in. */
export class UnfitServer extends Error {
  override readonly name = 'UnfitServer'
}

/** Nothing was done: what was asked for is at another server of the cluster by now, or on its way there. */
export class Elsewhere extends Error {
  override readonly name = 'Elsewhere'
}

/** The first word of an error that Redis answers. */
export function codeOf(error: unknown): string {
  return error instanceof Error ? (/^[A-Z]+/.exec(error.message)?.[0] ?? '') : ''
}
