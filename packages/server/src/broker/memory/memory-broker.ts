import { HookboxError } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { randomId } from '../../ids.ts'
import type { Broker, ChannelRecord, Channels, Log, Presence } from '../broker.ts'
import { BoundedIds, idWindow } from './bounded-ids.ts'
import { ChannelLog } from './channel-log.ts'

/** A broker for one node, which forgets everything when it ends. It is the readable definition of what a broker means. */
export function createMemoryBroker(clock: Clock): Broker {
  const open = new Map<string, { record: ChannelRecord; log: ChannelLog }>()
  const ids = new Map<string, BoundedIds>()
  /** Channels that were removed, with the time, oldest first. */
  const removed = new Map<string, number>()

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
    const found = open.get(channel)
    if (!found) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channel)} does not exist`)
    return found.log
  }

  return {
    channels: {
      async create(name, record, seed) {
        if (open.has(name)) return false
        open.set(name, { record, log: new ChannelLog(name, randomId(), clock, idsOf(name), seed) })
        return true
      },
      load: async (name) => open.get(name)?.record,
      async update(name, record) {
        const found = open.get(name)
        if (found) found.record = record
      },
      async remove(name) {
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
      remember: async (channel, idKey, frame) => idsOf(channel).set(idKey, { frame }),
      read: async (channel, keep, since) => log(channel).read(keep, since),
      prefill: async (channel, history, keep) => log(channel).prefill(history, keep),
      history: async (channel, keep, range) => log(channel).history(keep, range),
      listen: async (channel, hear) => log(channel).listen(hear),
    } satisfies Log,

    presence: {
      enter: async (channel, user, what, how) => log(channel).enter(user, what, how),
      leave: async (channel, user, what, how) => log(channel).leave(user, what, how),
    } satisfies Presence,

    close: async () => open.clear(),
  }
}
