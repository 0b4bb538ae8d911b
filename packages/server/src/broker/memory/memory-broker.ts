import { HookboxError, type JsonText } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { randomId } from '../../ids.ts'
import { rescue, type Soon } from '../../soon.ts'
import type { Broker, Channels, Log, Presence, Stop, Users } from '../broker.ts'
import { BoundedIds, idWindow, type SavedId } from './bounded-ids.ts'
import { ChannelLog, type SavedChannelLog } from './channel-log.ts'
import { LeaseTable } from './leases.ts'
import { MessageLogs, type SavedMessages } from './message-logs.ts'
import { NodeTable, type SavedNode } from './nodes.ts'
import { RecoveryBudget } from './recovery-budget.ts'
import type { SavedSent } from './sent-ids.ts'
import { type SavedUser, UserTable } from './users.ts'

/** One piece of what a broker holds, as it is put away for the next start of the hub. */
export type SavedPiece =
  | { readonly kind: 'channel'; readonly name: string; readonly log: SavedChannelLog }
  | { readonly kind: 'ids'; readonly name: string; readonly removedAt: number | undefined; readonly ids: SavedId[] }
  | ({ readonly kind: 'messages' } & SavedMessages)
  | ({ readonly kind: 'sent' } & SavedSent)
  | ({ readonly kind: 'user' } & SavedUser)
  | ({ readonly kind: 'node' } & SavedNode)

/** A broker whose content can be put away and taken up again. */
export interface MemoryBroker extends Broker {
  /** Another node over the same memory. */
  join(): MemoryBroker
  /** This node vanishes, as if its process were killed. */
  crash(): Promise<void>
  save(): Iterable<SavedPiece>
  restore(piece: SavedPiece): void
}

/** What all recovery windows may take together, in bytes, where nothing else is said. */
export const defaultRecoveryMemory = 134_217_728

/** A broker within one process, which forgets everything when it ends. It is the readable definition of what a broker means. */
export function createMemoryBroker(clock: Clock, recoveryMemory: number = defaultRecoveryMemory): MemoryBroker {
  return new Memory(clock, recoveryMemory).join()
}

/** The same without waiting: what is in memory can be done at once. */
type AtOnce<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => Soon<infer R> ? (...args: A) => Soon<R> : T[K]
}

/** What all nodes share. */
class Memory {
  readonly #clock: Clock
  readonly #budget: RecoveryBudget
  readonly #channels = new Map<string, ChannelLog>()
  readonly #ids = new Map<string, BoundedIds>()
  /** Channels that were removed, with the time, oldest first. */
  readonly #removed = new Map<string, number>()
  readonly #leases = new LeaseTable()
  readonly #messages: MessageLogs
  readonly #users: UserTable
  readonly #nodes = new NodeTable((node) => this.#users.estateOf(node))

  constructor(clock: Clock, recoveryMemory: number) {
    this.#clock = clock
    this.#budget = new RecoveryBudget(recoveryMemory)
    this.#messages = new MessageLogs(clock, this.#budget)
    this.#users = new UserTable(this.#messages)
  }

