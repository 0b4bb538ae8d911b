import { closeCodes, HookboxError, type JsonText, limits, type Position } from '@hookbox/protocol'
import type { Broker, ConnectionRecord, UserRecord } from '../broker/broker.ts'
import type { Channel } from '../channel/channel.ts'
import type { Caller, Verdict } from '../webhooks/callbacks.ts'
import type { Background } from './background.ts'
import type { Channels } from './channels.ts'
import type { Notes } from './notes.ts'
import type { NodeVerbs, OtherNodes } from './other-nodes.ts'
import type { UserOptions } from './user-options.ts'
import type { UserConnection, Users } from './users.ts'

export interface MembershipsParts {
  readonly broker: Broker
  readonly users: Users
  readonly channels: Channels
  readonly notes: Notes
  readonly background: Background
  readonly nodes: () => OtherNodes
  /** Takes over a connection of a node that is gone. */
  readonly claim: (record: ConnectionRecord) => Promise<void>
}

/** How users come into channels and leave them, through their connections on all nodes. */
export class Memberships {
  readonly #broker: Broker
  readonly #users: Users
  readonly #channels: Channels
  readonly #notes: Notes
  readonly #background: Background
  readonly #nodes: () => OtherNodes
  readonly #claim: MembershipsParts['claim']

  constructor(parts: MembershipsParts) {
    this.#broker = parts.broker
    this.#users = parts.users
    this.#channels = parts.channels
    this.#notes = parts.notes
    this.#background = parts.background
    this.#nodes = parts.nodes
    this.#claim = parts.claim
  }

