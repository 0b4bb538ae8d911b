import type { Json, JsonText, Position } from '@hookbox/protocol'
import type { Soon } from '../soon.ts'
import type { PreparedFrame } from '../transport/prepared-frame.ts'

/**
 * What all nodes of a hub share, as one of them sees it. It knows no rules: whoever calls has asked the application already.
 *
 * What cannot be done in time, or at all at the moment, fails with `unavailable`; it may have been done all the same.
 */
export interface Broker {
  readonly channels: Channels
  readonly log: Log
  readonly presence: Presence
  readonly users: Users
  readonly messages: Messages
  readonly leases: Leases
  readonly bus: Bus
  readonly nodes: Nodes
  /** This node leaves: the others inherit what is its own. From here on nothing is written any more: it fails with `unavailable`. */
  close(): Promise<void>
}

/** Ends what was begun. */
export type Stop = () => void

// Channels

/** Which channels there are. */
export interface Channels {
  /** Makes a channel with its first content and a new epoch, in one atomic step. False when it exists already. */
  create(name: string, options: JsonText, seed: Seed): Promise<boolean>
  /**
   * Hears what happens in a channel, in order and from the very moment to which the record belongs. Undefined where there is
   * no such channel.
   */
  open(name: string, ear: ChannelEar): Promise<{ readonly record: ChannelRecord; readonly stop: Stop } | undefined>
  load(name: string): Promise<ChannelRecord | undefined>
  /**
   * Changes options, history and state in one atomic step, and tells: first subscribers of the state, then nodes of the
   * options. Undefined, and nothing is changed, when somebody has changed options or state since `revision`.
   */
  change(name: string, revision: number, change: ChannelChange): Promise<ChannelRecord | undefined>
  /** Whether anybody wants the channel. */
  look(name: string): Promise<Wanted>
  /** The application wants to keep the channel although nobody is in it. False, and not noted, when someone has entered since. */
  keep(name: string, visits: number): Promise<boolean>
  /**
   * Forgets the channel, its log, state and members, in one atomic step; message ids outlive it for their window. With
   * `unused` only where it is not {@link Wanted.used}. False when it is still there, or was not there.
   */
  remove(name: string, unused?: 'unused'): Promise<boolean>
  names(): Promise<string[]>
  /** How many there are, at most. */
  count(): Promise<number>
  /** Of each, how many users are in it; 0 where there is no such channel. */
  sizes(names: readonly string[]): Promise<number[]>
}

export interface ChannelRecord {
  /** The channel's options in the contract's form. */
  readonly options: JsonText
  /** Grows with every change of options or state. */
  readonly revision: number
}

/** What a node hears of a channel that it has open. */
export interface ChannelEar {
  /** Told to all subscribers. Each number once, in order, without a gap, but for {@link ChannelEar.lost}. */
  heard(numbered: Numbered): void
  /** The options are others now. */
  changed(record: ChannelRecord): void
  /** What was told cannot be brought any more, or numbers may repeat: the log goes on from here. */
  lost(top: Position): void
  /**
   * The channel is gone. Nothing more is heard.
   *
   * - `destroyed`: somebody has removed it
   * - `lost`: the broker has lost it, or both may have happened; there may be another one of this name already
   */
  removed(how: 'destroyed' | 'lost'): void
}

/** What a new channel begins with. */
export interface Seed {
  /** Oldest first. A message id in it counts as known. */
  readonly history: readonly { readonly what: Unnumbered; readonly idKey: string | undefined }[]
  readonly state: ReadonlyMap<string, JsonText>
  readonly keep: Retention
}

export interface ChannelChange {
  readonly options?: JsonText | undefined
  /** Puts another history in place of the one there is. Nobody is told: history is what newcomers see. */
  readonly history?: Seed['history'] | undefined
  readonly keep: Retention
  /** What becomes of the state, and what subscribers are told of it; it takes the next number. */
  readonly state?: { readonly what: Unnumbered; readonly change: StateChange } | undefined
}

/** What becomes of a channel's state; deletes come first. */
export interface StateChange {
  readonly updates: ReadonlyMap<string, JsonText>
  readonly deletes: readonly string[]
}

