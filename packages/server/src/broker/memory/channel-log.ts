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
import { PreparedFrame } from '../../transport/prepared-frame.ts'
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

/** What every channel keeps for recovery, whatever its history options say. */
export const recoveryWindow: Bounds = { size: 1_000, duration: 300_000, bytes: 1_048_576 }

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

type Told = Numbered & { readonly bytes: number }

/** One life of a channel: its log, history, state and members. Every method is one step; nothing can come between. */
export class ChannelLog {
  readonly #clock: Clock
  readonly #name: JsonText
  readonly #epoch: string
  readonly #ids: BoundedIds
  readonly #window = new BoundedQueue<Told>()
  #history = new BoundedQueue<Kept>()
  readonly #listeners = new Set<(numbered: Numbered) => void>()
  readonly #state: Map<string, JsonText>
  readonly #members = new Set<string>()
  #offset = 0
  #serial = 0
  /** The history may hold joins and leaves. */
  #isMixed = false

  constructor(name: string, epoch: string, clock: Clock, ids: BoundedIds, seed: Seed) {
    this.#clock = clock
    this.#name = toJsonText(name)
    this.#epoch = epoch
    this.#ids = ids
    this.#state = new Map(seed.state)
    this.prefill(seed.history, seed.keep)
  }

  prefill(history: Seed['history'], keep: Retention): void {
    this.#history = new BoundedQueue()
    for (const { what, idKey } of history) {
      this.#keep(what, undefined, keep)
      if (idKey !== undefined) this.#ids.set(idKey, { position: this.#top() })
    }
  }

  append(what: Unnumbered, how: Appending): Appended {
    const known = how.idKey === undefined ? undefined : this.#ids.get(how.idKey)
    if (known && 'position' in known) return { position: known.position, duplicate: true }
    for (const key of how.state?.deletes ?? []) this.#state.delete(key)
    for (const [key, value] of how.state?.updates ?? []) this.#state.set(key, value)
    if (how.told) this.#offset++
    const position = this.#top()
    if (how.kept) this.#keep(what, how.told ? this.#offset : undefined, how.keep)
    if (how.idKey !== undefined) this.#ids.set(how.idKey, { position })
    if (how.told) this.#tell(what, position)
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
      top: this.#top(),
      missed: since && this.#missed(since),
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
    return { history: listOf(piece), cursor: rest ? `${this.#epoch}.${next}` : undefined }
  }

  listen(hear: (numbered: Numbered) => void): Stop {
    this.#listeners.add(hear)
    return () => this.#listeners.delete(hear)
  }

  #top(): Position {
    return { epoch: this.#epoch, offset: this.#offset }
  }

  #keep(what: Unnumbered, offset: number | undefined, keep: Retention): void {
    const isPublish = what.name === 'PUBLISH'
    if (!isPublish && keep.publishOnly) return
    this.#isMixed ||= !isPublish
    const number = offset === undefined ? '' : `"offset":${offset},`
    const text = `["${what.name}",{${number}${what.inside}}]`
    this.#history.push(
      { serial: ++this.#serial, offset: this.#offset, text, isPublish, at: what.at, bytes: text.length },
      historyBounds(keep),
      this.#clock.now(),
    )
  }

  #tell(what: Unnumbered, position: Position): void {
    const text = spliceFrame(0, what.name, `"channel_name":${this.#name},"offset":${position.offset},${what.inside}`)
    const told: Told = {
      name: what.name,
      position,
      frame: new PreparedFrame(text),
      at: this.#clock.now(),
      origin: what.origin,
      bytes: text.length,
    }
    this.#window.push(told, recoveryWindow, this.#clock.now())
    for (const hear of this.#listeners) hear(told)
  }

  #missed(since: Position): readonly Numbered[] | undefined {
    if (since.epoch !== this.#epoch || since.offset > this.#offset) return undefined
    this.#window.trim(recoveryWindow, this.#clock.now())
    const missed = this.#window.values().slice(Math.max(0, this.#window.length - (this.#offset - since.offset)))
    return missed.length === this.#offset - since.offset ? missed : undefined
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
      if (epoch !== this.#epoch) throw new HookboxError('bad_request', 'cursor: expected one that this channel gave')
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
    if (position.epoch !== this.#epoch) {
      const top = formatPosition(this.#top())
      throw new HookboxError('bad_request', `${field}: expected a position of this channel's log, which is at ${top}`)
    }
    return this.#history.values().find((kept) => kept.offset >= offset)?.serial ?? this.#serial + 1
  }
}

function historyBounds(keep: Retention): Bounds {
  return { size: keep.size, duration: keep.duration, bytes: historyBytes }
}

function listOf(kept: readonly Kept[]): JsonText {
  return `[${kept.map((one) => one.text).join(',')}]` as JsonText
}
