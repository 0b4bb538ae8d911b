import { type ClientArgs, type HistoryPage, HookboxError } from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import { giveUp } from './giving-up.ts'
import type { Means } from './means.ts'
import type { Given } from './requests.ts'
import type { HistoryOptions } from './subscription.ts'

/** Asks for history once the channel is subscribed, and again after a break, as reading twice does no harm. */
export function fetchHistory(
  channel: Channel,
  hold: Hold,
  { signal, ...which }: HistoryOptions,
  { requests, around, timeout }: Means,
): Promise<HistoryPage> {
  return giveUp(around, 'HISTORY', { signal, timeout }, (resolve, reject, cleanUp) => {
    const again = () =>
      requests.ask('HISTORY', { ...which, channel_name: channel.name } as Given<ClientArgs['HISTORY']>, found, reject)
    const found = (page: HistoryPage) => resolve({ ...page, history: hold.reader.page(page.history) })
    const over = () => new HookboxError('closed', 'the subscription has ended')
    if (hold.ending) throw over()
    cleanUp.push(
      hold.events.on('agreed', again),
      hold.events.on('end', (error = over()) => reject(error)),
    )
    if (channel.view.current) again()
  })
}
