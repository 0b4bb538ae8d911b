import { type ErrorCode, HookboxError } from '@hookbox/protocol'
import type { Cancel, Surroundings } from './surroundings.ts'

/** How long a caller waits. */
export interface Patience {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. */
  readonly timeout?: number | undefined
}

/** Makes the failures of what is waited for. */
export type Failure = (code: ErrorCode, text: string, options?: { cause: unknown }) => HookboxError

/**
 * What a caller waits for until it gives up, with `aborted` or `timeout`. `begin` fails it by throwing or by calling
 * `reject`. When it has settled in whatever way `settled` aborts, which whatever binds a handler takes as its options.
 */
export function giveUp<T>(
  around: Surroundings,
  name: string,
  { signal, timeout }: Patience,
  begin: (
    resolve: (value: T) => void,
    reject: (error: HookboxError) => void,
    settled: AbortController,
    failure: Failure,
  ) => void,
): Promise<T> {
  const settled = new AbortController()
  const failure: Failure = (code, text, options) => new HookboxError(code, `${name}: ${text}`, options)
  const answer = new Promise<T>((resolve, reject) => {
    const abort = () => reject(failure('aborted', 'given up', { cause: signal?.reason }))
    if (signal?.aborted) return abort()
    begin(resolve, reject, settled, failure)
    // Node forgets to unbind by a signal where one target has several of them
    onAbort(settled.signal, onAbort(signal, abort))
    if (timeout !== undefined) {
      const cancel = around.later(timeout, () => reject(failure('timeout', `no answer within ${timeout} ms`)))
      onAbort(settled.signal, cancel)
    }
  })
  const settle = () => settled.abort()
  // before the caller hears of it; nobody needs to listen
  answer.then(settle, settle)
  return answer
}

/** Calls `run` when the signal aborts, at once where it has. */
export function onAbort(signal: AbortSignal | undefined, run: () => void): Cancel {
  if (signal?.aborted) run()
  else signal?.addEventListener('abort', run)
  return () => signal?.removeEventListener('abort', run)
}
