import { formatPosition, type JsonText, limits, members, spliceFrame, toJsonText } from '@hookbox/protocol'
import type { Snapshot } from '../broker/broker.ts'
import { positionJson } from '../position-json.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import type { ChannelOptions } from './options.ts'
import { stateText } from './state.ts'

/** What `SUBSCRIBED` says: who recovered gets no snapshot, as the missed frames bring what the page has up to date. */
export function subscribedFrame(
  channelName: string,
  options: ChannelOptions,
  snapshot: Snapshot,
  how: { readonly id: number; readonly resumes: boolean; readonly initialData: JsonText | undefined },
): PreparedFrame {
  const { presenceful } = options
  const { missed } = snapshot
  /** There are too many to name them. */
  const isCounted = presenceful && snapshot.members.length > limits.presence
  const where = members({ channel_name: toJsonText(channelName), position: positionJson(formatPosition(snapshot.top)) })
  const inside = members({
    recovered: how.resumes ? toJsonText(missed !== undefined) : undefined,
    missed: missed && toJsonText(missed.length),
    history: missed ? undefined : snapshot.history,
    more: !missed && snapshot.more ? toJsonText(true) : undefined,
    state: missed ? undefined : stateText(snapshot.state),
    presence: missed || isCounted ? undefined : toJsonText(presenceful ? [...snapshot.members] : []),
    present: !missed && isCounted ? toJsonText(snapshot.members.length) : undefined,
    initial_data: how.initialData,
  })
  return new PreparedFrame(spliceFrame(how.id, 'SUBSCRIBED', `${where},${optionsInside(options)},${inside}`))
}

const texts = new WeakMap<ChannelOptions, string>()

/** What everybody who comes while these options hold is told of them. */
function optionsInside(options: ChannelOptions): string {
  const known = texts.get(options)
  if (known !== undefined) return known
  const { presenceful, reflective, historySize, historyDuration, historyPublishOnly } = options
  const text = members({
    presenceful: toJsonText(presenceful),
    reflective: toJsonText(reflective),
    history_size: toJsonText(historySize),
    history_duration: toJsonText(historyDuration),
    history_publish_only: toJsonText(historyPublishOnly),
  })
  texts.set(options, text)
  return text
}

/** The options that `SUBSCRIBED` tells, as one comparable text. */
export function subscribersSee(options: ChannelOptions): string {
  const { presenceful, reflective, historySize, historyDuration, historyPublishOnly } = options
  return JSON.stringify([presenceful, reflective, historySize, historyDuration, historyPublishOnly])
}
