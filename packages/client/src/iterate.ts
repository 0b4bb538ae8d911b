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

  const finish = (error?: HookboxError): void => {
    over = true
    failure = error
    unbind()
    hold.onEnd.delete(onEnd)
    for (const reader of readers.splice(0)) {
      if (failure === undefined) reader.resolve({ done: true, value: undefined })
      else {
        reader.reject(failure)
        failure = undefined
      }
    }
  }
  const onEnd = (error?: HookboxError): void => {
    if (hold.ending === 'cancelled') waiting.length = 0
    finish(error)
  }
  const unbind = hold.events.on('publish', (event) => {
    const reader = readers.shift()
    if (reader !== undefined) reader.resolve({ done: false, value: event })
    else if (waiting.length < bound) waiting.push(event)
    else finish(new HookboxError('too_many', `expected at most ${bound} publishes waiting to be read`))
  })
  if (over) unbind()
  else hold.onEnd.add(onEnd)

  return {
    next: () =>
      new Promise((resolve, reject) => {
        const event = waiting.shift()
        if (event !== undefined) resolve({ done: false, value: event })
        else if (failure !== undefined) {
          reject(failure)
          failure = undefined
        } else if (over) resolve({ done: true, value: undefined })
        else readers.push({ resolve, reject })
      }),
    return: () => {
      waiting.length = 0
      finish()
      return Promise.resolve({ done: true, value: undefined })
    },
    [Symbol.asyncIterator]() {
      return this
    },
  }
}
