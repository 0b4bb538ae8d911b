import {
  formatPosition,
  HookboxError,
  type JsonText,
  limits,
  type Position,
  spliceFrame,
  toJsonText,
} from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { SmallSet } from '../../small-set.ts'
import type { PreparedFrame } from '../../transport/prepared-frame.ts'
import {
  type Appended,
  type Appending,
  type ChannelChange,
  type ChannelEar,
  type ChannelRecord,
  expectation,
  type HistoryPiece,
  type HistoryRange,
  type Left,
  type Numbered,
  type Owed,
  type Present,
  type Retention,
  type Seed,
  type Snapshot,
  type StateChange,
  type Stop,
  type Unnumbered,
  type Visitor,
  type Wanted,
} from '../broker.ts'
import type { BoundedIds } from './bounded-ids.ts'
import { BoundedQueue, type Bounds } from './bounded-queue.ts'
import type { RecoveryBudget } from './recovery-budget.ts'
import { RecoveryLog, type SavedRecoveryLog } from './recovery-log.ts'

/** Bytes of one channel's history; older entries go first. */
const historyBytes = 16_777_216

/** An element of the history. `serial` grows with each, also where several stand under one number. */
interface Kept extends EntryText {
  readonly serial: number
  readonly offset: number
  readonly isPublish: boolean
  readonly at: number
}

/**
 * The text of an element: `head`, and `rest` from `from` on. What was told as well stands in its frame already, in which only the
 * beginning is another: kept by itself, it would be made and measured twice, and held in memory twice for as long as the frame is.
 */
interface EntryText {
  readonly head: string
  readonly rest: string
  readonly from: number
  /** In UTF-8. */
  readonly bytes: number
}

/** An element of the history as it is put away. */
type SavedEntry = Omit<Kept, keyof EntryText> & { readonly text: string }

/** A channel's log as it is put away for the next start of the hub. */
export interface SavedChannelLog {
  readonly log: SavedRecoveryLog
  readonly history: readonly SavedEntry[]
  readonly serial: number
  readonly state: readonly (readonly [key: string, value: JsonText])[]
  readonly options: JsonText
  readonly revision: number
  readonly visits: number
  readonly kept: boolean
  readonly members: readonly (readonly [user: string, connections: readonly string[]])[]
  readonly initialData: readonly (readonly [user: string, data: JsonText])[]
  readonly owed: readonly (readonly [user: string, owed: Owed])[]
}

/** What a channel's log is made with. */
export interface ChannelLogParts {
  readonly name: string
  readonly clock: Clock
  readonly budget: RecoveryBudget
  readonly ids: BoundedIds
  /** The application is being asked whether the channel may go. */
  readonly closing: () => boolean
}

/** One life of a channel: its options, log, history, state and members. Every method is one step; nothing can come between. */
export class ChannelLog {
  readonly #clock: Clock
  readonly #name: JsonText
  readonly #nameBytes: number
  readonly #isNameCheap: boolean
  readonly #ids: BoundedIds
  readonly #closing: () => boolean
  readonly #log: RecoveryLog
  readonly #ears = new Set<ChannelEar>()
  #history = new BoundedQueue<Kept>()
  readonly #state: Map<string, JsonText>
  readonly #members: Map<string, SmallSet<string>>
  readonly #initialData: Map<string, JsonText>
  readonly #owed: Map<string, Owed>
  /** Connections that are about to enter, each with the time until which that counts. */
  readonly #expected = new Map<string, number>()
  #options: JsonText
  #revision: number
  #visits: number
  #kept: boolean
  #serial = 0
  /** The history may hold joins and leaves. */
  #isMixed = false

  private constructor(
    parts: ChannelLogParts,
    saved: Omit<SavedChannelLog, 'log' | 'history' | 'serial'>,
    log?: SavedRecoveryLog,
  ) {
    const { name, clock, budget, ids, closing } = parts
    this.#clock = clock
    this.#name = toJsonText(name)
    this.#nameBytes = Buffer.byteLength(this.#name)
    this.#isNameCheap = cheap.test(this.#name)
    this.#ids = ids
    this.#closing = closing
    this.#log = new RecoveryLog(clock, budget, log)
    this.#state = new Map(saved.state)
    this.#members = new Map(saved.members.map(([user, connections]) => [user, new SmallSet(connections)]))
    this.#initialData = new Map(saved.initialData)
    this.#owed = new Map(saved.owed)
    this.#options = saved.options
    this.#revision = saved.revision
    this.#visits = saved.visits
    this.#kept = saved.kept
  }

