import { members, toJsonText } from '@hookbox/protocol'
import type { Appending, Unnumbered } from '../broker/broker.ts'
import { datetimeText } from '../datetime.ts'
import { type ChannelOptions, retention } from './options.ts'

/** A join or leave, and how the log is to take it: told where the channel is presenceful, kept where it has a history. */
export function presenceEntry(
  name: 'SUBSCRIBE' | 'UNSUBSCRIBE',
  user: string,
  at: number,
  options: ChannelOptions,
): [what: Unnumbered, how: Appending] {
  const inside = members({ user: toJsonText(user), datetime: datetimeText(at) })
  return [
    { name, inside, at },
    { told: options.presenceful, kept: options.historySize > 0, keep: retention(options) },
  ]
}
