import { formatPosition, HookboxError, type JsonText, type Position } from '@hookbox/protocol'
import { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Appended, HistoryRange, Log, Remembered } from '../broker.ts'
import { type Append, Appends, Backlog } from './appends.ts'
import { unknownChannel } from './channels.ts'
import { type Context, nowhere } from './context.ts'
import { appendsArgs, idArgs, keepArgs, readMissed, readPosition } from './entries.ts'
import { unreadable } from './failure.ts'
import { unescapeName } from './keys.ts'
import { appendToChannel, readChannel, readHistory, recallId, rememberId } from './lua/channel.ts'
import { listOf, numberOf, optionalText, pairsOf, textOf, textsOf } from './replies.ts'
import type { Arg } from './servers.ts'

/** What Redis answers is never there at once. */
export interface RedisLog extends Log {
  append(...args: Parameters<Log['append']>): Promise<Appended>
}

/** One channel's ordered entries, its state, and the ids of what was published. */
export function redisLog(context: Context): RedisLog {
  const { servers, keys, clock } = context
  /** By channel: where something is under way. */
  const appends = new Map<string, Appends>()
  const backlog = new Backlog()

  function appendsTo(channel: string): Appends {
    const known = appends.get(channel) ?? new Appends((some) => appendAll(channel, some), backlog)
    appends.set(channel, known)
    return known
  }

  async function appendAll(channel: string, some: readonly Append[]): Promise<readonly Appended[]> {
    const [{ how }] = some as [Append]
    const spot = keys.channel(channel)
    const args = [...context.logArgs(spot), ...idArgs, ...keepArgs(how.keep), ...appendsArgs(channel, some)]
    const reply = await servers.runSafely(appendToChannel, spot, args)
    if (reply === null) throw unknownChannel(channel)
    const [epoch, ...outcomes] = listOf(reply)
    return outcomes.map((outcome) => readAppended(textOf(epoch), outcome))
  }

  return {
    async append(channel, what, how) {
      const to = appendsTo(channel)
      try {
        return await to.append(what, how)
      } finally {
        if (to.idle && appends.get(channel) === to) appends.delete(channel)
      }
    },

    async recall(channel, idKey) {
      const reply = await servers.run(recallId, keys.channel(channel), [clock.now(), ...idArgs, idKey])
      const outcome = optionalText(reply)
      return outcome === undefined ? undefined : readOutcome(outcome)
    },

    async remember(channel, idKey, frame) {
      await servers.run(rememberId, keys.channel(channel), [clock.now(), ...idArgs, idKey, `F ${frame.text}`])
    },

    async read(channel, keep, since = nowhere, withMembers = true) {
      const spot = keys.channel(channel)
      const wanted = withMembers ? 'members' : 'none'
      const args = [...context.logArgs(spot), ...keepArgs(keep), since.epoch, since.offset, wanted]
      const reply = await servers.run(readChannel, spot, args)
      if (reply === null) throw unknownChannel(channel)
      const [epoch, offset, missed, history, older, state, members, revision] = listOf(reply)
      const top = { epoch: textOf(epoch), offset: numberOf(offset) }
      return {
        top,
        missed: readMissed(missed, top),
        history: `[${textOf(history)}]` as JsonText,
        more: numberOf(older) > 0,
        state: readState(state),
        members: textsOf(members).map(unescapeName),
        revision: numberOf(revision),
      }
    },

    async history(channel, keep, range) {
      const spot = keys.channel(channel)
      const args = [...context.logArgs(spot), ...keepArgs(keep), ...rangeArgs(range)]
      const reply = await servers.run(readHistory, spot, args)
      if (reply === null) throw unknownChannel(channel)
      const [what, first, second] = listOf(reply)
      if (what === 'piece') return { history: `[${textOf(first)}]` as JsonText, cursor: optionalText(second) }
      throw notOfThisLog(textOf(what), { epoch: textOf(first), offset: numberOf(second) })
    },
  }
}

function rangeArgs({ since, before, cursor, limit }: HistoryRange): Arg[] {
  if (cursor === undefined) {
    return [limit, '', '', since?.epoch ?? '', since?.offset ?? '', before?.epoch ?? '', before?.offset ?? '']
  }
  // One that is no cursor is of no epoch.
  const [, epoch, way, after, until] = /^(\w+)\.([fb])\.(\d{1,15})\.(\d{1,15})$/.exec(cursor) ?? []
  return [limit, way ?? 'f', epoch ?? '', '', after ?? '', '', until ?? '']
}

function notOfThisLog(field: string, top: Position): HookboxError {
  if (field === 'cursor') return new HookboxError('bad_request', 'cursor: expected one that this channel gave')
  const text = `${field}: expected a position of this channel's log, which is at ${formatPosition(top)}`
  return new HookboxError('bad_request', text)
}

/** A number, or what is known of its id. */
function readAppended(epoch: string, outcome: unknown): Appended {
  if (typeof outcome === 'string') return { ...readOutcome(outcome), duplicate: true }
  return { position: { epoch, offset: numberOf(outcome) }, duplicate: false }
}

/** `P <epoch> <offset>` or `F <frame>`. */
function readOutcome(outcome: string): Remembered {
  const rest = outcome.slice(2)
  if (outcome.startsWith('P ')) return { position: readPosition(rest).position }
  if (outcome.startsWith('F ')) return { frame: new PreparedFrame(rest) }
  throw unreadable('what became of a message id')
}

/** Each value stands behind the place of its key. */
function readState(reply: unknown): Map<string, JsonText> {
  const keys = pairsOf(reply).map(([key, value]) => {
    const space = value.indexOf(' ')
    return { key, place: numberOf(value.slice(0, space)), value: value.slice(space + 1) as JsonText }
  })
  keys.sort((a, b) => a.place - b.place)
  return new Map(keys.map(({ key, value }) => [key, value]))
}
