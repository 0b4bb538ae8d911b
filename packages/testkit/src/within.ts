/** How long a test waits for anything, in milliseconds. */
export const patience = 5_000

/**
 * The promise, or after the deadline an error that says what was awaited and what came instead.
 *
 * A test may race the result against something else and drop it: that is no unhandled rejection.
 */
export function within<T>(
  promise: PromiseLike<T>,
  what: string,
  instead: () => string = () => 'nothing',
  deadline: number = patience,
): Promise<T> {
  const { promise: settled, resolve, reject } = deferred<T>()
  const timer = setTimeout(
    () => reject(new Error(`waited ${deadline} ms for ${what}; came instead: ${instead()}`)),
    deadline,
  )
  promise.then(resolve, reject)
  const stop = () => clearTimeout(timer)
  settled.then(stop, stop)
  return settled
}

/** A promise that is settled from outside. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => {}
  let reject: Deferred<T>['reject'] = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
