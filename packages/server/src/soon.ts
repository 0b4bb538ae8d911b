/**
 * What is there at once where nothing has to be waited for, or comes later. A promise and its turns cost more than what most
 * requests do, so that what is done for each publish has none where all of it is in this process.
 */
export type Soon<T> = T | Promise<T>

/** Goes on with a value, at once where it is there. What `next` throws is thrown, or rejects. */
export function after<T, R>(soon: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return soon instanceof Promise ? soon.then(next) : next(soon)
}

/** What `failed` makes of an error, whether the task throws it or rejects with it. */
export function rescue<T>(task: () => Soon<T>, failed: (error: unknown) => Soon<T>): Soon<T> {
  let soon: Soon<T>
  try {
    soon = task()
  } catch (error) {
    return failed(error)
  }
  return soon instanceof Promise ? soon.catch(failed) : soon
}

/** Does `last` when the task is over, however it ends. */
export function ensure<T>(task: () => Soon<T>, last: () => void): Soon<T> {
  let soon: Soon<T>
  try {
    soon = task()
  } catch (error) {
    last()
    throw error
  }
  if (soon instanceof Promise) return soon.finally(last)
  last()
  return soon
}
