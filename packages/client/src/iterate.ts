import { HookboxError } from '@hookbox/protocol'
import type { Hold } from './channel.ts'
import type { PublishEvent } from './events.ts'

/** How many publishes may wait to be read. */
const bound = 1_000

type Turn = { resolve(result: IteratorResult<PublishEvent>): void; reject(error: HookboxError): void }

/** The publishes of a subscription as an iterator. Dropping some in silence would be a gap, so falling behind is an error. */
export function iterate(hold: Hold): AsyncIterableIterator<PublishEvent> {
  const waiting: PublishEvent[] = []
  const readers: Turn[] = []
  let over = hold.ending !== undefined
  let failure: HookboxError | undefined

  /** Whoever reads gets what waits, then what went wrong, then the end. */
  const serve = (): void => {
    while (readers[0] && (waiting.length > 0 || over)) {
      const { resolve, reject } = readers[0]
      const value = waiting.shift()
      readers.shift()
      if (value) resolve({ done: false, value })
      else if (failure) {
        reject(failure)
        failure = undefined
      } else resolve({ done: true, value })
    }
  }
  const finish = (error?: HookboxError): void => {
    over = true
    failure = error
    if (hold.ending === 'cancelled') waiting.length = 0
    unbind()
    hold.onEnd.delete(finish)
    serve()
  }
  const unbind = hold.events.on('publish', (event) => {
    if (waiting.push(event) > bound) {
      waiting.pop()
      finish(new HookboxError('too_many', `expected at most ${bound} publishes waiting to be read`))
    }
    serve()
  })
  hold.onEnd.add(finish)

  return {
    next: () =>
      new Promise((resolve, reject) => {
        readers.push({ resolve, reject })
        serve()
      }),
    return: async () => {
      waiting.length = 0
      finish()
      return { done: true, value: undefined }
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
