import { HookboxError } from '@hookbox/protocol'
import type { Cancel } from './surroundings.ts'

/** Calls `run` when the signal aborts, at once where it has. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Cancel {
  if (signal?.aborted) run()
  else signal?.addEventListener('abort', run)
  return () => signal?.removeEventListener('abort', run)
}

export function aborted(signal: AbortSignal | undefined): HookboxError {
  return new HookboxError('aborted', 'the caller gave up waiting', { cause: signal?.reason })
}

export function late(name: string, timeout: number): HookboxError {
  return new HookboxError('timeout', `${name}: no answer within ${timeout} ms`)
}
