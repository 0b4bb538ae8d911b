import { type HistoryPage, HookboxError } from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import { deferred } from './deferred.ts'
import type { Requests } from './requests.ts'
import type { HistoryOptions } from './subscription.ts'
import type { Surroundings } from './surroundings.ts'

/** Asks for history once the channel is subscribed, and again after a break, as reading twice does no harm. */
export function fetchHistory(
  channel: Channel,
  hold: Hold,
  { signal, ...which }: HistoryOptions,
  requests: Requests,
  around: Surroundings,
  timeout: number,
): Promise<HistoryPage> {
  const answer = deferred<HistoryPage>()
  const ask = (): void => {
    requests.ask(
      'HISTORY',
      {
        since: undefined,
        before: undefined,
        cursor: undefined,
        limit: undefined,
        ...which,
        channel_name: channel.name,
      },
      {
        done(page: HistoryPage) {
          finish()
          answer.resolve(page)
        },
        failed: fail,
      },
    )
  }
  const finish = (): void => {
    cancel()
    channel.onAgreed.delete(ask)
    hold.onEnd.delete(onEnd)
    signal?.removeEventListener('abort', onAbort)
  }
  const fail = (error: HookboxError): void => {
    finish()
    answer.reject(error)
  }
  const onEnd = (error?: HookboxError) => fail(error ?? new HookboxError('closed', 'the subscription has ended'))
  const onAbort = () => fail(new HookboxError('aborted', 'the caller gave up waiting', { cause: signal?.reason }))
  const cancel = around.after(timeout, () =>
    fail(new HookboxError('timeout', `HISTORY: no answer within ${timeout} ms`)),
  )
  if (signal?.aborted) onAbort()
  else if (hold.ending !== undefined) onEnd()
  else {
    channel.onAgreed.add(ask)
    hold.onEnd.add(onEnd)
    signal?.addEventListener('abort', onAbort)
    if (channel.current) ask()
  }
  return answer.promise
}
