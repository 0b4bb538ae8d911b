import {
  type ClientFrameName,
  HookboxError,
  jsonNull,
  members,
  type Position,
  type Published,
  parsePosition,
  type Received,
  spliceFrame,
  toJsonText,
} from '@hookbox/protocol'
import type { Hub } from '../hub/hub.ts'
import type { UserConnection } from '../hub/users.ts'
import { positionJson } from '../position-json.ts'
import { after, type Soon } from '../soon.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'

/** Entries in one answer to `HISTORY`, where the page names no limit. */
const defaultHistoryLimit = 100

/** What a frame asks. */
interface Request<N extends ClientFrameName> {
  /** Does it; gives the inside of the `RESULT`, or undefined where the answer has been sent already. */
  run(hub: Hub, connection: UserConnection, frame: Extract<Received, { name: N }>): Soon<string | undefined>
  /** Whether it need not wait for those before it that say the same: then nothing can overtake anything. */
  shares(hub: Hub, frame: Extract<Received, { name: N }>): boolean
}

type Asked = Exclude<ClientFrameName, 'CONNECT' | 'PONG'>

const never = () => false

const table: { readonly [N in Asked]: Request<N> } = {
  SUBSCRIBE: {
    shares: never,
    async run(hub, connection, { id, args }) {
      await hub.memberships.subscribe(connection, args.channel_name, id, position(args.since))
      return undefined
    },
  },

  UNSUBSCRIBE: {
    shares: never,
    async run(hub, connection, { id, args }) {
      const result = new PreparedFrame(spliceFrame(id, 'RESULT', ''))
      await hub.memberships.unsubscribe(connection, args.channel_name, () => connection.send(result))
      return undefined
    },
  },

  PUBLISH: {
    shares: (hub, { args }) => hub.publishesUnasked(args.channel_name),
    run(hub, connection, { args, payload = jsonNull }) {
      return after(hub.publish(connection, args.channel_name, payload, args.message_id), publishedInside)
    },
  },

  MESSAGE: {
    shares: never,
    async run(hub, connection, { args, payload = jsonNull }) {
      const duplicate = await hub.messages.send(connection, args.name, payload, args.message_id)
      return duplicate ? members({ duplicate: toJsonText(true) }) : ''
    },
  },

  HISTORY: {
    shares: never,
    async run(hub, connection, { args }) {
      const { since, before, cursor, limit = defaultHistoryLimit } = args
      const piece = await hub.history(connection, args.channel_name, {
        ...(since !== undefined && { since: need(since, 'since') }),
        ...(before !== undefined && { before: need(before, 'before') }),
        ...(cursor !== undefined && { cursor }),
        limit,
      })
      return members({
        history: piece.history,
        cursor: piece.cursor === undefined ? undefined : toJsonText(piece.cursor),
      })
    },
  },
}

/** Frame name → what the hub does. */
export const requests: { readonly [N in ClientFrameName]?: Request<ClientFrameName> } = table as {
  readonly [N in ClientFrameName]?: Request<ClientFrameName>
}

/** Without what puts members together: it is written for each publish. */
function publishedInside({ position, duplicate }: Published): string {
  const which = position === undefined ? '' : `"position":${positionJson(position)}`
  if (!duplicate) return which
  return which === '' ? '"duplicate":true' : `${which},"duplicate":true`
}

function position(text: string | undefined): Position | undefined {
  return text === undefined ? undefined : parsePosition(text)
}

function need(text: string, field: string): Position {
  const found = parsePosition(text)
  if (!found) throw new HookboxError('bad_request', `${field}: expected a position "epoch:offset"`)
  return found
}
