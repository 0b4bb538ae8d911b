import { HookboxError } from '@hookbox/protocol'
import type { Clock } from './clock.ts'

/** Milliseconds between two tries. */
const again = 1_000

/**
 * Does what must be done in the end, however long what it needs is `unavailable`. Undefined where it matters no more before
 * that; whatever else it fails with is thrown.
 */
export async function insist<T>(
  task: () => Promise<T>,
  { clock, matters }: { readonly clock: Clock; readonly matters: () => boolean },
): Promise<T | undefined> {
  while (matters()) {
    try {
      return await task()
    } catch (error) {
      if (!isUnavailable(error)) throw error
    }
    await new Promise<void>((resolve) => clock.after(again, resolve))
  }
  return undefined
}

/** What was asked for could not be done for now, or was done and nobody knows. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof HookboxError && error.code === 'unavailable'
}