  static create(parts: ChannelLogParts, options: JsonText, seed: Seed): ChannelLog {
    const nobody = { members: [], initialData: [], owed: [] }
    const log = new ChannelLog(parts, {
      ...{ options, state: [...seed.state], revision: 1, visits: 0, kept: false },
      ...nobody,
    })
    log.#prefill(seed.history, seed.keep)
    return log
  }

  static restore(parts: ChannelLogParts, saved: SavedChannelLog): ChannelLog {
    const log = new ChannelLog(parts, saved, saved.log)
    log.#serial = saved.serial
    // Trimmed by the channel's own retention as soon as it is read.
    for (const kept of saved.history) {
      log.#isMixed ||= !kept.isPublish
      const { text, ...place } = kept
      log.#history.push({ ...place, ...alone(text) }, unbounded, parts.clock.now())
    }
    return log
  }

  save(): SavedChannelLog {
    return {
      log: this.#log.save(),
      history: this.#history.values().map((kept) => {
        const { serial, offset, isPublish, at } = kept
        return { serial, offset, isPublish, at, text: textOf(kept) }
      }),
      serial: this.#serial,
      state: [...this.#state],
      options: this.#options,
      revision: this.#revision,
      visits: this.#visits,
      kept: this.#kept,
      members: [...this.#members].map(([user, connections]) => [user, [...connections]]),
      initialData: [...this.#initialData],
      owed: [...this.#owed],
    }
  }

  get record(): ChannelRecord {
    return { options: this.#options, revision: this.#revision }
  }

  open(ear: ChannelEar): Stop {
    this.#ears.add(ear)
    return () => this.#ears.delete(ear)
  }

  /** The channel is gone. */
  end(): void {
    this.#log.end()
    const ears = [...this.#ears]
    this.#ears.clear()
    for (const ear of ears) ear.removed('destroyed')
  }

  change(revision: number, { options, history, keep, state }: ChannelChange): ChannelRecord | undefined {
    if (revision !== this.#revision) return undefined
    this.#revision++
    if (options !== undefined) this.#options = options
    if (history) this.#prefill(history, keep)
    if (state) {
      this.#changeState(state.change)
      this.#tell(this.#number(state.what, this.#clock.now()))
    }
    if (options !== undefined) for (const ear of this.#ears) ear.changed(this.record)
    return this.record
  }

  /** Users who are in it. */
  get size(): number {
    return this.#members.size
  }

  look(): Wanted {
    for (const [connection, until] of this.#expected) {
      if (until <= this.#clock.now()) this.#expected.delete(connection)
    }
    const isIn = this.#members.size > 0 || this.#owed.size > 0
    const isExpected = this.#expected.size > 0
    return { used: isIn || isExpected, expected: !isIn && isExpected, kept: this.#kept, visits: this.#visits }
  }

  keep(visits: number): boolean {
    if (visits !== this.#visits) return false
    this.#kept = true
    return true
  }

  append(what: Unnumbered, how: Appending): Appended {
    const known = how.idKey === undefined ? undefined : this.#ids.get(how.idKey)
    if (known) return { ...known, duplicate: true }
    const offset = this.#log.offset + (how.told ? 1 : 0)
    const position = { epoch: this.#log.epoch, offset }
    const now = this.#clock.now()
    const numbered = how.told ? this.#number(what, now) : undefined
    if (how.kept) this.#keep(what, offset, how.keep, now, numbered?.frame)
    if (how.idKey !== undefined) this.#ids.set(how.idKey, { position })
    if (numbered) this.#tell(numbered)
    return { position, duplicate: false }
  }

  enter(
    { user, connection }: Visitor,
    what: Unnumbered,
    how: Appending & { anyway: boolean },
  ): 'first' | 'further' | 'closing' {
    const connections = this.#members.get(user)
    if (!connections && this.#closing() && !how.anyway) return 'closing'
    this.#expected.delete(connection)
    if (connections) {
      connections.add(connection)
      return 'further'
    }
    this.#members.set(user, new SmallSet([connection]))
    this.#visits++
    this.#kept = false
    this.append(what, how)
    return 'first'
  }

  leave({ user, connection }: Visitor, what: Unnumbered, how: Appending, owe: Owed | undefined): Left {
    const connections = this.#members.get(user)
    const last = connections?.delete(connection) === true && connections.size === 0
    if (last) {
      this.#members.delete(user)
      this.#initialData.delete(user)
      if (owe) this.#owed.set(user, owe)
      this.append(what, how)
    }
    return { last, empty: this.#members.size === 0 }
  }

  find(user: string): Present {
    return {
      connections: [...(this.#members.get(user) ?? [])],
      initialData: this.#initialData.get(user),
      owed: this.#owed.get(user),
      closing: this.#closing(),
    }
  }

  visitors(): Visitor[] {
    return [...this.#members].flatMap(([user, connections]) =>
      [...connections].map((connection) => ({ user, connection })),
    )
  }

  expect({ user, connection }: Visitor): Present {
    const present = this.find(user)
    if (!present.closing) this.#expected.set(connection, this.#clock.now() + expectation)
    return present
  }

  withdraw({ connection }: Visitor): void {
    this.#expected.delete(connection)
  }

  provide(user: string, initialData: JsonText | undefined): void {
    if (initialData === undefined) this.#initialData.delete(user)
    else if (this.#members.has(user)) this.#initialData.set(user, initialData)
  }

  settle(user: string, owedId: string): void {
    if (this.#owed.get(user)?.id === owedId) this.#owed.delete(user)
  }

  read(keep: Retention, since: Position | undefined, members = true): Snapshot {
    const { history, more } = this.#newest(keep)
    return {
      top: this.#log.top,
      missed: since && this.#log.missed(since),
      history,
      more,
      state: this.#state.size === 0 ? noState : new Map(this.#state),
      members: members ? [...this.#members.keys()] : [],
      revision: this.#revision,
    }
  }

  history(keep: Retention, range: HistoryRange): HistoryPiece {
    this.#trimHistory(keep)
    const { after, until, forward } = this.#stretch(range)
    const inside = this.#history.values().filter((kept) => kept.serial > after && kept.serial < until)
    if (!forward) inside.reverse()
    const piece: Kept[] = []
    let bytes = 0
    for (const kept of inside) {
      bytes += kept.bytes
      if (piece.length > 0 && (piece.length >= range.limit || bytes > limits.historyAnswer)) break
      piece.push(kept)
    }
    const last = piece.at(-1)
    const rest = piece.length < inside.length && last !== undefined
    if (!forward) piece.reverse()
    const next = forward ? `f.${last?.serial}.${until}` : `b.${after}.${last?.serial}`
    return { history: listOf(piece), cursor: rest ? `${this.#log.epoch}.${next}` : undefined }
  }

  #prefill(history: Seed['history'], keep: Retention): void {
    this.#history = new BoundedQueue()
    for (const { what, idKey } of history) {
      this.#keep(what, this.#log.offset, keep, this.#clock.now())
      if (idKey !== undefined) this.#ids.set(idKey, { position: this.#log.top })
    }
  }

  #changeState({ updates, deletes }: StateChange): void {
    for (const key of deletes) this.#state.delete(key)
    for (const [key, value] of updates) this.#state.set(key, value)
  }

  /** `frame` is the one by which it is told, where it is. */
  #keep({ name, inside, at }: Unnumbered, offset: number, keep: Retention, now: number, frame?: PreparedFrame): void {
    const isPublish = name === 'PUBLISH'
    if (!isPublish && keep.publishOnly) return
    this.#isMixed ||= !isPublish
    const number = frame ? `"offset":${offset},` : ''
    const { head, rest, from, bytes } =
      frame && this.#isNameCheap ? this.#within(frame, name) : alone(`${heads[name]}${number}${inside}}]`)
    const element = { serial: ++this.#serial, offset, isPublish, at, head, rest, from, bytes }
    this.#history.push(element, historyBounds(keep), now)
  }

  /** The element of what a frame tells: it has the number as well, but neither an id nor the channel's name. */
  #within(frame: PreparedFrame, name: Unnumbered['name']): EntryText {
    const head = heads[name]
    const skipped = '0,"channel_name":,'.length
    const from = head.length + skipped + this.#name.length
    return { head, rest: frame.text, from, bytes: frame.length - skipped - this.#nameBytes }
  }

  #number(what: Unnumbered, now: number): Numbered {
    const text = (offset: number) =>
      spliceFrame(0, what.name, `"channel_name":${this.#name},"offset":${offset},${what.inside}`)
    return this.#log.tell(what, text, now)
  }

  #tell(numbered: Numbered): void {
    for (const ear of this.#ears) ear.heard(numbered)
  }

  #newest(keep: Retention): { history: JsonText; more: boolean } {
    this.#trimHistory(keep)
    const all = this.#history.values()
    let from = all.length
    let bytes = 0
    for (let i = all.length - 1; i >= 0; i--) {
      bytes += all[i]?.bytes ?? 0
      if (bytes > limits.historyAnswer) break
      from = i
    }
    return { history: listOf(all.slice(from)), more: from > 0 }
  }

  #trimHistory(keep: Retention): void {
    if (keep.publishOnly && this.#isMixed) {
      this.#history.keepOnly(({ isPublish }) => isPublish)
      this.#isMixed = false
    }
    this.#history.trim(historyBounds(keep), this.#clock.now())
  }

  /**
   * The serials that a range stands for. With `since` one reads on from there, otherwise back from the newest.
   * A position of another epoch says nothing about this log.
   */
  #stretch(range: HistoryRange): { after: number; until: number; forward: boolean } {
    if (range.cursor !== undefined) {
      const [, epoch, way, after, until] = /^(\w+)\.([fb])\.(\d+)\.(\d+)$/.exec(range.cursor) ?? []
      if (epoch !== this.#log.epoch)
        throw new HookboxError('bad_request', 'cursor: expected one that this channel gave')
      return { after: Number(after), until: Number(until), forward: way === 'f' }
    }
    const { since, before } = range
    return {
      after: since === undefined ? 0 : this.#firstSerial('since', since, since.offset + 1) - 1,
      until: before === undefined ? this.#serial + 1 : this.#firstSerial('before', before, before.offset),
      forward: since !== undefined,
    }
  }

  /** The serial of the first kept entry numbered `offset` or above. */
  #firstSerial(field: string, position: Position, offset: number): number {
    if (position.epoch !== this.#log.epoch) {
      const top = formatPosition(this.#log.top)
      throw new HookboxError('bad_request', `${field}: expected a position of this channel's log, which is at ${top}`)
    }
    return this.#history.values().find((kept) => kept.offset >= offset)?.serial ?? this.#serial + 1
  }
}

const noState: Snapshot['state'] = new Map()

/** What elements begin with. */
const heads: { readonly [N in Unnumbered['name']]: string } = {
  PUBLISH: '["PUBLISH",{',
  SUBSCRIBE: '["SUBSCRIBE",{',
  UNSUBSCRIBE: '["UNSUBSCRIBE",{',
  STATE_UPDATE: '["STATE_UPDATE",{',
  MESSAGE: '["MESSAGE",{',
}

/**
 * The name of a channel whose frames its history may hold in place of texts of its own, also when nothing else holds them any
 * longer: a longer one would take more than it spares, and one beyond Latin-1 makes engines hold all of a frame in twice the memory.
 */
const cheap = /^[\0-\xff]{1,66}$/

function alone(text: string): EntryText {
  return { head: '', rest: text, from: 0, bytes: Buffer.byteLength(text) }
}

function textOf({ head, rest, from }: EntryText): string {
  return head + rest.slice(from)
}

const unbounded: Bounds = { size: Number.POSITIVE_INFINITY, duration: 0, bytes: Number.POSITIVE_INFINITY }

function historyBounds(keep: Retention): Bounds {
  return { size: keep.size, duration: keep.duration, bytes: historyBytes }
}

function listOf(kept: readonly Kept[]): JsonText {
  return `[${kept.map(textOf).join(',')}]` as JsonText
}
