import { HookboxError } from '@hookbox/protocol'
import type { Hold } from './channel.ts'
import { deferred } from './deferred.ts'
import type { PublishEvent } from './events.ts'

/** How many publishes may wait to be read. */
const bound = 1_000

/** The publishes of a subscription as an iterator. Dropping some in silence would be a gap, so falling behind is an error. */
export function iterate(hold: Hold): AsyncIterableIterator<PublishEvent> {
  const waiting: PublishEvent[] = []
  const over = new AbortController()
  let failure: HookboxError | undefined
  let more = deferred<void>()

  /** What waits, then what went wrong, then the end. */
  async function* read(): AsyncGenerator<PublishEvent, undefined> {
    while (waiting.length > 0 || !over.signal.aborted) {
      const event = waiting.shift()
      if (event) yield event
      else {
        more = deferred()
        await more.promise
      }
    }
    if (failure) throw failure
  }
  const finish = (error?: HookboxError): void => {
    failure = error
    over.abort()
    more.resolve()
  }
  const publish = (event: PublishEvent): void => {
    if (waiting.push(event) > bound) {
      waiting.pop()
      finish(new HookboxError('too_many', `expected at most ${bound} publishes waiting`))
    }
    more.resolve()
  }
  const end = (error: HookboxError): void => {
    if (hold.ending === 'cancelled') waiting.length = 0
    finish(hold.ending === 'refused' ? error : undefined)
  }
  hold.emitter.on('publish', publish, over)
  hold.emitter.on('end', end, over)
  if (hold.ending) finish()

  const reading = read()
  const leave = reading.return.bind(reading)
  // a read that waits would not let it leave
  reading.return = (value) => {
    waiting.length = 0
    finish()
    return leave(value)
  }
  return reading
}
