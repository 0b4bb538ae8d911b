import { closeCodes, HookboxError, type JsonText, type Position, type Published } from '@hookbox/protocol'
import type { Broker, ConnectionRecord, HistoryPiece, HistoryRange, Options, Stop } from '../broker/broker.ts'
import { userIdKey } from '../channel/id-key.ts'
import type { PollTarget } from '../channel/services.ts'
import type { Clock } from '../clock.ts'
import { insist } from '../insist.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import type { Signals } from '../signals/signals.ts'
import type { Soon } from '../soon.ts'
import type { Callbacks, Verdict } from '../webhooks/callbacks.ts'
import { ApplicationVerbs } from './application-verbs.ts'
import { type Background, createBackground } from './background.ts'
import { Channels } from './channels.ts'
import { Inboxes } from './inboxes.ts'
import { Memberships } from './memberships.ts'
import { Notes } from './notes.ts'
import { type NodeVerbs, OtherNodes } from './other-nodes.ts'
import { PrivateMessages } from './private-messages.ts'
import { Reconciliation } from './reconciliation.ts'
import { ServerPresence } from './server-presence.ts'
import { Takeover } from './takeover.ts'
import { Tellings } from './tellings.ts'
import { Tickets } from './tickets.ts'
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
  readonly signals: Signals
  /** Begins to poll for a channel. */
  poll(options: PollingOptions, target: PollTarget): Stop
  /** Makes a connection without a line of one that another node had: it lingers from now on. */
  takeOver(hub: Hub, record: ConnectionRecord): UserConnection
  /** What other nodes may have this one do besides what concerns users and channels. */
  readonly verbs: Omit<NodeVerbs, 'give' | 'remove' | 'share' | 'release' | 'disown' | 'putOutUser' | 'putOut'>
}

/** This node: the verbs that connections and REST use. Whoever calls them has been let in already. */
export class Hub {
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  readonly signals: Signals
  /** The pages that may come back without a question to the application. */
  readonly tickets: Tickets
  readonly inboxes: Inboxes
  readonly nodes: OtherNodes
  readonly memberships: Memberships
  readonly takeover: Takeover
  readonly reconciliation: Reconciliation
  readonly messages: PrivateMessages
  readonly application: ApplicationVerbs
  readonly #broker: Broker
  readonly #users = new Users()
  readonly #channels: Channels
  readonly #notes: Notes
  readonly #tellings: Tellings
  readonly #background: Background
  /** What users begin with. */
  #begins: { readonly options: UserOptions; readonly written: Options } | undefined
  #toldOfHiddenCookie = false
  #givenUp = 0
  #stopping = false

