import type { Subscriber } from '../channel/subscriber.ts'
import type { Caller } from '../webhooks/callbacks.ts'
import type { Persisting } from '../webhooks/persist.ts'
import type { UserOptions } from './user-options.ts'

/** One of a user's connections, as the hub sees it. */
export interface UserConnection extends Subscriber {
  /** The channels that it is about to be in, each until it is decided; they count towards the limit. */
  readonly entering: Map<string, Promise<unknown>>
  /** The subscriptions it did not ask for: the hub itself restores them when the page is back. They are among its channels. */
  readonly given: ReadonlySet<string>
  /** The same for all connections by which one page, with its tickets, took up the one before. */
  readonly pageId: string
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
}

/** A name that the application gave, with its connections. */
export class User {
  readonly name: string
  options: UserOptions
  readonly connections: Map<string, UserConnection> = new Map()

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

/** A user who has gone, and the telling of it. */
export interface Going {
  readonly name: string
  /** The channels that it was in. */
  readonly channels: readonly string[]
  readonly caller: Caller
  readonly telling: Persisting
}

/** Who is connected to this node. */
export class Users {
  readonly #users = new Map<string, User>()
  /** Applications being told that a user has gone, by user. */
  readonly #leaving = new Map<string, Going>()

  get(name: string): User | undefined {
    return this.#users.get(name)
  }

  all(): Iterable<User> {
    return this.#users.values()
  }

  /** A connection has got its user. Telling the application that this user has gone ends. */
  add(connection: UserConnection, options: UserOptions): User {
    this.#leaving.get(connection.user)?.telling.drop()
    const user = this.#users.get(connection.user) ?? new User(connection.user, options)
    user.options = options
    user.connections.set(connection.id, connection)
    this.#users.set(user.name, user)
    return user
  }

  /** A connection is gone. True when it was its user's last. */
  remove(connection: UserConnection): boolean {
    const user = this.#users.get(connection.user)
    if (!user?.connections.delete(connection.id) || user.connections.size > 0) return false
    return this.#users.delete(user.name)
  }

  /** The application is being told that a user has gone. */
  async leaving(going: Going): Promise<void> {
    this.#leaving.set(going.name, going)
    await going.telling.outcome
    if (this.#leaving.get(going.name) === going) this.#leaving.delete(going.name)
  }

  /** Those of whom the application has not heard yet that they have gone. */
  going(): Iterable<Going> {
    return this.#leaving.values()
  }

  /** Nobody leaves any more, and nobody is told of it. */
  stop(code: number, reason: string): void {
    for (const { telling } of this.#leaving.values()) telling.drop()
    for (const user of this.#users.values()) {
      for (const connection of user.connections.values()) if (!connection.live) connection.close(code, reason)
    }
  }
}
