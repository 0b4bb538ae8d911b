import type { JsonText, Position } from '@hookbox/protocol'
import type { PreparedFrame } from '../transport/prepared-frame.ts'

/** What all nodes of a hub share. It knows no rules: whoever calls has asked the application already. */
export interface Broker {
  readonly channels: Channels
  readonly log: Log
  readonly presence: Presence
  readonly messages: Messages
  /** From here on nothing is written any more: it fails with `unavailable`. */
  close(): Promise<void>
}

/** Ends what was begun. */
export type Stop = () => void

/** Which channels there are. */
export interface Channels {
  /** Makes a channel with its first content and a new epoch, in one atomic step. False when it exists already. */
  create(name: string, record: ChannelRecord, seed: Seed): Promise<boolean>
  load(name: string): Promise<ChannelRecord | undefined>
  update(name: string, record: ChannelRecord): Promise<void>
  /** Forgets the channel, its log, state and members; message ids outlive it for their window. */
  remove(name: string): Promise<void>
  names(): Promise<string[]>
}

export interface ChannelRecord {
  /** The channel's options in the contract's form. */
  readonly options: JsonText
}

/** What a new channel begins with. */
export interface Seed {
  /** Oldest first. A message id in it counts as known. */
  readonly history: readonly { readonly what: Unnumbered; readonly idKey: string | undefined }[]
  readonly state: ReadonlyMap<string, JsonText>
  readonly keep: Retention
}

/** How much history is kept; the recovery window is kept whatever this says. */
export interface Retention {
  /** Entries. */
  readonly size: number
  /** Milliseconds; 0 = no limit. */
  readonly duration: number
  /** Joins and leaves are not kept, nor any that are there already. */
  readonly publishOnly: boolean
}

/** Something to tell, before it has its place in the log. */
export interface Unnumbered {
  readonly name: 'PUBLISH' | 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'STATE_UPDATE' | 'MESSAGE'
  /** The inside of the frame's args, besides `channel_name` and `offset` (see protocol's `members`). */
  readonly inside: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The connection that caused it. */
  readonly origin?: string | undefined
}

/** What was told, with its place. The frame is the one that everybody gets, now and when recovering. */
export interface Numbered {
  readonly name: Unnumbered['name']
  readonly position: Position
  readonly frame: PreparedFrame
  readonly at: number
  readonly origin: string | undefined
}

export interface Appending {
  /** Whether subscribers are told, so that it takes the next number; else it stands in the history under the number before it. */
  readonly told: boolean
  /** Whether the history holds it. */
  readonly kept: boolean
  readonly keep: Retention
  /** Channel-wide key of a publisher's message id: a repeat within the window is not appended again. */
  readonly idKey?: string | undefined
  readonly state?: StateChange
}

/** What becomes of a channel's state; deletes come first. */
export interface StateChange {
  readonly updates: ReadonlyMap<string, JsonText>
  readonly deletes: readonly string[]
}

/** Where it stands, and whether it stood there before. */
export interface Appended {
  readonly position: Position
  readonly duplicate: boolean
}

/** What became of an earlier publish with the same message id. */
export type Remembered = { readonly position: Position } | { readonly frame: PreparedFrame }

/** One channel's ordered entries, its state, and the ids of what was published. A missing channel is an `unknown_channel`. */
export interface Log {
  /**
   * Number the entry, keep it, change the state and tell every listener: one atomic step. A known `idKey` returns the first
   * position and tells nobody.
   */
  append(channel: string, what: Unnumbered, how: Appending): Promise<Appended>
  /** What became of the publish with this key, within the window. */
  recall(channel: string, idKey: string): Promise<Remembered | undefined>
  /** Keeps a frame that has no place in the log under its key, for its repeats. */
  remember(channel: string, idKey: string, frame: PreparedFrame): Promise<void>
  /** All that a subscriber needs, at one moment. */
  read(channel: string, keep: Retention, since?: Position): Promise<Snapshot>
  /** Puts another history in place of the one there is. Nobody is told: history is what newcomers see. */
  prefill(channel: string, history: Seed['history'], keep: Retention): Promise<void>
  /** A piece of the kept history. */
  history(channel: string, keep: Retention, range: HistoryRange): Promise<HistoryPiece>
  /** Hear entries in order, from the moment the promise resolves. */
  listen(channel: string, hear: (numbered: Numbered) => void): Promise<Stop>
}

/** A channel at one moment: everything here belongs to the same `top`. */
export interface Snapshot {
  readonly top: Position
  /** Every frame told after `since`; undefined when one of them is gone, the epoch is another, or no `since` was given. */
  readonly missed: readonly Numbered[] | undefined
  /** JSON text of a list of entries, oldest first: the newest that fit in `limits.historyAnswer`. */
  readonly history: JsonText
  /** There is older history. */
  readonly more: boolean
  readonly state: ReadonlyMap<string, JsonText>
  /** In the order they came. */
  readonly members: readonly string[]
}

export interface HistoryRange {
  /** Only entries numbered above this. */
  readonly since?: Position
  /** Only entries numbered below this. */
  readonly before?: Position
  /** What the last piece gave; it stands for the range that it came from. */
  readonly cursor?: string
  readonly limit: number
}

export interface HistoryPiece {
  /** JSON text of a list of entries, oldest first. */
  readonly history: JsonText
  readonly cursor: string | undefined
}

/** Who is in a channel: the union over all nodes, each user once. */
export interface Presence {
  /** This node has a subscriber of the user's. The first on any node is told, in the same atomic step. True when it was. */
  enter(channel: string, user: string, what: Unnumbered, how: Appending): Promise<boolean>
  /** This node has no subscriber of the user's any more. The last on any node is told, in the same atomic step. True when it was. */
  leave(channel: string, user: string, what: Unnumbered, how: Appending): Promise<boolean>
}

/**
 * Private messages: each user's own log, from the user's first connection until the recovery window has passed since its
 * last one has gone.
 */
export interface Messages {
  /**
   * This node has a connection of the user's: from now on the user's log is there. Hear what is sent, in order, from the
   * moment the promise resolves; stopped, the node has none any more.
   */
  attend(user: string, hear: (numbered: Numbered) => void): Promise<Stop>
  /** Number, keep and tell a message, in one step. Undefined where the user has no log. `inside` as in {@link Unnumbered}. */
  send(user: string, inside: string): Promise<Position | undefined>
  /** Where the user's log stands, and what was told after `since` as in {@link Snapshot}. */
  read(user: string, since?: Position): Promise<Pick<Snapshot, 'top' | 'missed'>>
}
