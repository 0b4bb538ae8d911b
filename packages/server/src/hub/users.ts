import type { Subscriber } from '../channel/subscriber.ts'
import { SmallMap } from '../small-map.ts'
import type { ReadonlySmallSet } from '../small-set.ts'
import type { UserOptions } from './user-options.ts'

/** One of a user's connections, as the hub sees it. */
export interface UserConnection extends Subscriber {
  /** The channels that it is about to be in, each until it is decided; they count towards the limit. */
  readonly entering: Pick<SmallMap<Promise<unknown>>, 'size' | 'has' | 'get' | 'values'>
  /** The channels among these that it did not ask for. */
  readonly promised: ReadonlySmallSet<string>
  /** The subscriptions it did not ask for: the hub itself restores them when the page is back. They are among its channels. */
  readonly given: ReadonlySmallSet<string>
  /** The same for all connections by which one page, with its tickets, took up the one before. */
  readonly pageId: string
  /** It is about to be in this channel, until that is {@link decided}. */
  enters(channelName: string, decided: Promise<unknown>): void
  decided(channelName: string): void
  /** It is about to be given this channel, until the promise is kept or cannot be. */
  promise(channelName: string): void
  keptPromise(channelName: string): void
  /** It did not ask for this subscription. */
  gave(channelName: string): void
  /** It asked for this subscription by itself. */
  asked(channelName: string): void
  /** It hears what is sent to it. One whose line broke off still counts as present for a while, but is not live. */
  readonly live: boolean
  /** Ends the connection, also one that lingers; a 44xx code keeps the page from coming back. */
  close(code: number, reason: string): void
  /** Its page is back on another line: this one, should it still seem open, has broken off. */
  superseded(): void
  /** It is not this node's any more: its line ends with this code, and nothing of it is announced from here. */
  released(code: number, reason: string): void
}

/** A name that the application gave, with its connections on this node. */
export class User {
  readonly name: string
  options: UserOptions
  readonly connections: SmallMap<UserConnection> = new SmallMap()

  constructor(name: string, options: UserOptions) {
    this.name = name
    this.options = options
  }

  /** The connections that the same page had before this one, and that linger. */
  brokenLines(of: UserConnection): UserConnection[] {
    if (this.connections.size === 1) return []
    return [...this.connections.values()].filter((one) => one !== of && !one.live && one.pageId === of.pageId)
  }

  /** The connections that hear what is sent to them. */
  get live(): UserConnection[] {
    return [...this.connections.values()].filter((connection) => connection.live)
  }
}

/** Who is connected to this node. */
export class Users {
  readonly #users = new Map<string, User>()
  readonly #connections = new Map<string, UserConnection>()

  /** How many users there are. */
  get count(): number {
    return this.#users.size
  }

  get(name: string): User | undefined {
    return this.#users.get(name)
  }

  connection(id: string): UserConnection | undefined {
    return this.#connections.get(id)
  }

  connections(): Iterable<UserConnection> {
    return this.#connections.values()
  }

  /** A connection has got its user. */
  add(connection: UserConnection, options: UserOptions): User {
    const user = this.#users.get(connection.user) ?? new User(connection.user, options)
    user.options = options
    user.connections.set(connection.id, connection)
    this.#users.set(user.name, user)
    this.#connections.set(connection.id, connection)
    return user
  }

  /** A connection is not here any more. */
  remove(connection: UserConnection): void {
    this.#connections.delete(connection.id)
    const user = this.#users.get(connection.user)
    if (!user?.connections.delete(connection.id) || user.connections.size > 0) return
    this.#users.delete(user.name)
  }
}