export interface Wanted {
  /** Somebody is in it or expected, or the application is still to be told of a leave. */
  readonly used: boolean
  /** It is used, but only by somebody who is expected: that may be over without a word. */
  readonly expected: boolean
  /** The application wants to keep it, and nobody has entered since it said so. */
  readonly kept: boolean
  /** How often somebody entered it. */
  readonly visits: number
}

// A channel's log

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
}

/** What became of a publish with a message id that is known. */
export type Remembered = { readonly position: Position } | { readonly frame: PreparedFrame }

/** Where it stands, or what became of it the first time. */
export type Appended =
  | { readonly position: Position; readonly duplicate: false }
  | (Remembered & { readonly duplicate: true })

/** One channel's ordered entries, its state, and the ids of what was published. A missing channel is an `unknown_channel`. */
export interface Log {
  /**
   * Number the entry, keep it and tell every node that has the channel open: one atomic step. With a known `idKey` nothing
   * is done, and what became of it the first time is given. What a node appends to one channel stands there in the order in
   * which it asked; it need not wait for the one before. Rejects, but never throws.
   */
  append(channel: string, what: Unnumbered, how: Appending): Soon<Appended>
  /** What became of the publish with this key, within the window. */
  recall(channel: string, idKey: string): Promise<Remembered | undefined>
  /** Keeps a frame that has no place in the log under its key, for its repeats. */
  remember(channel: string, idKey: string, frame: PreparedFrame): Promise<void>
  /** All that a subscriber needs, at one moment. Without `members` their list is empty: there may be very many. */
  read(channel: string, keep: Retention, since?: Position, members?: boolean): Promise<Snapshot>
  /** A piece of the kept history. */
  history(channel: string, keep: Retention, range: HistoryRange): Promise<HistoryPiece>
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
  /** As in {@link ChannelRecord}. */
  readonly revision: number
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

// Who is in a channel

/** A user's way into a channel. */
export interface Visitor {
  readonly user: string
  /** The connection's id. */
  readonly connection: string
}

/** Who is in a channel: the union over all connections on all nodes, each user once. A missing channel is an `unknown_channel`. */
export interface Presence {
  /**
   * A connection is in the channel; again is no change. The user's first is told, in the same atomic step.
   *
   * - `closing`: the application is being asked whether the channel may go (somebody holds its `destroy` lease), so that it
   *   is not entered; not with `anyway`.
   */
  enter(channel: string, who: Visitor, what: Unnumbered, how: Entering): Promise<'first' | 'further' | 'closing'>
  /**
   * A connection is in the channel no more. The user's last is told, in the same atomic step, and with `owe` it is noted that
   * the application is still to be told. A channel that is gone is left already.
   */
  leave(channel: string, who: Visitor, what: Unnumbered, how: Appending, owe?: Owed): Promise<Left>
  /** How things stand with one user. */
  find(channel: string, user: string): Promise<Present>
  /** Everybody who is in the channel, by all connections. Nobody, where there is none. */
  all(channel: string): Promise<Visitor[]>
  /**
   * As {@link find}, and unless the channel is closing, the connection is expected from now on: until it has entered, is
   * withdrawn, or {@link expectation} has passed, the channel counts as used.
   */
  expect(channel: string, who: Visitor): Promise<Present>
  /** The connection does not enter after all. */
  withdraw(channel: string, who: Visitor): Promise<void>
  /** What the application had for the user when it was asked about its entry: handed to the user's later connections. */
  provide(channel: string, user: string, initialData: JsonText | undefined): Promise<void>
  /** The application was told of this leave, or never will be. */
  settle(channel: string, user: string, owedId: string): Promise<void>
}

/** Milliseconds for which somebody who was to enter a channel, and has not been heard of again, counts as using it. */
export const expectation = 60_000

export interface Entering extends Appending {
  readonly anyway: boolean
}

/** What a leave has changed. */
export interface Left {
  /** The connection was in it, and the user's last. */
  readonly last: boolean
  /** Nobody is in it any more. */
  readonly empty: boolean
}

export interface Present {
  /** The user's connections in the channel. */
  readonly connections: readonly string[]
  readonly initialData: JsonText | undefined
  /** A leave of this user's that the application has not heard of. */
  readonly owed: Owed | undefined
  /** As in {@link Presence.enter}. */
  readonly closing: boolean
}

/** A leave that the application is still to be told of: with which `webhook-id`, and whose cookies and address. */
export interface Owed {
  readonly id: string
  readonly cookies: string | undefined
  readonly address: string | undefined
}

// Who is connected

/** Options by name; what they mean is not known here. */
export interface Options {
  readonly [name: string]: Json
}

/** A connection that has its user, lingering ones included. It belongs to one node, which alone changes it. */
export interface ConnectionRecord {
  readonly id: string
  readonly user: string
  readonly node: string
  /** The same for all connections by which one page, with its tickets, took up the one before. */
  readonly pageId: string
  /** It hears what is sent to it; one that lingers does not. */
  readonly live: boolean
  /** The `Cookie` header that its webhooks carry. */
  readonly cookies: string | undefined
  readonly address: string | undefined
  /** The channels it is in, or has asked to be in: asked for by its page, or given to it. */
  readonly channels: ReadonlyMap<string, Membership>
  /** The channels that it is about to be given; whoever takes it over sees to that. */
  readonly promised: ReadonlySet<string>
  readonly ticket: TicketRecord | undefined
}

export type Membership = 'asked' | 'given'

/** What is noted of a connection in a channel: what it is there, or that it is about to be given it. */
export type Noted = Membership | 'promised'

/** A connection that has just got its user. */
export type NewConnection = Omit<ConnectionRecord, 'node' | 'ticket' | 'channels' | 'promised' | 'live'>

/** The ticket of a connection: whoever shows its text, and what fits the digests, takes the connection up. */
export interface TicketRecord {
  readonly text: string
  readonly cookies: string
  readonly payload: string
  /** What the page was answered as its payload. */
  readonly answer: JsonText
  /** Milliseconds since 1970 at which the application wants to be asked again; undefined where it need not be. */
  readonly deadline: number | undefined
}

/** What of a connection may change. */
export interface ConnectionChange {
  readonly live?: boolean
  readonly cookies?: string | undefined
  /** The one before is void; with null there is none. */
  readonly ticket?: TicketRecord | null
  /** What the connection is in a channel from now on; with null it is not in it. */
  readonly channels?: Iterable<readonly [name: string, noted: Noted | null]>
}

export interface UserRecord {
  readonly name: string
  readonly options: Options
  /** In the order they came. */
  readonly connections: readonly ConnectionRecord[]
}

/** What a node hears of a user. */
export interface UserEar {
  /** A private message: each number once, in order, without a gap, but for {@link UserEar.lost}. */
  messaged(numbered: Numbered): void
  /** As in {@link ChannelEar.lost}. */
  lost(top: Position): void
  /** The options are others now. */
  changed(options: Options): void
  /** The user's first connection has come. */
  came(): void
  /** The user's last connection has gone. */
  left(): void
}

/** Users with their connections on all nodes. A user is there as long as it has a connection, be it one that lingers. */
export interface Users {
  /**
   * A connection of this node's has got its user. A user who is there keeps its options, a new one begins with `byDefault`;
   * `changes` are made in both cases, in the same atomic step.
   */
  enter(
    connection: NewConnection,
    options: { readonly byDefault: Options; readonly changes: Options },
  ): Promise<{ readonly options: Options; readonly first: boolean }>
  /** Notes what has changed of a connection. False, and not noted, where it is not this node's or not there (any more). */
  update(user: string, connectionId: string, change: ConnectionChange): Promise<boolean>
  /** A connection of this node's is gone. `elsewhere`: it is another node's by now, or not there; nothing has changed. */
  leave(user: string, connectionId: string): Promise<'last' | 'further' | 'elsewhere'>
  /** Undefined where the user is not there. */
  changeOptions(user: string, changes: Options): Promise<Options | undefined>
  find(user: string): Promise<UserRecord | undefined>
  /** By its id alone. */
  locate(connectionId: string): Promise<ConnectionRecord | undefined>
  /** The connection that a ticket stands for. From now on the ticket is void. */
  takeTicket(text: string): Promise<ConnectionRecord | undefined>
  /** Makes another node's connection this node's own. Undefined where it is gone or this node's already. */
  claim(user: string, connectionId: string): Promise<ConnectionRecord | undefined>
  /** Hears of a user, who need not be there, from the moment the promise resolves. */
  listen(user: string, ear: UserEar): Promise<Stop>
  /** Of each, whether it is there. */
  areHere(users: readonly string[]): Promise<boolean[]>
  /** All users: name → the ids of those of its connections that are live. */
  all(): Promise<ReadonlyMap<string, readonly string[]>>
  /** How many there are, at most. */
  count(): Promise<number>
}

/**
 * Private messages: each user's own log, from the user's first connection until the recovery window has passed since its
 * last one has gone.
 */
export interface Messages {
  /** Number, keep and tell a message, in one step. Undefined where the user has no log. `inside` as in {@link Unnumbered}. */
  send(user: string, inside: string): Promise<Position | undefined>
  /** Where the user's log stands, and what was told after `since` as in {@link Snapshot}. */
  read(user: string, since?: Position): Promise<Pick<Snapshot, 'top' | 'missed'>>
  /** Whether the sender has sent the message with this id, within the window. */
  wasSent(sender: string, id: string): Promise<boolean>
  /** The sender has sent the message with this id. */
  sent(sender: string, id: string): Promise<void>
}

// Nodes among each other

/** What one node at a time may do. Each stands for one thing: of one channel, and of whom or what in it. */
export type LeaseKey =
  | { readonly of: 'create' | 'destroy' | 'poll'; readonly channel: string }
  /** What the application is asked about one user's coming and going. */
  | { readonly of: 'visit'; readonly channel: string; readonly user: string }
  /** A publish that the application is asked about. */
  | { readonly of: 'publish'; readonly channel: string; readonly idKey: string }
  | { readonly of: 'message'; readonly user: string; readonly id: string }

/** Told to whoever holds a lease. */
export interface Holding {
  /** Somebody waits for it. May come more than once. */
  wanted?(): void
  /** It is not held any more, as the broker could not be reached for too long or the others believed this node dead. */
  lost?(): void
}

export interface Lease {
  /** Gives it back; again does nothing. */
  release(): Promise<void>
}

/** One holder at a time, among all nodes and within one. Of a node that is gone they are free within a bound. */
export interface Leases {
  /** Undefined where it is held. */
  take(key: LeaseKey, holding?: Holding): Promise<Lease | undefined>
  /** Waits until it is free; whoever holds it is told. */
  wait(key: LeaseKey, holding?: Holding): Promise<Lease>
  /** Waits until nobody holds it, without taking it; whoever holds it is told that it is wanted. */
  freed(key: LeaseKey): Promise<void>
}

/** Nodes that ask each other. */
export interface Bus {
  /**
   * Asks another node, or this one. Gives its answer.
   *
   * @throws HookboxError that it has thrown; `unavailable` where it does not answer in time
   */
  ask(node: string, question: Json): Promise<Json>
  /** From now on what other nodes ask is answered by this. */
  answer(answer: (question: Json) => Promise<Json>): void
}

/** What a node left behind. */
export interface Estate {
  readonly node: string
  /** Connections that are still its own. They are to be claimed. */
  readonly connections: readonly { readonly user: string; readonly id: string }[]
  /** What it had noted, by key. */
  readonly notes: ReadonlyMap<string, Json>
}

/** What a node is told about itself and the others. */
export interface NodeEvents {
  /** Another node is gone, and its estate is to be taken over. Each estate is given to one node; again, where that one dies before it is done. */
  inherit(estate: Estate): Promise<void>
  /** The others have taken this node for dead, or what was shared is lost: nothing is its own any more, and it has begun anew under another name. `fresh` as in {@link Nodes.start}. */
  expelled(fresh: boolean): void
  /** What was written last may be lost, or half done: what is this node's own is to be written again. */
  restore(): void
}

/** Which nodes there are. */
export interface Nodes {
  /** This node's name. Another one after it was expelled. */
  readonly id: string
  /** All nodes that are alive, this one included. */
  all(): Promise<string[]>
  /**
   * From now on this node is one of them. `fresh` where nothing is known of any before it: it is the first since memory was
   * lost. Only one node is told so.
   */
  start(events: NodeEvents): Promise<{ readonly fresh: boolean }>
  /** Notes something that whoever inherits from this node has to know; null strikes it out. */
  note(key: string, what: Json | null): Promise<void>
}
