import { HookboxError } from '@hookbox/protocol'

/** The channel does not exist, or not any more. */
export function isMissing(error: unknown): boolean {
  return error instanceof HookboxError && error.code === 'unknown_channel'
}