  /** What this node does for the others. */
  get verbs(): Pick<NodeVerbs, 'give' | 'remove' | 'share'> {
    return {
      give: async ({ channel: name, user, initialData }) => {
        await this.#channels.with(name, async (channel) => {
          const entering = (this.#users.get(user)?.live ?? [])
            .filter((connection) => !channel.has(connection.id))
            .map((connection) =>
              this.#enterGiven(connection, name, () => this.#give(connection, channel, { initialData })),
            )
          for (const outcome of await Promise.allSettled(entering)) {
            if (outcome.status === 'rejected') throw outcome.reason
          }
        })
        return null
      },
      remove: async ({ channel, user, reason }) => {
        await this.#channels.get(channel)?.remove(user, reason)
        return null
      },
      share: async ({ user }) => {
        await this.#shareHere(user)
        return null
      },
    }
  }

  /** Lets a connection into a channel, which is made where it does not exist; the answer is `SUBSCRIBED` with this `id`. */
  async subscribe(connection: UserConnection, channelName: string, id: number, since?: Position): Promise<void> {
    await this.#enter(connection, channelName, () =>
      this.#channels.use(channelName, connection.caller, (channel) =>
        channel.subscribe(connection, { id, since, ask: true }),
      ),
    )
    if (connection.given.has(channelName)) this.#notes.membership(connection, channelName, 'asked')
    connection.asked(channelName)
    this.#supersede(connection, channelName)
    const user = this.#users.get(connection.user)
    if (user) this.share(user.name, user.options)
  }

  /**
   * Takes a connection out of a channel. `out` is called at the moment from which it is out.
   *
   * @throws HookboxError `not_subscribed`, `refused`, `webhook_failed`
   */
  async unsubscribe(connection: UserConnection, channelName: string, out: () => void): Promise<void> {
    const options = this.#users.get(connection.user)?.options
    const everywhere = options?.globalUnsubscriptions === true || options?.perConnectionSubscriptions === false
    const broken = this.#users.get(connection.user)?.brokenLines(connection) ?? []
    const inside = [connection, ...broken].filter(({ channels }) => channels.has(channelName))
    // A page that is back may leave what its broken line still stands for.
    const [leaving = connection, ...others] = inside
    const channel = this.subscribed(leaving, channelName)
    await Promise.all(others.map((other) => channel.drop(other)))
    await channel.unsubscribe(leaving, everywhere, out)
  }

  /**
   * A page that is back holds a channel, and leaves it to the hub to restore it: it is told where that did not happen, as the
   * application took it away meanwhile, or nothing is known of it any more.
   */
  async confirm(connection: UserConnection, channelName: string): Promise<void> {
    await connection.entering.get(channelName)?.catch(() => {})
    if (connection.live && !connection.channels.has(channelName)) connection.putOut(channelName, 'removed')
  }

  /** A channel that a connection is in. @throws HookboxError `not_subscribed` */
  subscribed(connection: UserConnection, channelName: string): Channel {
    const channel = this.#channels.get(channelName)
    if (channel && connection.channels.has(channelName)) return channel
    throw new HookboxError(
      'not_subscribed',
      `channel_name: expected a channel that this connection is in, got ${JSON.stringify(channelName)}`,
    )
  }

  /** Lets a user enter and leave the channels that a verdict names. Not waited for: what was asked is answered first. */
  obey(userName: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void {
    for (const name of new Set(verdict.autoSubscribe)) {
      this.#background(`auto_subscribe to ${JSON.stringify(name)}`, () =>
        this.#channels.use(name, caller, () => this.giveAll(name, userName)),
      )
    }
    for (const name of verdict.autoUnsubscribe) {
      this.#background(`auto_unsubscribe from ${JSON.stringify(name)}`, () => this.removeAll(name, userName))
    }
  }

  /** A subscription that the page never asked for; it arrives as `SUBSCRIBED` with id 0. */
  letIn(connection: UserConnection, channelName: string, caller: Caller, since?: Position): void {
    this.#background(`auto_subscribe to ${JSON.stringify(channelName)}`, () =>
      this.#enterGiven(connection, channelName, () =>
        this.#channels.use(channelName, caller, async (channel) => {
          if (!connection.gone && !channel.has(connection.id)) await this.#give(connection, channel, { since })
        }),
      ),
    )
  }

  /** Lets a user into a channel that exists, through all connections on all nodes. */
  async giveAll(channelName: string, userName: string, initialData?: JsonText): Promise<void> {
    const user = await this.#broker.users.find(userName)
    const nodes = await this.#nodesOfLive(user?.connections ?? [])
    const args = { channel: channelName, user: userName, ...(initialData !== undefined && { initialData }) }
    await this.#nodes().askAll(nodes, 'give', args)
  }

  /** Takes a user out of a channel, through all connections on all nodes. */
  async removeAll(channelName: string, userName: string): Promise<void> {
    const inside = await this.#inside(channelName, userName)
    const args = { channel: channelName, user: userName, reason: 'removed' } as const
    await this.reach(inside, (nodes) => this.#nodes().askAll(nodes, 'remove', args))
  }

  /** The user leaves, and so do its connections on other nodes. */
  async removeElsewhere(userName: string, channelName: string): Promise<void> {
    const elsewhere = (await this.#inside(channelName, userName)).filter(({ node }) => node !== this.#broker.nodes.id)
    const args = { channel: channelName, user: userName, reason: 'unsubscribed' } as const
    await this.reach(elsewhere, (nodes) => this.#nodes().askAll(nodes, 'remove', args))
  }

  /** Has the nodes of these connections do something. Those of a node that is gone are taken over before. */
  async reach(
    connections: readonly ConnectionRecord[],
    ask: (nodes: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const alive = new Set(await this.#broker.nodes.all())
    const orphans = connections.filter(({ node }) => !alive.has(node))
    await Promise.all(orphans.map((one) => this.#claim(one)))
    const nodes = connections.map(({ node }) => (alive.has(node) ? node : this.#broker.nodes.id))
    await ask(nodes)
  }

  /**
   * Where all connections of a user share each subscription, those that lack one are let in; one that has just come, from
   * where its page stands.
   */
  share(
    userName: string,
    options: UserOptions,
    back?: { connection: UserConnection; since: ReadonlyMap<string, Position> },
  ): void {
    if (options.perConnectionSubscriptions) return
    this.#background(`sharing what ${JSON.stringify(userName)} is in`, async () => {
      if (back) await this.#shareHere(userName, back)
      const user = await this.#broker.users.find(userName)
      await this.shareEverywhere(userName, options, user?.connections ?? [])
    })
  }

  /** The same on all nodes where these connections of the user's are. */
  async shareEverywhere(
    userName: string,
    options: UserOptions,
    connections: readonly ConnectionRecord[],
  ): Promise<void> {
    if (options.perConnectionSubscriptions) return
    await this.#nodes().askAll(await this.#nodesOfLive(connections), 'share', { user: userName })
  }

  async #shareHere(
    userName: string,
    back?: { connection: UserConnection; since: ReadonlyMap<string, Position> },
  ): Promise<void> {
    const record = await this.#broker.users.find(userName)
    const user = this.#users.get(userName)
    if (!record || !user) return
    for (const [name, sharing] of sharedBy(record)) {
      for (const connection of user.live) {
        // What a page's broken line stood for, the page itself asks for again, or not.
        const isOwn = sharing.every((one) => !one.live && one.pageId === connection.pageId)
        if (isOwn || connection.channels.has(name) || connection.entering.has(name)) continue
        const since = connection === back?.connection ? back.since.get(name) : undefined
        this.#background(`sharing ${JSON.stringify(name)}`, () =>
          this.#enterGiven(connection, name, () =>
            this.#channels.with(name, async (channel) => {
              if (!connection.gone && !channel.has(connection.id)) await this.#give(connection, channel, { since })
            }),
          ),
        )
      }
    }
  }

  async #give(
    connection: UserConnection,
    channel: Channel,
    what: { readonly since?: Position | undefined; readonly initialData?: JsonText | undefined },
  ): Promise<void> {
    await channel.subscribe(connection, { ...what, id: 0, ask: false })
    connection.gave(channel.name)
    this.#supersede(connection, channel.name)
  }

  /** A page is in a channel by its new line: there the ones that broke off need not stand in for it any longer. */
  #supersede(connection: UserConnection, channelName: string): void {
    const channel = this.#channels.get(channelName)
    for (const before of this.#users.get(connection.user)?.brokenLines(connection) ?? []) {
      this.#background(`leaving ${JSON.stringify(channelName)} behind`, async () => {
        await channel?.drop(before)
        if (before.channels.size === 0 && before.entering.size === 0) before.close(closeCodes.normal, 'taken up')
      })
    }
  }

  /** Counts the channel towards the connection's limit from the start, however long the application takes to agree. */
  async #enter<T>(connection: UserConnection, channelName: string, enter: () => Promise<T>): Promise<T> {
    const { channels, entering } = connection
    if (channels.has(channelName) || entering.has(channelName)) return enter()
    if (channels.size + entering.size >= limits.channels) {
      throw new HookboxError('too_many', `expected at most ${limits.channels} channels a connection`, {
        temporary: false,
      })
    }
    // Its place first: what it causes at once must find that taken.
    connection.enters(channelName, Promise.resolve())
    const decided = enter()
    connection.enters(channelName, decided)
    try {
      return await decided
    } finally {
      connection.decided(channelName)
    }
  }

  /**
   * The same with what the page never asked for: where the connection becomes another node's meanwhile, as this one dies or
   * the page is back there, it is given it there.
   */
  async #enterGiven(connection: UserConnection, channelName: string, enter: () => Promise<void>): Promise<void> {
    const { channels } = connection
    const isNew = !channels.has(channelName) && !connection.entering.has(channelName)
    connection.promise(channelName)
    if (isNew) this.#notes.membership(connection, channelName, 'promised')
    try {
      await this.#enter(connection, channelName, enter)
    } finally {
      connection.keptPromise(channelName)
      if (isNew && !channels.has(channelName) && !connection.gone) this.#notes.membership(connection, channelName, null)
    }
  }

  async #inside(channelName: string, userName: string): Promise<readonly ConnectionRecord[]> {
    const user = await this.#broker.users.find(userName)
    return (user?.connections ?? []).filter(
      ({ channels, promised }) => channels.has(channelName) || promised.has(channelName),
    )
  }

  /** Where those of these connections are that hear what they are sent; of a node that is gone, none does. */
  async #nodesOfLive(connections: readonly ConnectionRecord[]): Promise<readonly string[]> {
    const nodes = new Set(connections.filter(({ live }) => live).map(({ node }) => node))
    if (nodes.size === 0 || (nodes.size === 1 && nodes.has(this.#broker.nodes.id))) return [...nodes]
    const alive = await this.#broker.nodes.all()
    return alive.filter((node) => nodes.has(node))
  }
}

/** Channel → the connections by which the user is in it. */
function sharedBy({ connections }: UserRecord): Map<string, ConnectionRecord[]> {
  const shared = new Map<string, ConnectionRecord[]>()
  for (const connection of connections) {
    for (const name of connection.channels.keys()) shared.set(name, [...(shared.get(name) ?? []), connection])
  }
  return shared
}
