import { closeCodes, HookboxError } from '@hookbox/protocol'
import type { Broker, ConnectionRecord, Estate, Noted } from '../broker/broker.ts'
import type { Log } from '../log.ts'
import type { Background } from './background.ts'
import type { Channels } from './channels.ts'
import type { Inboxes } from './inboxes.ts'
import type { Memberships } from './memberships.ts'
import type { Note, Notes } from './notes.ts'
import type { NodeVerbs, OtherNodes } from './other-nodes.ts'
import type { Tellings } from './tellings.ts'
import type { Taken } from './tickets.ts'
import { readUserOptions } from './user-options.ts'
import type { UserConnection, Users } from './users.ts'

/** How the line ends of a page that another node has. */
const backElsewhere = [closeCodes.silent, 'the page is back on another line'] as const

export interface TakeoverParts {
  readonly broker: Broker
  readonly log: Log
  readonly users: Users
  readonly channels: Channels
  readonly inboxes: Inboxes
  readonly notes: Notes
  readonly tellings: Tellings
  readonly background: Background
  readonly nodes: () => OtherNodes
  readonly letIn: Memberships['letIn']
  /** Settles when what is being noted of a connection has been, or has failed. */
  readonly noted: (connectionId: string) => Promise<void>
  readonly stopping: () => boolean
  /** Makes a connection without a line of one that another node had: it lingers from now on. */
  readonly makeConnection: (record: ConnectionRecord) => UserConnection
}

/** What belongs to one node and becomes another's: connections whose pages are back elsewhere, and all that a node left that is gone. */
export class Takeover {
  readonly #broker: Broker
  readonly #log: Log
  readonly #users: Users
  readonly #channels: Channels
  readonly #inboxes: Inboxes
  readonly #notes: Notes
  readonly #tellings: Tellings
  readonly #background: Background
  readonly #nodes: () => OtherNodes
  readonly #letIn: TakeoverParts['letIn']
  readonly #noted: TakeoverParts['noted']
  readonly #stopping: () => boolean
  readonly #makeConnection: TakeoverParts['makeConnection']
  /** Connections that are about to be this node's own, by id. */
  readonly #claiming = new Map<string, Promise<UserConnection | undefined>>()

  constructor(parts: TakeoverParts) {
    this.#broker = parts.broker
    this.#log = parts.log
    this.#users = parts.users
    this.#channels = parts.channels
    this.#inboxes = parts.inboxes
    this.#notes = parts.notes
    this.#tellings = parts.tellings
    this.#background = parts.background
    this.#nodes = parts.nodes
    this.#letIn = parts.letIn
    this.#noted = parts.noted
    this.#stopping = parts.stopping
    this.#makeConnection = parts.makeConnection
  }

  /** What this node does for the others. */
  get verbs(): Pick<NodeVerbs, 'release'> {
    return {
      release: async ({ connection: id }) => {
        const connection = this.#users.connection(id)
        if (!connection) return []
        const promised = [...connection.promised]
        connection.released(...backElsewhere)
        await Promise.allSettled([...connection.entering.values(), this.#noted(id)])
        this.forget(connection)
        return promised
      },
    }
  }

  /**
   * The connection that a ticket stands for, as this node's own. It lingers; where it was another node's, or of a node that
   * is gone, so do all others that the page had there. Undefined where it is gone.
   */
  async claim({ connection: record }: Taken): Promise<UserConnection | undefined> {
    const user = await this.#broker.users.find(record.user)
    const isToCome = ({ id, node }: ConnectionRecord) => node !== this.#broker.nodes.id || this.#claiming.has(id)
    const ofPage = (user?.connections ?? []).filter((one) => one.pageId === record.pageId && isToCome(one))
    await Promise.all(ofPage.map((one) => this.claimOne(one)))
    const connection = this.#users.connection(record.id)
    connection?.superseded()
    return connection?.gone ? undefined : connection
  }

  /** Takes over what a node left that is gone. */
  async inherit({ connections, notes }: Estate): Promise<void> {
    if (this.#stopping()) throw new HookboxError('unavailable', 'the hub is stopping')
    await Promise.all(connections.map(({ user, id }) => this.#makeOwn(user, id)))
    await Promise.all([...notes.values()].map((note) => this.#inheritNote(note as unknown as Note)))
  }

  async #inheritNote(note: Note): Promise<void> {
    if (note.kind === 'gone') {
      await this.#tellings.inheritGone(note.departure, note.id)
      return
    }
    if (note.kind === 'started') {
      // Told until it is heard; what counts here is that this node has begun.
      this.#tellings.tellStarted(this.#broker.nodes.id, note.id)
      return
    }
    const { duty } = note
    // Whoever opens a channel that is polled for waits for its turn to poll.
    const channel = await this.#channels.find(duty.channel)
    if (duty.of === 'offer') channel?.life.offerLater()
    else if (duty.of === 'leave') await channel?.tellOwed(duty.user)
  }

  /** Makes a connection of another node's this node's own. */
  async claimOne({ user, id, node }: ConnectionRecord): Promise<void> {
    await this.#makeOwn(user, id, node === this.#broker.nodes.id ? undefined : node)
  }

  /**
   * Undefined where it is gone, or was this node's before. Whoever else wants it meanwhile waits for the same. `from`: the node
   * that has it, unless that one is gone and left it.
   */
  #makeOwn(user: string, id: string, from?: string): Promise<UserConnection | undefined> {
    const underWay = this.#claiming.get(id)
    if (underWay) return underWay
    const claim = async () => {
      const record = await this.#broker.users.claim(user, id)
      if (!record) return undefined
      const released = from === undefined ? undefined : this.#released(from, id)
      const connection = await this.#restore(record, released)
      if (released || record.promised.size > 0) this.#giveOn(connection, record.promised, released)
      if (released) this.#lookAgain(record, released)
      return connection
    }
    const claiming = claim().finally(() => this.#claiming.delete(id))
    this.#claiming.set(id, claiming)
    return claiming
  }

  /** What a connection was about to be given by the node that had it, which has let go of it now; undefined where that is gone. */
  async #released(from: string, id: string): Promise<string[] | undefined> {
    try {
      return await this.#nodes().ask(from, 'release', { connection: id })
    } catch (err) {
      // That node is gone, or will find out by itself that the connection is not its own any more.
      this.#log.debug(
        { connection: id, node: from, err },
        'a connection was taken over from a node that does not answer',
      )
      return undefined
    }
  }

  /**
   * What a connection was promised it is given here. Its page need not wait for the node that had it, which says what of that is
   * still to be given, or is gone.
   */
  #giveOn(
    connection: UserConnection,
    promised: Iterable<string>,
    released: Promise<string[] | undefined> | undefined,
  ): void {
    this.#background('giving what the page was about to be given', async () => {
      const pending = (await released) ?? promised
      await Promise.allSettled(connection.entering.values())
      const { user, pageId, caller, channels } = connection
      const taker = this.#users.get(user)?.live.find((one) => one.pageId === pageId) ?? connection
      for (const name of pending) if (!taker.gone && !channels.has(name)) this.#letIn(taker, name, caller)
    })
  }

  /** A connection is this node's from now on: it lingers here, wherever it was. */
  async #restore(record: ConnectionRecord, released?: Promise<unknown>): Promise<UserConnection> {
    const found = await this.#broker.users.find(record.user)
    const connection = this.#makeConnection(record)
    this.#users.add(connection, readUserOptions(found?.options ?? {}))
    this.#inboxes.attend(record.user, connection)
    this.#notes.connection(connection, { live: false })
    const noted = [...record.channels, ...[...record.promised].map((name) => [name, 'promised'] as const)]
    await Promise.all(
      noted.map(async ([name, membership]) => {
        if (await this.#restoreIn(connection, name)) this.#isIn(connection, name, membership)
        else if (released) this.#mayYetEnter(connection, name, membership, released)
        else if (membership !== 'promised') this.#notes.membership(connection, name, null)
      }),
    )
    return connection
  }

  async #restoreIn(connection: UserConnection, channelName: string): Promise<boolean> {
    const channel = await this.#channels.find(channelName)
    return channel !== undefined && (await channel.life.using(() => channel.restore(connection)))
  }