  constructor(parts: HubParts) {
    const { broker, callbacks, clock, log, signals } = parts
    this.callbacks = callbacks
    this.clock = clock
    this.log = log
    this.signals = signals
    this.#broker = broker
    const stopping = () => this.#stopping
    const nodes = () => this.nodes
    const background = createBackground(log, stopping)
    const notes = new Notes(broker, { background, stopping, failed: (id) => this.reconciliation.noteAgain(id) })
    const users = this.#users
    this.#background = background
    this.#notes = notes
    this.tickets = new Tickets(broker.users, clock)
    this.inboxes = new Inboxes(broker.messages, broker.users, signals, {
      changed: (user, options) => this.#optionsChanged(user, options),
      lost: (user) => this.#messagesLost(user),
    })
    const givenUp = () => {
      this.#givenUp++
    }
    this.#tellings = new Tellings({ broker, callbacks, clock, log, givenUp })
    const channels = new Channels({
      ...{ broker, callbacks, clock, log, signals, givenUp },
      obey: (user, caller, verdict) => this.memberships.obey(user, caller, verdict),
      noteEntering: (by, channelName, membership) => notes.entering(by, channelName, membership),
      note: (by, channelName, membership) => notes.membership(by, channelName, membership),
      noteDuty: (duty, due) => notes.duty(duty, due),
      removeElsewhere: (user, channelName) => this.memberships.removeElsewhere(user, channelName),
      serverPresence: new ServerPresence(broker.users, (err) => log.error({ err }, 'a user cannot be watched')),
      poll: parts.poll,
    })
    this.#channels = channels
    const common = { broker, users, channels, notes, background, nodes }
    this.memberships = new Memberships({ ...common, claim: (record) => this.takeover.claimOne(record) })
    const { memberships, inboxes } = this
    this.takeover = new Takeover({
      ...{ ...common, log, inboxes, stopping, tellings: this.#tellings },
      letIn: (...args) => memberships.letIn(...args),
      noted: (connectionId) => this.reconciliation.noted(connectionId),
      makeConnection: (record) => parts.takeOver(this, record),
    })
    this.reconciliation = new Reconciliation({ ...common, clock, stopping, takeover: this.takeover })
    const obey: Memberships['obey'] = (...args) => memberships.obey(...args)
    this.messages = new PrivateMessages({ broker, callbacks, clock, signals, users, obey })
    const { messages } = this
    this.application = new ApplicationVerbs({ broker, callbacks, channels, memberships, messages, nodes })
    this.nodes = new OtherNodes(broker, {
      ...memberships.verbs,
      ...this.takeover.verbs,
      ...this.reconciliation.verbs,
      ...this.#verbs,
      ...parts.verbs,
    })
  }

  /** This node's name. */
  get id(): string {
    return this.#broker.nodes.id
  }

  /** Webhooks that were given up since the start: the application did not hear of something it keeps records of. */
  get givenUp(): number {
    return this.#givenUp
  }

  /** How many there are here of what a node has. */
  census(): { users: number; channels: number; subscriptions: number } {
    let channels = 0
    let subscriptions = 0
    for (const channel of this.#channels.all()) {
      channels++
      subscriptions += channel.subscriptions
    }
    return { users: this.#users.count, channels, subscriptions }
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
      inherit: (estate) => this.takeover.inherit(estate),
      expelled: (fresh) => {
        this.takeover.expelled()
        tellFresh(fresh)
      },
      restore: () => this.#background('seeing to it that what is noted is true', () => this.reconciliation.run()),
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
    const { changes } = options
    const byDefault = this.#written(options.byDefault)
    const admitted = await this.#broker.users.enter(record, { byDefault, changes })
    return admitted.options === byDefault ? options.byDefault : readUserOptions(admitted.options)
  }

  /** The same object each time, as most users keep what they begin with. */
  #written(options: UserOptions): Options {
    if (this.#begins?.options !== options) this.#begins = { options, written: writeUserOptions(options) }
    return this.#begins.written
  }

  /** A page that was admitted has its user. `since`: where the page stands in the channels that it holds. */
  enter(connection: UserConnection, options: UserOptions, since: ReadonlyMap<string, Position>): void {
    this.#users.add(connection, options)
    for (const name of options.autoSubscribe)
      this.memberships.letIn(connection, name, connection.caller, since.get(name))
    this.memberships.share(connection.user, options, { connection, since })
  }

  /** The page that was admitted cannot come in after all. */
  async withdraw(connection: UserConnection, name: string): Promise<void> {
    this.inboxes.close(name, connection.id)
    // The application counts this user among those who are here.
    await this.#leaveHub(connection, name, [])
  }

  /**
   * A page is back by its ticket: it goes on as the connection that it had before. What the page asked for, it asks for again
   * by itself; what it was given, it is given again.
   */
  takeUp(connection: UserConnection, options: UserOptions, since: ReadonlyMap<string, Position>): void {
    const user = this.#users.add(connection, options)
    const lingering = user.brokenLines(connection)
    for (const oldest of lingering.slice(0, -maxLingering)) oldest.close(closeCodes.silent, 'too many broken lines')
    const restore = (name: string) => this.memberships.letIn(connection, name, connection.caller, since.get(name))
    const given = new Set(lingering.flatMap((one) => [...one.given]))
    for (const name of given) restore(name)
    for (const one of lingering) {
      // What it was about to be given when its line broke, it may have been given by then.
      Promise.allSettled(one.entering.values()).then(() => {
        for (const name of one.given) if (!given.has(name)) restore(name)
      })
    }
    this.memberships.share(user.name, options, { connection, since })
  }

  /** The page has left for good: nothing of it lingers any longer. */
  endLingering(connection: UserConnection): void {
    for (const before of this.#users.get(connection.user)?.brokenLines(connection) ?? []) {
      before.close(closeCodes.normal, 'disconnected')
    }
  }

  /** Its page is not to come back by its ticket. */
  voidTicket(connection: UserConnection): void {
    this.#background('voiding a ticket', () => this.tickets.void(connection.user, connection.id))
  }

  /** The application wants to be asked again about the connection at another time. */
  postponeTicket(connection: UserConnection, deadline: number | undefined): void {
    const { user, id } = connection
    this.#background('postponing the end of a ticket', () => this.tickets.postpone(user, id, deadline))
  }

  /** The connection's line has broken off: it lingers. */
  lingers(connection: UserConnection): void {
    this.#notes.connection(connection, { live: false })
  }

  /** A webhook has set cookies for the connection. */
  cookiesChanged(connection: UserConnection): void {
    this.#notes.connection(connection, { cookies: connection.caller.cookies })
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
    for (const name of verdict.autoSubscribe) this.memberships.letIn(connection, name, connection.caller)
    this.memberships.share(connection.user, readUserOptions(options))
    this.memberships.obey(connection.user, connection.caller, {
      autoSubscribe: [],
      autoUnsubscribe: verdict.autoUnsubscribe,
    })
  }

  /** A connection is gone for good: it leaves its channels, and after the last one of its user the application is told. */
  async leave(connection: UserConnection): Promise<void> {
    const { id, user: name } = connection
    this.inboxes.close(name, id)
    const channels = [...connection.channels]
    // Another node may have claimed it by now.
    const isOwn = await this.#insist(() => this.#broker.users.update(name, id, { live: false, ticket: null }))
    if (!isOwn) return this.takeover.forget(connection)
    const leaves = channels.map((channel) => this.#channels.get(channel)?.drop(connection))
    // Where it was about to enter, it is decided now that it does not; the application may have to be told of that too.
    for (const outcome of await Promise.allSettled([...leaves, ...connection.entering.values()])) {
      const isBug = outcome.status === 'rejected' && !(outcome.reason instanceof HookboxError)
      if (isBug) this.log.error({ connection: id, err: outcome.reason }, 'leaving a channel failed')
    }
    await this.#leaveHub(connection, name, channels)
  }

  /** One connection less; after the user's last one, which was in these channels, the application is told. */
  async #leaveHub(connection: UserConnection, name: string, channels: readonly string[]): Promise<void> {
    const { cookies, address } = connection.caller
    const going = await this.#tellings.prepareGone({ name, channels, cookies, address })
    const left = await this.#insist(() => this.#broker.users.leave(name, connection.id))
    this.#users.remove(connection)
    if (left === undefined) return
    if (left !== 'last') await going.dismiss()
    // Of a hub that stops, whoever inherits tells it.
    else if (!this.#stopping) await going.tell()
  }

  /** Until this node stops: then another one sees to it. */
  #insist<T>(task: () => Promise<T>): Promise<T | undefined> {
    return insist(task, { clock: this.clock, matters: () => !this.#stopping })
  }

  /** Whether a publish is stored in the order in which it comes: it does nothing before that which would have to be waited for. */
  publishesUnasked(channelName: string): boolean {
    return this.#channels.get(channelName)?.publishesUnasked === true
  }

  publish(
    connection: UserConnection,
    channelName: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Soon<Published> {
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
    return this.memberships.subscribed(connection, channelName).history(range)
  }

  /** A cookie was set that the browser cannot be told of. Said once: such an application does it at every page. */
  cookieHidden(): void {
    if (this.#toldOfHiddenCookie) return
    this.#toldOfHiddenCookie = true
    this.log.info('a reply set a cookie that script may not see: the hub sends it on, the browser cannot be told')
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

  /** What this node does for the others besides. */
  get #verbs(): Pick<NodeVerbs, 'putOutUser' | 'putOut'> {
    return {
      putOutUser: async ({ user }) => {
        for (const connection of [...(this.#users.get(user)?.connections.values() ?? [])]) putOut(connection)
        return null
      },
      putOut: async ({ connection: id }) => {
        const connection = this.#users.connection(id)
        if (connection) putOut(connection)
        return null
      },
    }
  }
}

function putOut(connection: UserConnection): void {
  connection.close(closeCodes.removed, 'removed by the application')
}
