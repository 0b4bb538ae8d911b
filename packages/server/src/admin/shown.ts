import type { Json } from '@hookbox/protocol'
import type { ChannelShown, EntryShown } from './told.ts'

/** Characters of one JSON text that are shown. */
const longest = 4_096

/** How much of a channel is shown. */
const most = { users: 500, keys: 200, history: 100 }

type Info = {
  readonly name: string
  readonly options: { readonly [name: string]: Json }
  readonly subscribers: readonly string[]
}

/** A channel as an operator sees it, within bounds. */
export function showChannel({ name, options, subscribers }: Info): ChannelShown {
  const { history, state, ...rest } = options
  const entries = Array.isArray(history) ? history : []
  const keys = Object.entries((state ?? {}) as { [key: string]: Json })
  return {
    name,
    options: rest,
    users: subscribers.slice(0, most.users),
    allUsers: subscribers.length,
    state: keys.slice(0, most.keys).map(([key, value]) => [key, jsonOf(value) ?? '']),
    allKeys: keys.length,
    history: entries.slice(-most.history).flatMap((entry) => {
      const [kind, args] = Array.isArray(entry) ? entry : []
      return typeof kind === 'string' ? [showEntry(kind, args)] : []
    }),
    allHistory: entries.length,
  }
}

/** A frame that subscribers were told: `[0, NAME, args]`. */
export function showFrame(text: string): EntryShown {
  const [, name, args] = JSON.parse(text) as [number, string, Json]
  return showEntry(name, args)
}

function showEntry(name: string, args: Json | undefined): EntryShown {
  const { channel_name: _, datetime, user, offset, payload, ...rest } = (args ?? {}) as { [name: string]: Json }
  return {
    name,
    datetime: typeof datetime === 'string' ? datetime : undefined,
    user: typeof user === 'string' ? user : null,
    offset: typeof offset === 'number' ? offset : undefined,
    json: name === 'PUBLISH' ? jsonOf(payload) : Object.keys(rest).length > 0 ? jsonOf(rest) : undefined,
  }
}

function jsonOf(value: Json | undefined): string | undefined {
  const text = JSON.stringify(value)
  return text === undefined || text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