  /** What it was promised has been given by the node that had it. */
  #isIn(connection: UserConnection, channelName: string, membership: Noted): void {
    if (membership === 'asked') return
    connection.gave(channelName)
    if (membership === 'promised') this.#notes.membership(connection, channelName, 'given')
  }

  /** The node that had the connection may have begun to let it into the channel: what came of that is known when it has let go. */
  #mayYetEnter(connection: UserConnection, channelName: string, membership: Noted, released: Promise<unknown>): void {
    const look = async () => {
      await released
      if (!(await this.#restoreIn(connection, channelName)))
        return this.#notes.membership(connection, channelName, null)
      const isHere = !connection.gone && this.#users.connection(connection.id) === connection
      if (isHere) this.#isIn(connection, channelName, membership)
      else await this.#channels.get(channelName)?.drop(connection)
    }
    const decided = look().finally(() => connection.decided(channelName))
    connection.enters(channelName, decided)
    this.#background(`looking whether somebody is in ${JSON.stringify(channelName)}`, () => decided)
  }

  /**
   * The node that had the connection may have written once more that it is in a channel, which it has left here meanwhile:
   * what came of that is known when that node has let go.
   */
  #lookAgain({ id, user, channels, promised }: ConnectionRecord, released: Promise<unknown>): void {
    this.#background('looking again where the page was', async () => {
      await released
      for (const name of [...channels.keys(), ...promised]) {
        const channel = await this.#channels.find(name)
        if (!channel || !(await channel.holds(user, id))) continue
        const record = (await this.#broker.users.find(user))?.connections.find((one) => one.id === id)
        const here = this.#users.connection(id)
        if (record?.channels.has(name) || record?.promised.has(name)) continue
        if (here?.channels.has(name) || here?.entering.has(name)) continue
        await channel.retract(user, id)
      }
    })
  }

  /** The connection is another node's by now, and so is its page. */
  letGo(connection: UserConnection): void {
    connection.released(...backElsewhere)
    this.forget(connection)
  }

  /** The connection is another node's by now. */
  forget(connection: UserConnection): void {
    this.#inboxes.close(connection.user, connection.id)
    for (const name of [...connection.channels]) this.#channels.get(name)?.forget(connection)
    this.#users.remove(connection)
  }

  /** The others count this node's connections as gone, or their own as well: pages come back, and everything is asked anew. */
  expelled(): void {
    this.#log.warn(
      { node: this.#broker.nodes.id },
      'this node begins anew: the others had taken it for dead, or what they share was lost',
    )
    for (const connection of [...this.#users.connections()]) {
      connection.released(closeCodes.stopping, 'the hub begins anew')
      this.forget(connection)
    }
    this.#channels.clear()
    this.#tellings.handOver()
  }
}
