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
import type {
  Appended,
  Appending,
  HistoryPiece,
  HistoryRange,
  Numbered,
  Retention,
  Seed,
  Snapshot,
  Stop,
  Unnumbered,
} from '../broker.ts'
import type { BoundedIds } from './bounded-ids.ts'
import { BoundedQueue, type Bounds } from './bounded-queue.ts'
import type { RecoveryBudget } from './recovery-budget.ts'
import { RecoveryLog, type SavedRecoveryLog } from './recovery-log.ts'

/** Bytes of one channel's history; older entries go first. */
const historyBytes = 16_777_216

/** An element of the history. `serial` grows with each, also where several stand under one number. */
interface Kept {
  readonly serial: number
  readonly offset: number
  readonly text: string
  readonly isPublish: boolean
  readonly at: number
  readonly bytes: number
}

/** A channel's log as it is put away for the next start of the hub. */
export interface SavedChannelLog {
  readonly log: SavedRecoveryLog
  readonly history: readonly Omit<Kept, 'bytes'>[]
  readonly serial: number
  readonly state: readonly (readonly [key: string, value: JsonText])[]
  readonly members: readonly string[]
}

/** What a channel's log is made with. */
export interface ChannelLogParts {
  readonly name: string
  readonly clock: Clock
  readonly budget: RecoveryBudget
  readonly ids: BoundedIds
}

/** One life of a channel: its log, history, state and members. Every method is one step; nothing can come between. */
export class ChannelLog {
  readonly #clock: Clock
  readonly #name: JsonText
  readonly #ids: BoundedIds
  readonly #log: RecoveryLog
  #history = new BoundedQueue<Kept>()
  readonly #state: Map<string, JsonText>
  readonly #members: Set<string>
  #serial = 0
  /** The history may hold joins and leaves. */
  #isMixed = false

  private constructor(
    { name, clock, budget, ids }: ChannelLogParts,
    saved: Pick<SavedChannelLog, 'state' | 'members'> & Partial<Pick<SavedChannelLog, 'log'>>,
  ) {
    this.#clock = clock
    this.#name = toJsonText(name)
    this.#ids = ids
    this.#log = new RecoveryLog(clock, budget, saved.log)
    this.#state = new Map(saved.state)
    this.#members = new Set(saved.members)
  }

  static create(parts: ChannelLogParts, seed: Seed): ChannelLog {
    const log = new ChannelLog(parts, { state: [...seed.state], members: [] })
    log.prefill(seed.history, seed.keep)
    return log
  }

  static restore(parts: ChannelLogParts, saved: SavedChannelLog): ChannelLog {
    const log = new ChannelLog(parts, saved)
    log.#serial = saved.serial
    // Trimmed by the channel's own retention as soon as it is read.
    for (const kept of saved.history) {
      log.#isMixed ||= !kept.isPublish
      log.#history.push({ ...kept, bytes: kept.text.length }, unbounded, parts.clock.now())
    }
    return log
  }

  save(): SavedChannelLog {
    return {
      log: this.#log.save(),
      history: this.#history.values().map(({ bytes: _, ...kept }) => kept),
      serial: this.#serial,
      state: [...this.#state],
      members: [...this.#members],
    }
  }

  /** The channel is gone. */
  end(): void {
    this.#log.end()
  }

  prefill(history: Seed['history'], keep: Retention): void {
    this.#history = new BoundedQueue()
    for (const { what, idKey } of history) {
      this.#keep(what, this.#log.offset, { told: false, keep })
      if (idKey !== undefined) this.#ids.set(idKey, { position: this.#log.top })
    }
  }

  append(what: Unnumbered, how: Appending): Appended {
    const known = how.idKey === undefined ? undefined : this.#ids.get(how.idKey)
    if (known && 'position' in known) return { position: known.position, duplicate: true }
    for (const key of how.state?.deletes ?? []) this.#state.delete(key)
    for (const [key, value] of how.state?.updates ?? []) this.#state.set(key, value)
    const offset = this.#log.offset + (how.told ? 1 : 0)
    const position = { epoch: this.#log.epoch, offset }
    if (how.kept) this.#keep(what, offset, how)
    if (how.idKey !== undefined) this.#ids.set(how.idKey, { position })
    if (how.told) this.#tell(what)
    return { position, duplicate: false }
  }

  enter(user: string, what: Unnumbered, how: Appending): boolean {
    if (this.#members.has(user)) return false
    this.#members.add(user)
    this.append(what, how)
    return true
  }

  leave(user: string, what: Unnumbered, how: Appending): boolean {
    if (!this.#members.delete(user)) return false
    this.append(what, how)
    return true
  }

  read(keep: Retention, since: Position | undefined): Snapshot {
    const { history, more } = this.#newest(keep)
    return {
      top: this.#log.top,
      missed: since && this.#log.missed(since),
      history,
      more,
      state: new Map(this.#state),
      members: [...this.#members],
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

  listen(hear: (numbered: Numbered) => void): Stop {
    return this.#log.listen(hear)
  }

  #keep(what: Unnumbered, offset: number, { told, keep }: Pick<Appending, 'told' | 'keep'>): void {
    const isPublish = what.name === 'PUBLISH'
    if (!isPublish && keep.publishOnly) return
    this.#isMixed ||= !isPublish
    const number = told ? `"offset":${offset},` : ''
    const text = `["${what.name}",{${number}${what.inside}}]`
    this.#history.push(
      { serial: ++this.#serial, offset, text, isPublish, at: what.at, bytes: text.length },
      historyBounds(keep),
      this.#clock.now(),
    )
  }

  #tell(what: Unnumbered): void {
    this.#log.tell(what, (offset) =>
      spliceFrame(0, what.name, `"channel_name":${this.#name},"offset":${offset},${what.inside}`),
    )
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

const unbounded: Bounds = { size: Number.POSITIVE_INFINITY, duration: 0, bytes: Number.POSITIVE_INFINITY }

function historyBounds(keep: Retention): Bounds {
  return { size: keep.size, duration: keep.duration, bytes: historyBytes }
}

function listOf(kept: readonly Kept[]): JsonText {
  return `[${kept.map((one) => one.text).join(',')}]` as JsonText
}
