import type { ClientArgs, HistoryPage } from '@hookbox/protocol'
import type { Channel, Hold } from './channel.ts'
import { giveUp } from './giving-up.ts'
import type { Means } from './means.ts'
import type { Given } from './requests.ts'
import type { HistoryOptions } from './subscription.ts'

/** Asks for history once the channel is subscribed, and again after a break, as reading twice does no harm. */
export function fetchHistory(
  channel: Channel,
  hold: Hold,
  { requests, around, line, timeout }: Means,
  { signal, ...which }: HistoryOptions = {},
): Promise<HistoryPage> {
  return giveUp(around, 'HISTORY', { signal, timeout }, (resolve, reject, settled) => {
    let asked: number | undefined
    const ask = () => {
      // on the same line it is answered anyhow
      if (asked === line.number) return
      asked = line.number
      requests.ask('HISTORY', { ...which, channel_name: channel.name } as Given<ClientArgs['HISTORY']>, found, reject)
    }
    const found = (page: HistoryPage) => resolve({ ...page, history: hold.reader.page(page.history) })
    if (hold.error) throw hold.error
    hold.emitter.on('subscribed', ask, settled)
    hold.emitter.on('end', reject, settled)
    if (channel.view.current) ask()
  })
}