  join(): MemoryBroker {
    const id = randomId()
    const stops = new Set<Stop>()
    let closed = false

    /** All that is asked of it fails once it is closed. Rejects, but never throws. */
    function guarded<T>(task: () => Soon<T>): Soon<T> {
      return rescue(
        () => {
          if (closed) throw new HookboxError('unavailable', 'the hub has stopped')
          return task()
        },
        (error) => Promise.reject(error),
      )
    }

    /** One promise for each question: pages come in by a dozen of them. */
    function whileOpen<T extends object>(facet: AtOnce<T>): T {
      const asked = Object.entries(facet).map(([name, method]) => [
        name,
        (...args: unknown[]) => Promise.resolve(guarded(() => (method as (...args: unknown[]) => unknown)(...args))),
      ])
      return Object.fromEntries(asked) as T
    }

    /** Stopped with the node, where not before. */
    function untilClosed(stop: Stop): Stop {
      const once = () => {
        if (stops.delete(once)) stop()
      }
      stops.add(once)
      return once
    }

    const end = async () => {
      if (closed) return
      closed = true
      for (const stop of [...stops]) stop()
      this.#leases.free(id)
      await this.#nodes.leave(id)
    }

    this.#nodes.join(id)
    const log = (channel: string) => this.#log(channel)
    return {
      channels: whileOpen<Channels>({
        create: (name, options, seed) => this.#create(name, options, seed),
        open: (name, ear) => {
          const channel = this.#channels.get(name)
          return channel && { record: channel.record, stop: untilClosed(channel.open(ear)) }
        },
        load: (name) => this.#channels.get(name)?.record,
        change: (name, revision, change) => log(name).change(revision, change),
        look: (name) => log(name).look(),
        keep: (name, visits) => log(name).keep(visits),
        remove: (name, unused) => this.#remove(name, unused),
        names: () => [...this.#channels.keys()],
        count: () => this.#channels.size,
        sizes: (names) => names.map((name) => this.#channels.get(name)?.size ?? 0),
      }),
      log: {
        // It is done for every publish, and its outcome is there at once.
        append: (channel, what, how) => guarded(() => log(channel).append(what, how)),
        ...whileOpen<Omit<Log, 'append'>>({
          recall: (channel, idKey) => this.#ids.get(channel)?.get(idKey),
          remember: (channel, idKey, frame) => this.#idsOf(channel).set(idKey, { frame }),
          read: (channel, keep, since, members) => log(channel).read(keep, since, members),
          history: (channel, keep, range) => log(channel).history(keep, range),
        }),
      },
      presence: whileOpen<Presence>({
        enter: (channel, who, what, how) => log(channel).enter(who, what, how),
        leave: (channel, who, what, how, owe) =>
          this.#channels.get(channel)?.leave(who, what, how, owe) ?? { last: false, empty: true },
        find: (channel, user) => log(channel).find(user),
        all: (channel) => this.#channels.get(channel)?.visitors() ?? [],
        expect: (channel, who) => log(channel).expect(who),
        withdraw: (channel, who) => this.#channels.get(channel)?.withdraw(who),
        provide: (channel, user, data) => log(channel).provide(user, data),
        settle: (channel, user, owedId) => this.#channels.get(channel)?.settle(user, owedId),
      }),
      users: whileOpen<Users>({
        ...this.#users.of(() => id),
        listen: async (user, ear) => untilClosed(this.#users.listen(user, ear)),
      }),
      messages: whileOpen({
        send: this.#messages.send,
        read: this.#messages.read,
        wasSent: this.#messages.wasSent,
        sent: this.#messages.sent,
      }),
      leases: whileOpen(this.#leases.of(() => id)),
      bus: this.#nodes.busOf(id),
      nodes: this.#nodes.of(id),
      close: end,
      crash: end,
      join: () => this.join(),
      save: () => this.#save(),
      restore: (piece) => this.#restore(piece),
    }
  }

  #log(channel: string): ChannelLog {
    const found = this.#channels.get(channel)
    if (!found) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channel)} does not exist`)
    return found
  }

  #create(name: string, options: JsonText, seed: Parameters<Channels['create']>[2]): boolean {
    if (this.#channels.has(name)) return false
    this.#channels.set(name, ChannelLog.create(this.#parts(name), options, seed))
    return true
  }

  #remove(name: string, unused: 'unused' | undefined): boolean {
    const channel = this.#channels.get(name)
    if (!channel || (unused && channel.look().used)) return false
    this.#channels.delete(name)
    // Set again, so that the order of the map stays that of the removals.
    this.#removed.delete(name)
    if (this.#ids.get(name)?.empty) this.#ids.delete(name)
    else this.#removed.set(name, this.#clock.now())
    channel.end()
    return true
  }

  #parts(name: string): Parameters<typeof ChannelLog.create>[0] {
    const closing = () => this.#leases.isHeld({ of: 'destroy', channel: name })
    return { name, clock: this.#clock, budget: this.#budget, ids: this.#idsOf(name), closing }
  }

  /** Ids outlive their channel: a publish that is sent again after the channel was destroyed is still a repeat. */
  #idsOf(channel: string): BoundedIds {
    for (const [name, at] of this.#removed) {
      if (at + idWindow.duration > this.#clock.now()) break
      this.#removed.delete(name)
      if (this.#channels.has(name)) continue
      // What was still being decided when the channel ended may have been remembered since.
      if (this.#ids.get(name)?.empty === false) this.#removed.set(name, this.#clock.now())
      else this.#ids.delete(name)
    }
    const known = this.#ids.get(channel) ?? new BoundedIds(this.#clock)
    this.#ids.set(channel, known)
    return known
  }

  *#save(): Generator<SavedPiece> {
    for (const [name, log] of this.#channels) yield { kind: 'channel', name, log: log.save() }
    for (const [name, known] of this.#ids) {
      if (!known.empty) yield { kind: 'ids', name, removedAt: this.#removed.get(name), ids: known.save() }
    }
    yield* this.#messages.save()
    for (const user of this.#users.save()) yield { kind: 'user', ...user }
    for (const node of this.#nodes.save()) yield { kind: 'node', ...node }
  }

  #restore(piece: SavedPiece): void {
    if (piece.kind === 'messages') this.#messages.restore(piece)
    else if (piece.kind === 'sent') this.#messages.restoreSent(piece)
    else if (piece.kind === 'user') this.#users.restore(piece)
    else if (piece.kind === 'node') this.#nodes.restore(piece)
    else if (piece.kind === 'channel') {
      this.#channels.set(piece.name, ChannelLog.restore(this.#parts(piece.name), piece.log))
    } else {
      if (piece.removedAt !== undefined) this.#removed.set(piece.name, piece.removedAt)
      const known = this.#ids.get(piece.name) ?? new BoundedIds(this.#clock)
      known.restore(piece.ids)
      this.#ids.set(piece.name, known)
    }
  }
}
