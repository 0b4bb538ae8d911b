import { HookboxError } from '@hookbox/protocol'
import type { Hold } from './channel.ts'
import { deferred } from './deferred.ts'
import type { PublishEvent } from './events.ts'

/** How many publishes may wait to be read. */
const bound = 1_000

/** The publishes of a subscription as an iterator. Dropping some in silence would be a gap, so falling behind is an error. */
export function iterate(hold: Hold): AsyncIterableIterator<PublishEvent> {
  const waiting: PublishEvent[] = []
  let over = hold.ending !== undefined
  let failure: HookboxError | undefined
  let more = deferred<void>()
  /** The read before: one reads after the other. */
  let read: Promise<unknown> = Promise.resolve()

  /** What waits, then what went wrong, then the end. */
  async function next(): Promise<IteratorResult<PublishEvent>> {
    while (waiting.length === 0 && !over) await more.promise
    const value = waiting.shift()
    if (value) return { done: false, value }
    const error = failure
    failure = undefined
    if (error) throw error
    return { done: true, value }
  }
  const wake = (): void => {
    more.resolve()
    more = deferred()
  }
  const finish = (error?: HookboxError): void => {
    over = true
    failure = error
    if (hold.ending === 'cancelled') waiting.length = 0
    unbind()
    unbindEnd()
    wake()
  }
  const unbind = hold.events.on('publish', (event) => {
    if (waiting.push(event) > bound) {
      waiting.pop()
      finish(new HookboxError('too_many', `expected at most ${bound} publishes waiting to be read`))
    }
    wake()
  })
  const unbindEnd = hold.events.on('end', finish)

  return {
    next() {
      const turn = read.then(next)
      read = turn.catch(() => {})
      return turn
    },
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
