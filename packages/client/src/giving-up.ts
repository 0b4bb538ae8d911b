import { type ErrorCode, HookboxError } from '@hookbox/protocol'
import { deferred } from './deferred.ts'
import type { Cancel, Surroundings } from './surroundings.ts'

/** How long a caller waits. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeout?: number | undefined
}

/**
 * What a caller waits for until it gives up, with `aborted` or `timeout`. `begin` fails it by throwing or by calling
 * `reject`, and adds to `cleanUp` what is to be undone when it has settled in whatever way.
 */
export function giveUp<T>(
  around: Surroundings,
  name: string,
  { signal, timeout }: Patience,
  begin: (resolve: (value: T) => void, reject: (error: HookboxError) => void, cleanUp: Cancel[]) => void,
): Promise<T> {
  const answer = deferred<T>()
  const failure = failureOf(name)
  const cleanUp: Cancel[] = []
  const finish = (): void => {
    for (const undo of cleanUp) undo()
  }
  const reject = (error: HookboxError): void => {
    finish()
    answer.reject(error)
  }
  const resolve = (value: T): void => {
    finish()
    answer.resolve(value)
  }
  const abort = () => reject(failure('aborted', 'given up by the caller', signal?.reason))
  if (signal?.aborted) abort()
  else {
    try {
      begin(resolve, reject, cleanUp)
      cleanUp.push(onAbort(signal, abort))
      if (timeout !== undefined)
        cleanUp.push(around.later(timeout, () => reject(failure('timeout', `no answer within ${timeout} ms`))))
    } catch (error) {
      reject(error as HookboxError)
    }
  }
  return answer.promise
}

/** Failures of what has this name. */
export function failureOf(name: string): (code: ErrorCode, text: string, cause?: unknown) => HookboxError {
  return (code, text, cause) => new HookboxError(code, `${name}: ${text}`, { cause })
}

/** Calls `run` when the signal aborts, at once where it has. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Cancel {
  if (signal?.aborted) run()
  else signal?.addEventListener('abort', run)
  return () => signal?.removeEventListener('abort', run)
}
