import { type ClientArgs, type HistoryPage, HookboxError } from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import { deferred } from './deferred.ts'
import { aborted, late, onAbort } from './giving-up.ts'
import type { Given, Requests } from './requests.ts'
import type { HistoryOptions } from './subscription.ts'
import type { Cancel, Surroundings } from './surroundings.ts'

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
  const cleanUp: Cancel[] = []
  const finish = (): void => {
    channel.onAgreed.delete(ask)
    hold.onEnd.delete(onEnd)
    for (const undo of cleanUp) undo()
  }
  const fail = (error: HookboxError): void => {
    finish()
    answer.reject(error)
  }
  const ask = (): void => {
    requests.ask('HISTORY', { ...which, channel_name: channel.name } as Given<ClientArgs['HISTORY']>, {
      done(page: HistoryPage) {
        finish()
        answer.resolve(page)
      },
      failed: fail,
    })
  }
  const onEnd = (error?: HookboxError) => fail(error ?? new HookboxError('closed', 'the subscription has ended'))
  if (signal?.aborted) fail(aborted(signal))
  else if (hold.ending !== undefined) onEnd()
  else {
    cleanUp.push(onAbort(signal, () => fail(aborted(signal))))
    cleanUp.push(around.after(timeout, () => fail(late('HISTORY', timeout))))
    channel.onAgreed.add(ask)
    hold.onEnd.add(onEnd)
    if (channel.current) ask()
  }
  return answer.promise
}
