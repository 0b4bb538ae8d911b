import type { Json } from '@hookbox/protocol'
import type { WebhookFeed } from '../doctor/webhook-feed.ts'
import type { Feed } from '../feed.ts'
import type { NodeVerbs } from '../hub/other-nodes.ts'
import type { Figures } from './figures.ts'
import type { Sessions } from './sessions.ts'
import type { Tries } from './tries.ts'

/** How the line of a connection is. */
export interface LineOf {
  readonly transport: string
  /** Bytes that were sent and are not read yet. */
  readonly buffered: number
}

export interface NodeSideParts {
  readonly figures: () => Figures
  readonly webhookFeed: Pick<WebhookFeed, 'after'>
  readonly log: Pick<Feed<string>, 'after'>
  readonly line: (connectionId: string) => LineOf | undefined
  readonly sessions: Sessions
  readonly tries: Tries
  readonly password: () => string | undefined
}

/** What whichever node serves the console asks of this one. */
export type ConsoleVerbs = Pick<
  NodeVerbs,
  'figures' | 'webhookCalls' | 'logLines' | 'lines' | 'operator' | 'tryPassword' | 'knewPassword'
>

/** What this node does for the console, wherever that is served. */
export function consoleVerbs(parts: NodeSideParts): ConsoleVerbs {
  const { figures, webhookFeed, log, line, sessions, tries, password } = parts
  return {
    figures: async () => figures() as unknown as Json,

    webhookCalls: async ({ after }) =>
      (await webhookFeed.after(after)).map(({ number, what }) => ({ number, ...what })) as unknown as Json,

    logLines: async ({ after }) => log.after(after).map(({ number, what }) => ({ number, line: what })),

    lines: async ({ connections }) =>
      Object.fromEntries(
        connections.flatMap((id) => {
          const found = line(id)
          return found ? [[id, { ...found }]] : []
        }),
      ),

    operator: async ({ session, does }) => {
      const goesOn = sessions.goesOn(session, password(), does === 'act')
      if (does === 'end') sessions.end(session)
      return goesOn
    },

    tryPassword: async ({ address }) => tries.begin(address),

    knewPassword: async ({ address }) => {
      tries.succeeded(address)
      return null
    },
  }
}
