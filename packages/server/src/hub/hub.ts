import {
  closeCodes,
  exceeds,
  HookboxError,
  type Json,
  type JsonText,
  limits,
  members,
  type Position,
  type Published,
  toJsonText,
} from '@hookbox/protocol'
import type {
  Broker,
  ConnectionRecord,
  Estate,
  HistoryPiece,
  HistoryRange,
  Membership,
  Options,
  Stop,
  UserRecord,
} from '../broker/broker.ts'
import type { Channel } from '../channel/channel.ts'
import { restIdKey, userIdKey } from '../channel/id-key.ts'
import type { ChannelServices, Duty, PollTarget } from '../channel/services.ts'
import type { Subscriber } from '../channel/subscriber.ts'
import type { Clock } from '../clock.ts'
import { insist, isUnavailable } from '../insist.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import { type Callbacks, type Caller, nobody, type Verdict } from '../webhooks/callbacks.ts'
import { Channels } from './channels.ts'
import { Inboxes } from './inboxes.ts'
import { type NodeVerbs, OtherNodes } from './other-nodes.ts'
import { ServerPresence } from './server-presence.ts'
import { type Departure, Tellings } from './tellings.ts'
import { type Taken, Tickets } from './tickets.ts'
import { checkUserOptions, readUserOptions, type UserOptions, writeUserOptions } from './user-options.ts'
import { type UserConnection, Users } from './users.ts'

/** Broken lines of one page that may linger at a time; beyond it the oldest goes. */
const maxLingering = 16

/** What a hub is made of. */
export interface HubParts {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** Begins to poll for a channel. */
  poll(options: PollingOptions, target: PollTarget): Stop
  /** Makes a connection without a line of one that another node had: it lingers from now on. */
  takeOver(hub: Hub, record: ConnectionRecord): UserConnection
  /** What other nodes may have this one do besides what concerns users and channels. */
  readonly verbs: Pick<NodeVerbs, 'post' | 'read' | 'configure' | 'configuration'>
}

/** What a node notes for whoever inherits from it. */
type Note =
  | { readonly kind: 'duty'; readonly duty: Duty }
  | { readonly kind: 'gone'; readonly id: string; readonly departure: Departure }
  | { readonly kind: 'started'; readonly id: string }

/** This node: the verbs that connections and REST use. Whoever calls them has been let in already. */
export class Hub {
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** The pages that may come back without a question to the application. */
  readonly tickets: Tickets
  readonly inboxes: Inboxes
  readonly nodes: OtherNodes
  readonly #broker: Broker
  readonly #users = new Users()
  readonly #channels: Channels
  readonly #tellings: Tellings
  readonly #takeOver: HubParts['takeOver']
  /** What these are in could not be noted. */
  readonly #unnoted = new Set<UserConnection>()
  #toldOfHiddenCookie = false
  #givenUp = 0
  #stopping = false

