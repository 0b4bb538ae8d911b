import { formatPosition, type JsonText, limits, members, spliceFrame, toJsonText } from '@hookbox/protocol'
import type { Snapshot } from '../broker/broker.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import type { ChannelOptions } from './options.ts'
import { stateText } from './state.ts'

/** A frame for subscribers of one channel that has no place in its log. */
export function channelFrame(
  id: number,
  name: string,
  channelName: string,
  args: { readonly [key: string]: JsonText | undefined },
): PreparedFrame {
  return new PreparedFrame(spliceFrame(id, name, members({ channel_name: toJsonText(channelName), ...args })))
}

/** What `SUBSCRIBED` says: who recovered gets no snapshot, as the missed frames bring what the page has up to date. */
export function subscribedFrame(
  channelName: string,
  options: ChannelOptions,
  snapshot: Snapshot,
  how: { readonly id: number; readonly resumes: boolean; readonly initialData: JsonText | undefined },
): PreparedFrame {
  const { presenceful, reflective, historySize, historyDuration, historyPublishOnly } = options
  const { missed } = snapshot
  const named = snapshot.members.length <= limits.presence
  return channelFrame(how.id, 'SUBSCRIBED', channelName, {
    position: toJsonText(formatPosition(snapshot.top)),
    presenceful: toJsonText(presenceful),
    reflective: toJsonText(reflective),
    history_size: toJsonText(historySize),
    history_duration: toJsonText(historyDuration),
    history_publish_only: toJsonText(historyPublishOnly),
    ...(how.resumes && { recovered: toJsonText(missed !== undefined) }),
    ...(missed
      ? { missed: toJsonText(missed.length) }
      : {
          history: snapshot.history,
          more: snapshot.more ? toJsonText(true) : undefined,
          state: stateText(snapshot.state),
          presence: presenceful && !named ? undefined : toJsonText(presenceful ? [...snapshot.members] : []),
          present: presenceful && !named ? toJsonText(snapshot.members.length) : undefined,
        }),
    initial_data: how.initialData,
  })
}

/** The options that `SUBSCRIBED` tells, as one comparable text. */
export function subscribersSee(options: ChannelOptions): string {
  const { presenceful, reflective, historySize, historyDuration, historyPublishOnly } = options
  return JSON.stringify([presenceful, reflective, historySize, historyDuration, historyPublishOnly])
}
