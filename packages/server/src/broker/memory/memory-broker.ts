import { HookboxError } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import type { Broker, ChannelRecord, Channels, Log, Presence } from '../broker.ts'
import { BoundedIds, idWindow, type SavedId } from './bounded-ids.ts'
import { ChannelLog, type SavedChannelLog } from './channel-log.ts'
import { MessageLogs, type SavedMessages } from './message-logs.ts'
import { RecoveryBudget } from './recovery-budget.ts'

/** One piece of what a broker holds, as it is put away for the next start of the hub. */
export type SavedPiece =
  | { readonly kind: 'channel'; readonly name: string; readonly record: ChannelRecord; readonly log: SavedChannelLog }
  | { readonly kind: 'ids'; readonly name: string; readonly removedAt: number | undefined; readonly ids: SavedId[] }
  | ({ readonly kind: 'messages' } & SavedMessages)

/** A broker whose content can be put away and taken up again. */
export interface MemoryBroker extends Broker {
  save(): Iterable<SavedPiece>
  restore(piece: SavedPiece): void
}

/** What all recovery windows may take together, in bytes, where nothing else is said. */
export const defaultRecoveryMemory = 134_217_728

/** A broker for one node, which forgets everything when it ends. It is the readable definition of what a broker means. */
export function createMemoryBroker(clock: Clock, recoveryMemory: number = defaultRecoveryMemory): MemoryBroker {
  const budget = new RecoveryBudget(recoveryMemory)
  const open = new Map<string, { record: ChannelRecord; log: ChannelLog }>()
  const ids = new Map<string, BoundedIds>()
  /** Channels that were removed, with the time, oldest first. */
  const removed = new Map<string, number>()
  const messages = new MessageLogs(clock, budget)
  let closed = false

  /** Ids outlive their channel: a publish that is sent again after the channel was destroyed is still a repeat. */
  function idsOf(channel: string): BoundedIds {
    for (const [name, at] of removed) {
      if (at + idWindow.duration > clock.now()) break
      removed.delete(name)
      if (!open.has(name)) ids.delete(name)
    }
    const known = ids.get(channel) ?? new BoundedIds(clock)
    ids.set(channel, known)
    return known
  }

  function log(channel: string): ChannelLog {
    checkOpen()
    const found = open.get(channel)
    if (!found) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channel)} does not exist`)
    return found.log
  }

  function checkOpen(): void {
    if (closed) throw new HookboxError('unavailable', 'the hub has stopped')
  }

  return {
    channels: {
      async create(name, record, seed) {
        checkOpen()
        if (open.has(name)) return false
        open.set(name, { record, log: ChannelLog.create({ name, clock, budget, ids: idsOf(name) }, seed) })
        return true
      },
      load: async (name) => open.get(name)?.record,
      async update(name, record) {
        checkOpen()
        const found = open.get(name)
        if (found) found.record = record
      },
      async remove(name) {
        checkOpen()
        open.get(name)?.log.end()
        open.delete(name)
        // Set again, so that the order of the map stays that of the removals.
        removed.delete(name)
        if (ids.get(name)?.empty) ids.delete(name)
        else removed.set(name, clock.now())
      },
      names: async () => [...open.keys()],
    } satisfies Channels,

    log: {
      append: async (channel, what, how) => log(channel).append(what, how),
      recall: async (channel, idKey) => ids.get(channel)?.get(idKey),
      async remember(channel, idKey, frame) {
        checkOpen()
        idsOf(channel).set(idKey, { frame })
      },
      read: async (channel, keep, since) => log(channel).read(keep, since),
      prefill: async (channel, history, keep) => log(channel).prefill(history, keep),
      history: async (channel, keep, range) => log(channel).history(keep, range),
      listen: async (channel, hear) => log(channel).listen(hear),
    } satisfies Log,

    presence: {
      enter: async (channel, user, what, how) => log(channel).enter(user, what, how),
      leave: async (channel, user, what, how) => log(channel).leave(user, what, how),
    } satisfies Presence,

    messages: {
      attend: messages.attend,
      read: messages.read,
      async send(user, inside) {
        checkOpen()
        return messages.send(user, inside)
      },
    },

    async close() {
      closed = true
    },

    *save() {
      for (const [name, { record, log }] of open) yield { kind: 'channel', name, record, log: log.save() }
      for (const [name, known] of ids) {
        if (!known.empty) yield { kind: 'ids', name, removedAt: removed.get(name), ids: known.save() }
      }
      for (const saved of messages.save()) yield { kind: 'messages', ...saved }
    },

    restore(piece) {
      const { kind } = piece
      if (kind === 'messages') return messages.restore(piece)
      const { name } = piece
      if (kind === 'channel') {
        const log = ChannelLog.restore({ name, clock, budget, ids: idsOf(name) }, piece.log)
        open.set(name, { record: piece.record, log })
        return
      }
      if (piece.removedAt !== undefined) removed.set(name, piece.removedAt)
      const known = ids.get(name) ?? new BoundedIds(clock)
      known.restore(piece.ids)
      ids.set(name, known)
    },
  }
}