  constructor(parts: HubParts) {
    const { broker, callbacks, clock, log } = parts
    this.callbacks = callbacks
    this.clock = clock
    this.log = log
    this.#broker = broker
    this.#takeOver = parts.takeOver
    this.tickets = new Tickets(broker.users, clock)
    this.inboxes = new Inboxes(broker.messages, broker.users, {
      changed: (user, options) => this.#optionsChanged(user, options),
      lost: (user) => this.#messagesLost(user),
    })
    const givenUp = () => {
      this.#givenUp++
    }
    this.#tellings = new Tellings({ broker, callbacks, clock, log, givenUp })
    const services: Omit<ChannelServices, 'ended'> = {
      ...{ broker, callbacks, clock, log, givenUp },
      obey: (user, caller, verdict) => this.obey(user, caller, verdict),
      note: (by, channelName, membership) => this.#noteMembership(by, channelName, membership),
      noteDuty: (duty, due) => this.#noteDuty(duty, due),
      removeElsewhere: (user, channelName) => this.#removeElsewhere(user, channelName),
      serverPresence: new ServerPresence(broker.users, (err) => log.error({ err }, 'a user cannot be watched')),
      poll: parts.poll,
    }
    this.#channels = new Channels(services)
    this.nodes = new OtherNodes(broker, { ...this.#verbs(), ...parts.verbs })
  }

  /** This node's name. */
  get id(): string {
    return this.#broker.nodes.id
  }

  /** Webhooks that were given up since the start: the application did not hear of something it keeps records of. */
  get givenUp(): number {
    return this.#givenUp
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /**
   * From here on this node is one of those that share the broker. Where nothing is known of any before it, the application is
   * told with `tellsApplication`.
   */
  async start(tellsApplication: boolean): Promise<void> {
    const tellFresh = (fresh: boolean) => {
      if (fresh && tellsApplication) this.#tellings.tellStarted(this.id)
    }
    const { fresh } = await this.#broker.nodes.start({
      inherit: (estate) => this.#inherit(estate),
      expelled: (fresh) => {
        this.#expelled()
        tellFresh(fresh)
      },
      restore: () => this.#inBackground('writing again what is here', () => this.#reassert()),
    })
    tellFresh(fresh)
  }

  /**
   * The application has admitted a page under this name: from now on it counts as one of the user's connections.
   *
   * @throws HookboxError `unavailable`
   */
  async admit(
    connection: UserConnection,
    user: string,
    options: { readonly byDefault: UserOptions; readonly changes: Options },
  ): Promise<UserOptions> {
    const { id, pageId, caller } = connection
    const record = { id, user, pageId, cookies: caller.cookies, address: caller.address }
    const { byDefault, changes } = options
    const admitted = await this.#broker.users.enter(record, { byDefault: writeUserOptions(byDefault), changes })
    return readUserOptions(admitted.options)
  }

  /** A page that was admitted has its user. `since`: where the page stands in the channels that it holds. */
  enter(connection: UserConnection, options: UserOptions, since: ReadonlyMap<string, Position>): void {
    this.#users.add(connection, options)
    for (const name of options.autoSubscribe) this.#letIn(connection, name, connection.caller, since.get(name))
    this.#share(connection.user, options, { connection, since })
  }

  /**
   * The connection that a ticket stands for, as this node's own. It lingers; where it was another node's, or of a node that
   * is gone, so do all others that the page had there. Undefined where it is gone.
   */
  async claim({ connection: record }: Taken): Promise<UserConnection | undefined> {
    const user = await this.#broker.users.find(record.user)
    const isOfPage = (one: ConnectionRecord) => one.pageId === record.pageId && one.node !== this.id
    await Promise.all((user?.connections ?? []).filter(isOfPage).map((one) => this.#claim(one)))
    const connection = this.#users.connection(record.id)
    connection?.superseded()
    return connection?.gone ? undefined : connection
  }

  /** The page that was admitted cannot come in after all. */
  async withdraw(connection: UserConnection, name: string): Promise<void> {
    this.inboxes.close(name, connection.id)
    const { cookies, address } = connection.caller
    if ((await this.#broker.users.leave(name, connection.id)) !== 'last' || this.#stopping) return
    // The application counts this user among those who are here.
    await this.#tellings.tellGone({ name, channels: [], cookies, address })
  }

  /**
   * A page is back by its ticket: it goes on as the connection that it had before. What the page asked for, it asks for again
   * by itself; what it was given, it is given again.
   */
  takeUp(connection: UserConnection, options: UserOptions, since: ReadonlyMap<string, Position>): void {
    const user = this.#users.add(connection, options)
    const lingering = user.brokenLines(connection)
    for (const oldest of lingering.slice(0, -maxLingering)) oldest.close(closeCodes.silent, 'too many broken lines')
    const restore = (name: string) => this.#letIn(connection, name, connection.caller, since.get(name))
    const given = new Set(lingering.flatMap((one) => [...one.given]))
    for (const name of given) restore(name)
    for (const { entering, given: later } of lingering) {
      // What it was about to be given when its line broke, it may have been given by then.
      Promise.allSettled(entering.values()).then(() => {
        for (const name of later) if (!given.has(name)) restore(name)
      })
    }
    this.#share(user.name, options, { connection, since })
  }

  /**
   * A page that is back holds a channel, and leaves it to the hub to restore it: it is told where that did not happen, as the
   * application took it away meanwhile, or nothing is known of it any more.
   */
  async confirm(connection: UserConnection, channelName: string): Promise<void> {
    await connection.entering.get(channelName)?.catch(() => {})
    if (connection.live && !connection.channels.has(channelName)) connection.putOut(channelName, 'removed')
  }

  /** The page has left for good: nothing of it lingers any longer. */
  endLingering(connection: UserConnection): void {
    for (const before of this.#users.get(connection.user)?.brokenLines(connection) ?? []) {
      before.close(closeCodes.normal, 'disconnected')
    }
  }

  /** Its page is not to come back by its ticket. */
  voidTicket(connection: UserConnection): void {
    this.#inBackground('voiding a ticket', () => this.tickets.void(connection.user, connection.id))
  }

  /** The application wants to be asked again about the connection at another time. */
  postponeTicket(connection: UserConnection, deadline: number | undefined): void {
    const { user, id } = connection
    this.#inBackground('postponing the end of a ticket', () => this.tickets.postpone(user, id, deadline))
  }

  /** The connection's line has broken off: it lingers. */
  lingers(connection: UserConnection): void {
    this.#note(connection, { live: false })
  }

  /** A webhook has set cookies for the connection. */
  cookiesChanged(connection: UserConnection): void {
    this.#note(connection, { cookies: connection.caller.cookies })
  }

  /**
   * The application was asked again about a connection that it admitted before.
   *
   * @throws HookboxError `bad_request` naming the user option that is wrong; `unavailable`
   */
  async renew(
    connection: UserConnection,
    verdict: Verdict,
    details: { readonly [option: string]: unknown },
  ): Promise<void> {
    const changes = checkUserOptions(details)
    const options = await this.#broker.users.changeOptions(connection.user, changes)
    if (!options) return
    for (const name of verdict.autoSubscribe) this.#letIn(connection, name, connection.caller)
    this.#share(connection.user, readUserOptions(options))
    this.obey(connection.user, connection.caller, { autoSubscribe: [], autoUnsubscribe: verdict.autoUnsubscribe })
  }

  /** A connection is gone for good: it leaves its channels, and after the last one of its user the application is told. */
  async leave(connection: UserConnection): Promise<void> {
    const { id, user: name, caller } = connection
    this.inboxes.close(name, id)
    const channels = [...connection.channels]
    // Another node may have claimed it by now.
    const over = () => this.#broker.users.update(name, id, { live: false, ticket: null })
    const isOwn = await this.#insist(over)
    if (!isOwn) return this.#forget(connection)
    const leaves = channels.map((channel) => this.#channels.get(channel)?.drop(connection))
    // Where it was about to enter, it is decided now that it does not; the application may have to be told of that too.
    for (const outcome of await Promise.allSettled([...leaves, ...connection.entering.values()])) {
      const isBug = outcome.status === 'rejected' && !(outcome.reason instanceof HookboxError)
      if (isBug) this.log.error({ connection: id, err: outcome.reason }, 'leaving a channel failed')
    }
    const left = await this.#insist(() => this.#broker.users.leave(name, id))
    this.#users.remove(connection)
    if (left !== 'last' || this.#stopping) return
    await this.#tellings.tellGone({ name, channels, cookies: caller.cookies, address: caller.address })
  }

  /** Lets a connection into a channel, which is made where it does not exist; the answer is `SUBSCRIBED` with this `id`. */
  async subscribe(connection: UserConnection, channelName: string, id: number, since?: Position): Promise<void> {
    await this.#enter(connection, channelName, () =>
      this.#channels.use(channelName, connection.caller, (channel) =>
        channel.subscribe(connection, { id, since, ask: true }),
      ),
    )
    if (connection.given.has(channelName)) this.#noteMembership(connection, channelName, 'asked')
    connection.asked(channelName)
    this.#supersede(connection, channelName)
    const user = this.#users.get(connection.user)
    if (user) this.#share(user.name, user.options)
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
    const channel = this.#subscribed(leaving, channelName)
    await Promise.all(others.map((other) => channel.drop(other)))
    await channel.unsubscribe(leaving, everywhere, out)
  }

  async publish(
    connection: UserConnection,
    channelName: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<Published> {
    return this.#channels.use(channelName, connection.caller, (channel) =>
      channel.publish({
        payload,
        originator: connection.user,
        caller: connection.caller,
        origin: connection,
        messageId: messageId === undefined ? undefined : { id: messageId, key: userIdKey(connection.user, messageId) },
        ask: 'as options say',
      }),
    )
  }

  history(connection: UserConnection, channelName: string, range: HistoryRange): Promise<HistoryPiece> {
    return this.#subscribed(connection, channelName).history(range)
  }

  /** A page sends a private message. True when it was sent before, and so not sent again. */
  async message(
    connection: UserConnection,
    recipient: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<boolean> {
    if (messageId === undefined) {
      await this.#askAndDeliver(connection, recipient, payload, messageId)
      return false
    }
    const { leases, messages } = this.#broker
    // A repeat of one under way waits for its outcome.
    const lease = await leases.wait({ of: 'message', user: connection.user, id: messageId })
    try {
      if (await messages.wasSent(connection.user, messageId)) return true
      await this.#askAndDeliver(connection, recipient, payload, messageId)
      await messages.sent(connection.user, messageId)
      return false
    } finally {
      await lease.release()
    }
  }

  /** Lets a user enter and leave the channels that a verdict names. Not waited for: what was asked is answered first. */
  obey(userName: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void {
    for (const name of new Set(verdict.autoSubscribe)) {
      this.#inBackground(`auto_subscribe to ${JSON.stringify(name)}`, () =>
        this.#channels.use(name, caller, () => this.#giveAll(name, userName)),
      )
    }
    for (const name of verdict.autoUnsubscribe) {
      this.#inBackground(`auto_unsubscribe from ${JSON.stringify(name)}`, () => this.#removeAll(name, userName))
    }
  }

  /** The application publishes. @throws HookboxError `unknown_channel`, `too_large`, and with `sendHook` what the webhook says */
  async publishByApplication(
    channelName: string,
    publish: { payload: JsonText; originator: string | null; messageId: string | undefined; sendHook: boolean },
  ): Promise<Published> {
    const { payload, originator, messageId, sendHook } = publish
    return this.#channels.with(channelName, (channel) =>
      channel.publish({
        payload,
        originator,
        caller: nobody,
        origin: undefined,
        messageId: messageId === undefined ? undefined : { id: messageId, key: restIdKey(messageId) },
        ask: sendHook ? 'always' : 'never',
      }),
    )
  }

  /** The application publishes into many channels; those that do not exist are passed over. */
  async publishToMany(
    channelNames: readonly string[],
    publish: { payload: JsonText; originator: string | null },
  ): Promise<void> {
    const publishing = { ...publish, messageId: undefined, sendHook: false }
    const outcomes = await Promise.allSettled(channelNames.map((name) => this.publishByApplication(name, publishing)))
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') continue
      const missing = outcome.reason instanceof HookboxError && outcome.reason.code === 'unknown_channel'
      if (!missing) throw outcome.reason
    }
  }

  /** The application lets a user in, through all connections that it has at the moment. */
  async subscribeUser(channelName: string, userName: string, sendHook: boolean): Promise<void> {
    await this.#channels.with(channelName, async (channel) => {
      await this.#needUser(userName)
      let initialData: JsonText | undefined
      if (sendHook) {
        const verdict = await this.callbacks.subscribe(nobody, { channelName, user: userName })
        this.obey(userName, nobody, verdict)
        if (!verdict.ok) throw verdict.error
        initialData = verdict.details.initialData
        await this.#needUser(userName)
        // It may be gone by now, or another one of the same name.
        if (channel.life.gone) {
          throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channelName)} was destroyed meanwhile`)
        }
      }
      await this.#giveAll(channelName, userName, initialData)
    })
  }

  /** The application takes a user out, through all of its connections. */
  async unsubscribeUser(channelName: string, userName: string, sendHook: boolean): Promise<void> {
    await this.#channels.with(channelName, async () => {
      const { connections } = await this.#broker.presence.find(channelName, userName)
      if (connections.length === 0) {
        throw new HookboxError(
          'unknown_user',
          `user ${JSON.stringify(userName)} is not in ${JSON.stringify(channelName)}`,
        )
      }
      if (sendHook) {
        const verdict = await this.callbacks.unsubscribe(nobody, { channelName, user: userName })
        this.obey(userName, nobody, verdict)
        if (!verdict.ok) throw verdict.error
      }
      await this.#removeAll(channelName, userName)
    })
  }

  /** @throws HookboxError `channel_exists`, `bad_request` */
  async createChannel(
    channelName: string,
    options: { readonly [option: string]: unknown },
    sendHook: boolean,
  ): Promise<void> {
    if (await this.#channels.exists(channelName)) {
      throw new HookboxError('channel_exists', `channel ${JSON.stringify(channelName)} exists already`)
    }
    if (!sendHook) return this.#channels.create(channelName, options)
    const verdict = await this.callbacks.createChannel(nobody, { channelName })
    if (!verdict.ok) throw verdict.error
    await this.#channels.create(channelName, { ...verdict.details, ...options })
  }

  /** @throws HookboxError `unknown_channel`, and with `sendHook` what the webhook says */
  async destroyChannel(channelName: string, sendHook: boolean): Promise<void> {
    await this.#channels.with(channelName, async () => {
      if (sendHook) {
        const verdict = await this.callbacks.destroyChannel({ channelName })
        if (!verdict.ok) throw verdict.error
      }
      await this.#broker.channels.remove(channelName)
    })
  }

  /** @throws HookboxError `unknown_channel`, `bad_request`, `too_large` */
  setChannelOptions(channelName: string, changes: { readonly [option: string]: unknown }): Promise<void> {
    return this.#channels.with(channelName, (channel) => channel.setOptions(changes))
  }

  /** @throws HookboxError `unknown_channel`, `bad_request`, `too_large` */
  setStateKey(channelName: string, key: string, value: JsonText): Promise<void> {
    const change = { updates: new Map([[key, value]]), deletes: [] }
    return this.#channels.with(channelName, (channel) => channel.changeState(change))
  }

  /** @throws HookboxError `unknown_channel` */
  deleteStateKey(channelName: string, key: string): Promise<void> {
    return this.#channels.with(channelName, (channel) => channel.changeState({ updates: new Map(), deletes: [key] }))
  }

  /** The application sends a private message; the sender need not be connected. Gives how many connections got it. */
  messageByApplication(sender: string, recipient: string, payload: JsonText): Promise<number> {
    return this.#deliver(sender, recipient, payload)
  }

  /** @throws HookboxError `unknown_user`, `bad_request` naming the option */
  async setUserOptions(userName: string, changes: { readonly [option: string]: unknown }): Promise<void> {
    const { connections } = await this.#needUser(userName)
    const changed = await this.#broker.users.changeOptions(userName, checkUserOptions(changes, 'none other'))
    if (!changed) throw unknownUser(userName)
    await this.#shareEverywhere(userName, readUserOptions(changed), connections)
  }

  /** A cookie was set that the browser cannot be told of. Said once: such an application does it at every page. */
  cookieHidden(): void {
    if (this.#toldOfHiddenCookie) return
    this.#toldOfHiddenCookie = true
    this.log.info('a reply set a cookie that script may not see: the hub sends it on, the browser cannot be told')
  }

  /** The application puts a user out: none of its pages comes back by itself. @throws HookboxError `unknown_user` */
  async disconnectUser(userName: string): Promise<void> {
    const { connections } = await this.#needUser(userName)
    await this.#reach(connections, (nodes) => this.nodes.askAll(nodes, 'putOutUser', { user: userName }))
  }

  /** The same with one connection, by its id. @throws HookboxError `unknown_connection` */
  async disconnect(connectionId: string): Promise<void> {
    const found = await this.#broker.users.locate(connectionId)
    if (!found) {
      throw new HookboxError('unknown_connection', `connection ${JSON.stringify(connectionId)} does not exist`)
    }
    await this.#reach([found], (nodes) => this.nodes.askAll(nodes, 'putOut', { connection: connectionId }))
  }

  channelInfo(channelName: string): ReturnType<Channel['info']> {
    return this.#channels.with(channelName, (channel) => channel.info())
  }

  /** What REST `get_user_info` shows. */
  async userInfo(userName: string): Promise<{
    name: string
    channels: string[]
    connections: string[]
    options: { [name: string]: Json }
  }> {
    const { name, connections, options } = await this.#needUser(userName)
    return {
      name,
      channels: [...new Set(connections.flatMap(({ channels }) => [...channels.keys()]))],
      connections: connections.map(({ id }) => id),
      options: writeUserOptions(readUserOptions(options)),
    }
  }

  /** What REST `get_server_info` shows, of all nodes together. */
  async info(): Promise<{ channels: string[]; connections: string[]; users: string[] }> {
    const { channels, users } = this.#broker
    const [names, all] = await Promise.all([channels.names(), users.all()])
    return { channels: names, ...all }
  }

  /** Nobody leaves because the hub does: pages come back to the next one, or to another node, and the application is told nothing more. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#tellings.stop()
    for (const connection of this.#users.connections()) {
      if (!connection.live) connection.close(closeCodes.stopping, 'the hub is stopping')
    }
    this.#channels.stop()
  }

  #verbs(): Omit<NodeVerbs, keyof HubParts['verbs']> {
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
      putOutUser: async ({ user }) => {
        for (const connection of [...(this.#users.get(user)?.connections.values() ?? [])]) putOut(connection)
        return null
      },
      putOut: async ({ connection: id }) => {
        const connection = this.#users.connection(id)
        if (connection) putOut(connection)
        return null
      },
      release: async ({ connection: id }) => {
        const connection = this.#users.connection(id)
        if (!connection) return []
        const promised = [...connection.promised]
        connection.released(closeCodes.silent, 'the page is back on another line')
        await Promise.allSettled(connection.entering.values())
        this.#forget(connection)
        return promised
      },
    }
  }

  // Taking over from other nodes

  async #inherit({ connections, notes }: Estate): Promise<void> {
    if (this.#stopping) throw new HookboxError('unavailable', 'the hub is stopping')
    const claims = connections.map(async ({ user, id }) => {
      const record = await this.#broker.users.claim(user, id)
      if (record) await this.#restore(record)
    })
    await Promise.all(claims)
    await Promise.all([...notes.values()].map((note) => this.#inheritNote(note as unknown as Note)))
  }

  async #inheritNote(note: Note): Promise<void> {
    if (note.kind === 'gone') {
      await this.#tellings.inheritGone(note.departure, note.id)
      return
    }
    if (note.kind === 'started') {
      // Told until it is heard; what counts here is that this node has begun.
      this.#tellings.tellStarted(this.id, note.id)
      return
    }
    const { duty } = note
    // Whoever opens a channel that is polled for waits for its turn to poll.
    const channel = await this.#channels.find(duty.channel)
    if (duty.of === 'offer') channel?.life.offerLater()
    else if (duty.of === 'leave') await channel?.tellOwed(duty.user)
  }

  /** A connection is this node's from now on: it lingers here, wherever it was. */
  async #restore(record: ConnectionRecord): Promise<UserConnection> {
    const found = await this.#broker.users.find(record.user)
    const connection = this.#takeOver(this, record)
    this.#users.add(connection, readUserOptions(found?.options ?? {}))
    this.inboxes.attend(record.user, connection)
    this.#note(connection, { live: false })
    await Promise.all(
      [...record.channels].map(async ([name, membership]) => {
        const channel = await this.#channels.find(name)
        if (channel) await channel.life.using(() => channel.restore(connection))
        else this.#noteMembership(connection, name, null)
        if (membership === 'given') connection.gave(name)
      }),
    )
    return connection
  }

  async #claim({ user, id, node }: ConnectionRecord): Promise<void> {
    const record = await this.#broker.users.claim(user, id)
    if (!record) return
    const connection = await this.#restore(record)
    // Its page need not wait for the other node, which may be gone.
    this.#inBackground('hearing what the page was about to be given', async () => {
      const pending = await this.nodes.ask(node, 'release', { connection: id }).catch((err: unknown) => {
        // That node is gone, or will find out by itself that the connection is not its own any more.
        this.log.debug({ connection: id, node, err }, 'a connection was taken over from a node that does not answer')
        return []
      })
      const back = this.#users.get(user)?.live.find(({ pageId }) => pageId === connection.pageId)
      const taker = back ?? connection
      for (const name of pending) if (!taker.gone) this.#letIn(taker, name, taker.caller)
    })
  }

  /** The connection is another node's by now. */
  #forget(connection: UserConnection): void {
    this.inboxes.close(connection.user, connection.id)
    for (const name of [...connection.channels]) this.#channels.get(name)?.forget(connection)
    this.#users.remove(connection)
  }

  /** The others count this node's connections as gone, or their own as well: pages come back, and everything is asked anew. */
  #expelled(): void {
    this.log.warn(
      { node: this.id },
      'this node begins anew: the others had taken it for dead, or what they share was lost',
    )
    for (const connection of [...this.#users.connections()]) {
      connection.released(closeCodes.stopping, 'the hub begins anew')
      this.#forget(connection)
    }
    this.#channels.clear()
    this.#tellings.handOver()
  }

  /** What the broker may have lost is written again, and what it may have brought back is taken away. */
  async #reassert(): Promise<void> {
    await Promise.all([...this.#users.connections()].map((connection) => this.#reassertOne(connection)))
  }

  async #reassertOne(connection: UserConnection): Promise<void> {
    const { id, user, pageId, caller, live, channels, given } = connection
    const { users } = this.#broker
    const known = (await users.find(user))?.connections.find((one) => one.id === id)
    if (known && known.node !== this.id) return this.#forget(connection)
    if (!known) {
      const byDefault = writeUserOptions(this.#users.get(user)?.options ?? readUserOptions({}))
      const record = { id, user, pageId, cookies: caller.cookies, address: caller.address }
      await users.enter(record, { byDefault, changes: {} })
    }
    const held = [...channels].map((name) => [name, given.has(name) ? 'given' : 'asked'] as const)
    await users.update(user, id, { live, cookies: caller.cookies, channels: new Map(held) })
    await Promise.all(held.map(([name]) => this.#channels.get(name)?.reassert(connection)))
    for (const name of known?.channels.keys() ?? []) {
      if (channels.has(name) || connection.entering.has(name)) continue
      await (await this.#channels.find(name))?.retract(user, id)
      this.#noteMembership(connection, name, null)
    }
  }

  // Users

  #optionsChanged(userName: string, options: Options): void {
    const user = this.#users.get(userName)
    if (user) user.options = readUserOptions(options)
  }

  /** Their pages come back, and are told that there is a gap. */
  #messagesLost(userName: string): void {
    for (const connection of this.#users.get(userName)?.live ?? []) {
      connection.close(closeCodes.stopping, 'private messages may be lost')
    }
  }

  async #needUser(name: string): Promise<UserRecord> {
    const user = await this.#broker.users.find(name)
    if (!user) throw unknownUser(name)
    return user
  }

  /** Lets a user into a channel that exists, through all connections on all nodes. */
  async #giveAll(channelName: string, userName: string, initialData?: JsonText): Promise<void> {
    const user = await this.#broker.users.find(userName)
    const nodes = await this.#nodesOfLive(user?.connections ?? [])
    const args = { channel: channelName, user: userName, ...(initialData !== undefined && { initialData }) }
    await this.nodes.askAll(nodes, 'give', args)
  }

  /** Takes a user out of a channel, through all connections on all nodes. */
  async #removeAll(channelName: string, userName: string): Promise<void> {
    const inside = await this.#inside(channelName, userName)
    const args = { channel: channelName, user: userName, reason: 'removed' } as const
    await this.#reach(inside, (nodes) => this.nodes.askAll(nodes, 'remove', args))
  }

  /** The user leaves, and so do its connections on other nodes. */
  async #removeElsewhere(userName: string, channelName: string): Promise<void> {
    const elsewhere = (await this.#inside(channelName, userName)).filter(({ node }) => node !== this.id)
    const args = { channel: channelName, user: userName, reason: 'unsubscribed' } as const
    await this.#reach(elsewhere, (nodes) => this.nodes.askAll(nodes, 'remove', args))
  }

  async #inside(channelName: string, userName: string): Promise<readonly ConnectionRecord[]> {
    const user = await this.#broker.users.find(userName)
    return (user?.connections ?? []).filter(({ channels }) => channels.has(channelName))
  }

  /** Where those of these connections are that hear what they are sent; of a node that is gone, none does. */
  async #nodesOfLive(connections: readonly ConnectionRecord[]): Promise<readonly string[]> {
    const nodes = new Set(connections.filter(({ live }) => live).map(({ node }) => node))
    if (nodes.size === 0 || (nodes.size === 1 && nodes.has(this.id))) return [...nodes]
    const alive = await this.#broker.nodes.all()
    return alive.filter((node) => nodes.has(node))
  }

  /** Has the nodes of these connections do something. Those of a node that is gone are taken over before. */
  async #reach(
    connections: readonly ConnectionRecord[],
    ask: (nodes: readonly string[]) => Promise<void>,
  ): Promise<void> {
    const alive = new Set(await this.#broker.nodes.all())
    const orphans = connections.filter(({ node }) => !alive.has(node))
    await Promise.all(orphans.map((one) => this.#claim(one)))
    const nodes = connections.map(({ node }) => (alive.has(node) ? node : this.id))
    await ask(nodes)
  }

  /**
   * Where all connections of a user share each subscription, those that lack one are let in; one that has just come, from
   * where its page stands.
   */
  #share(
    userName: string,
    options: UserOptions,
    back?: { connection: UserConnection; since: ReadonlyMap<string, Position> },
  ): void {
    if (options.perConnectionSubscriptions) return
    this.#inBackground(`sharing what ${JSON.stringify(userName)} is in`, async () => {
      if (back) await this.#shareHere(userName, back)
      const user = await this.#broker.users.find(userName)
      await this.#shareEverywhere(userName, options, user?.connections ?? [])
    })
  }

  async #shareEverywhere(
    userName: string,
    options: UserOptions,
    connections: readonly ConnectionRecord[],
  ): Promise<void> {
    if (options.perConnectionSubscriptions) return
    await this.nodes.askAll(await this.#nodesOfLive(connections), 'share', { user: userName })
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
        this.#inBackground(`sharing ${JSON.stringify(name)}`, () =>
          this.#enterGiven(connection, name, () =>
            this.#channels.with(name, async (channel) => {
              if (!connection.gone && !channel.has(connection.id)) await this.#give(connection, channel, { since })
            }),
          ),
        )
      }
    }
  }

  // Channels

  /** A subscription that the page never asked for; it arrives as `SUBSCRIBED` with id 0. */
  #letIn(connection: UserConnection, channelName: string, caller: Caller, since?: Position): void {
    this.#inBackground(`auto_subscribe to ${JSON.stringify(channelName)}`, () =>
      this.#enterGiven(connection, channelName, () =>
        this.#channels.use(channelName, caller, async (channel) => {
          if (!connection.gone && !channel.has(connection.id)) await this.#give(connection, channel, { since })
        }),
      ),
    )
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
      this.#inBackground(`leaving ${JSON.stringify(channelName)} behind`, async () => {
        await channel?.drop(before)
        if (before.channels.size === 0 && before.entering.size === 0) before.close(closeCodes.normal, 'taken up')
      })
    }
  }

  async #askAndDeliver(
    connection: UserConnection,
    recipient: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<void> {
    const { caller, user: sender } = connection
    if (this.#users.get(sender)?.options.moderatedMessage === false) {
      await this.#deliver(sender, recipient, payload)
      return
    }
    const [recipientExists = false] = await this.#broker.users.areHere([recipient])
    const verdict = await this.callbacks.message(caller, { sender, recipient, recipientExists, payload, messageId })
    this.obey(sender, caller, verdict)
    if (!verdict.ok) throw verdict.error
    const { overrideRecipientName = recipient, overridePayload = payload } = verdict.details
    await this.#deliver(sender, overrideRecipientName, overridePayload)
  }

  async #deliver(sender: string, recipient: string, payload: JsonText): Promise<number> {
    const inside = members({
      sender: toJsonText(sender),
      recipient: toJsonText(recipient),
      payload,
      datetime: toJsonText(new Date(this.clock.now()).toISOString()),
    })
    if (exceeds(inside, limits.frame)) {
      throw new HookboxError('too_large', `payload: expected a message of at most ${limits.frame} bytes`)
    }
    const { messages, users } = this.#broker
    await messages.send(recipient, inside)
    const reflecting = sender === recipient ? undefined : await users.find(sender)
    if (reflecting && readUserOptions(reflecting.options).reflective) await messages.send(sender, inside)
    const recipients = (await users.find(recipient))?.connections ?? []
    return recipients.filter(({ live }) => live).length
  }

  #subscribed(connection: UserConnection, channelName: string): Channel {
    const channel = this.#channels.get(channelName)
    if (channel && connection.channels.has(channelName)) return channel
    throw new HookboxError(
      'not_subscribed',
      `channel_name: expected a channel that this connection is in, got ${JSON.stringify(channelName)}`,
    )
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
    entering.set(channelName, Promise.resolve())
    const decided = enter()
    entering.set(channelName, decided)
    try {
      return await decided
    } finally {
      entering.delete(channelName)
    }
  }

  /** The same with what the page never asked for: where the connection becomes another node's meanwhile, it is given it there. */
  async #enterGiven(connection: UserConnection, channelName: string, enter: () => Promise<void>): Promise<void> {
    connection.promised.add(channelName)
    try {
      await this.#enter(connection, channelName, enter)
    } finally {
      connection.promised.delete(channelName)
    }
  }

  // Notes for others

  #noteMembership(by: Pick<Subscriber, 'id' | 'user'>, channelName: string, membership: Membership | null): void {
    this.#note(by, { channels: new Map([[channelName, membership]]) })
  }

  #note(by: Pick<Subscriber, 'id' | 'user'>, change: Parameters<Broker['users']['update']>[2]): void {
    this.#inBackground('noting what a connection is', async () => {
      try {
        await this.#broker.users.update(by.user, by.id, change)
      } catch (error) {
        const connection = this.#users.get(by.user)?.connections.get(by.id)
        if (!connection || this.#stopping || !isUnavailable(error)) throw error
        await this.#noteAgain(connection)
      }
    })
  }

  /** Whoever inherits from this node has to know what the connection is in: it is written once more, all of it. */
  async #noteAgain(connection: UserConnection): Promise<void> {
    if (this.#unnoted.has(connection)) return
    this.#unnoted.add(connection)
    const { user, id } = connection
    const isHere = () => !connection.gone && this.#users.get(user)?.connections.get(id) === connection
    const note = async () => {
      // What cannot be noted from here on begins this anew.
      this.#unnoted.delete(connection)
      try {
        await this.#reassertOne(connection)
      } catch (error) {
        this.#unnoted.add(connection)
        throw error
      }
    }
    try {
      await insist(note, { clock: this.clock, matters: () => !this.#stopping && isHere() })
    } finally {
      this.#unnoted.delete(connection)
    }
  }

  #noteDuty(duty: Duty, due: boolean): void {
    // What this node saw to until it stopped, its heir is to see to.
    if (this.#stopping && !due) return
    const key = JSON.stringify(Object.values(duty))
    const note: Note = { kind: 'duty', duty }
    this.#inBackground('noting what is to be done', () =>
      this.#broker.nodes.note(key, due ? (note as unknown as Json) : null),
    )
  }

  /** Until this node stops: then another one sees to it. */
  #insist<T>(task: () => Promise<T>): Promise<T | undefined> {
    return insist(task, { clock: this.clock, matters: () => !this.#stopping })
  }

  #inBackground(what: string, task: () => Promise<void>): void {
    task().catch((error: unknown) => {
      // A hub that stops has nothing more to see to: whoever inherits has.
      if (this.#stopping && error instanceof HookboxError) return
      if (error instanceof HookboxError) this.log.warn({ error: error.message, code: error.code }, `${what} failed`)
      else this.log.error({ err: error }, `${what} failed`)
    })
  }
}

function putOut(connection: UserConnection): void {
  connection.close(closeCodes.removed, 'removed by the application')
}

/** Channel → the connections by which the user is in it. */
function sharedBy({ connections }: UserRecord): Map<string, ConnectionRecord[]> {
  const shared = new Map<string, ConnectionRecord[]>()
  for (const connection of connections) {
    for (const name of connection.channels.keys()) shared.set(name, [...(shared.get(name) ?? []), connection])
  }
  return shared
}

function unknownUser(name: string): HookboxError {
  return new HookboxError('unknown_user', `user ${JSON.stringify(name)} is not connected`)
}
