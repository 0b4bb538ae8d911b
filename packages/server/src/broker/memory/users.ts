import { SmallMap } from '../../small-map.ts'
import type {
  ConnectionChange,
  ConnectionRecord,
  Membership,
  NewConnection,
  Noted,
  Options,
  Stop,
  TicketRecord,
  UserEar,
  UserRecord,
  Users,
} from '../broker.ts'
import type { MessageLogs } from './message-logs.ts'

interface KnownConnection extends Omit<ConnectionRecord, 'channels' | 'promised'> {
  node: string
  live: boolean
  cookies: string | undefined
  ticket: TicketRecord | undefined
  readonly channels: SmallMap<Noted>
}

interface KnownUser {
  options: Options
  readonly connections: SmallMap<KnownConnection>
}

/** A user as it is put away for the next start of the hub. */
export interface SavedUser {
  readonly name: string
  readonly options: Options
  readonly connections: readonly (Omit<ConnectionRecord, 'channels' | 'promised'> & {
    readonly channels: readonly (readonly [name: string, noted: Noted])[]
  })[]
}

/** All users with their connections, and who hears of them. */
export class UserTable {
  readonly #messages: MessageLogs
  readonly #users = new Map<string, KnownUser>()
  /** By id: its user. */
  readonly #connections = new Map<string, string>()
  /** By text: the connection's id. */
  readonly #tickets = new Map<string, string>()

  constructor(messages: MessageLogs) {
    this.#messages = messages
  }

  /** The users as one node sees them. */
  of(node: () => string): Omit<Users, 'listen'> {
    return {
      enter: async (connection, options) => this.#enter(connection, node(), options),
      update: async (user, id, change) => this.#update(this.#own(user, id, node()), change),
      leave: async (user, id) => this.#leave(this.#own(user, id, node())),
      changeOptions: async (user, changes) => this.#changeOptions(user, changes),
      find: async (name) => {
        const user = this.#users.get(name)
        return user && recordOf(name, user)
      },
      locate: async (id) => {
        const found = this.#find(id)
        return found && copyOf(found)
      },
      takeTicket: async (text) => {
        const found = this.#find(this.#tickets.get(text))
        if (!found) return undefined
        const record = copyOf(found)
        this.#voidTicket(found)
        return record
      },
      claim: async (user, id) => {
        const found = this.#users.get(user)?.connections.get(id)
        if (!found || found.node === node()) return undefined
        found.node = node()
        return copyOf(found)
      },
      areHere: async (users) => users.map((name) => this.#users.has(name)),
      all: async () =>
        new Map(
          [...this.#users].map(([name, { connections }]) => [
            name,
            [...connections.values()].filter(({ live }) => live).map(({ id }) => id),
          ]),
        ),
      count: async () => this.#users.size,
    }
  }

  listen(user: string, ear: UserEar): Stop {
    return this.#messages.listen(user, ear)
  }

  /** What belongs to a node. */
  estateOf(node: string): { user: string; id: string }[] {
    return [...this.#users].flatMap(([user, { connections }]) =>
      [...connections.values()].filter((one) => one.node === node).map(({ id }) => ({ user, id })),
    )
  }

  *save(): Generator<SavedUser> {
    for (const [name, { options, connections }] of this.#users) {
      const saved = [...connections.values()].map((one) => ({ ...one, channels: [...one.channels] }))
      yield { name, options, connections: saved }
    }
  }

  restore({ name, options, connections }: SavedUser): void {
    const known = new SmallMap<KnownConnection>(
      connections.map((one) => [one.id, { ...one, channels: new SmallMap(one.channels) }]),
    )
    this.#users.set(name, { options, connections: known })
    for (const { id, ticket } of known.values()) {
      this.#connections.set(id, name)
      if (ticket) this.#tickets.set(ticket.text, id)
    }
    this.#messages.begin(name)
  }

  #enter(
    { id, user: name, pageId, cookies, address }: NewConnection,
    node: string,
    { byDefault, changes }: { byDefault: Options; changes: Options },
  ): { options: Options; first: boolean } {
    const before = this.#users.get(name)
    const user = before ?? { options: byDefault, connections: new SmallMap<KnownConnection>() }
    const changed = Object.keys(changes).length > 0
    if (changed) user.options = { ...user.options, ...changes }
    const again = user.connections.get(id)
    if (again) this.#voidTicket(again)
    const channels = new SmallMap<Noted>()
    user.connections.set(id, {
      id,
      user: name,
      node,
      pageId,
      cookies,
      address,
      live: true,
      ticket: undefined,
      channels,
    })
    this.#connections.set(id, name)
    this.#users.set(name, user)
    this.#messages.begin(name)
    const ears = this.#messages.ears(name)
    if (!before) for (const ear of ears) ear.came()
    if (before && changed) for (const ear of ears) ear.changed(user.options)
    return { options: user.options, first: !before }
  }

  #update(connection: KnownConnection | undefined, change: ConnectionChange): boolean {
    if (!connection) return false
    if (change.live !== undefined) connection.live = change.live
    if ('cookies' in change) connection.cookies = change.cookies
    if (change.ticket !== undefined) {
      this.#voidTicket(connection)
      connection.ticket = change.ticket ?? undefined
      if (change.ticket) this.#tickets.set(change.ticket.text, connection.id)
    }
    for (const [name, membership] of change.channels ?? []) {
      if (membership === null) connection.channels.delete(name)
      else connection.channels.set(name, membership)
    }
    return true
  }

  #leave(connection: KnownConnection | undefined): 'last' | 'further' | 'elsewhere' {
    if (!connection) return 'elsewhere'
    this.#voidTicket(connection)
    this.#connections.delete(connection.id)
    const user = this.#users.get(connection.user)
    user?.connections.delete(connection.id)
    if (!user || user.connections.size > 0) return 'further'
    this.#users.delete(connection.user)
    for (const ear of this.#messages.ears(connection.user)) ear.left()
    this.#messages.end(connection.user)
    return 'last'
  }

  #changeOptions(name: string, changes: Options): Options | undefined {
    const user = this.#users.get(name)
    if (!user) return undefined
    user.options = { ...user.options, ...changes }
    for (const ear of this.#messages.ears(name)) ear.changed(user.options)
    return user.options
  }

  #find(id: string | undefined): KnownConnection | undefined {
    const user = id === undefined ? undefined : this.#connections.get(id)
    return id === undefined || user === undefined ? undefined : this.#users.get(user)?.connections.get(id)
  }

  #own(user: string, id: string, node: string): KnownConnection | undefined {
    const found = this.#users.get(user)?.connections.get(id)
    return found?.node === node ? found : undefined
  }

  #voidTicket(connection: KnownConnection): void {
    if (connection.ticket) this.#tickets.delete(connection.ticket.text)
    connection.ticket = undefined
  }
}

/** What is given out does not change. */
function copyOf(connection: KnownConnection): ConnectionRecord {
  const channels = new Map<string, Membership>()
  const promised = new Set<string>()
  for (const [name, noted] of connection.channels) {
    if (noted === 'promised') promised.add(name)
    else channels.set(name, noted)
  }
  return { ...connection, channels, promised }
}

function recordOf(name: string, { options, connections }: KnownUser): UserRecord {
  return { name, options, connections: [...connections.values()].map(copyOf) }
}
