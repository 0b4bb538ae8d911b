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
import type { Broker, HistoryPiece, HistoryRange, Stop } from '../broker/broker.ts'
import type { Channel, SavedChannel } from '../channel/channel.ts'
import { restIdKey, userIdKey } from '../channel/id-key.ts'
import type { ChannelServices, PollTarget } from '../channel/services.ts'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import { type Callbacks, type Caller, nobody, type Verdict } from '../webhooks/callbacks.ts'
import { type Persisting, persist } from '../webhooks/persist.ts'
import { Channels } from './channels.ts'
import { Inboxes } from './inboxes.ts'
import type { SavedConnection, SavedPiece } from './saved.ts'
import { SentMessages } from './sent-messages.ts'
import { ServerPresence } from './server-presence.ts'
import { Tickets } from './tickets.ts'
import {
  changeUserOptions,
  defaultUserOptions,
  type UserOptions,
  userOptionNames,
  writeUserOptions,
} from './user-options.ts'
import { type Going, type User, type UserConnection, Users } from './users.ts'

/** Broken lines of one page that may linger at a time; beyond it the oldest goes. */
const maxLingering = 16

const unknownLife: SavedChannel = { life: { kept: false, due: true }, initialData: [], leaves: [] }

/** What a hub is made of. */
export interface HubParts {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** Begins to poll for a channel. */
  poll(options: PollingOptions, target: PollTarget): Stop
}

/** This node: the verbs that connections and REST use. Whoever calls them has been let in already. */
export class Hub {
  readonly id: string = randomId()
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** The pages that may come back without a question to the application. */
  readonly tickets: Tickets
  readonly inboxes: Inboxes
  readonly #broker: Broker
  readonly #users = new Users()
  readonly #sent: SentMessages
  readonly #channels: Channels
  readonly #serverPresence = new ServerPresence((user) => this.#users.get(user) !== undefined)
  #toldOfHiddenCookie = false
  #telling: Persisting | undefined
  #givenUp = 0
  /** What the application had not heard when the hub was stopped. */
  #untold: readonly SavedPiece[] = []
  #stopping = false

  constructor(parts: HubParts) {
    this.callbacks = parts.callbacks
    this.clock = parts.clock
    this.log = parts.log
    this.#broker = parts.broker
    this.tickets = new Tickets(parts.clock)
    this.inboxes = new Inboxes(parts.broker.messages)
    this.#sent = new SentMessages(parts.clock)
    const services: Omit<ChannelServices, 'ended'> = {
      broker: parts.broker,
      callbacks: parts.callbacks,
      clock: parts.clock,
      log: parts.log,
      obey: (user, caller, verdict) => this.obey(user, caller, verdict),
      serverPresence: this.#serverPresence,
      poll: parts.poll,
      givenUp: this.#onGivenUp,
    }
    this.#channels = new Channels(services)
  }

  readonly #onGivenUp = (): void => {
    this.#givenUp++
  }

  /** Webhooks that were given up since the start: the application did not hear of something it keeps records of. */
  get givenUp(): number {
    return this.#givenUp
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** What a connection of this user begins with: the options that the user has already, or those given for all. */
  userOptions(name: string, byDefault: UserOptions): UserOptions {
    return this.#users.get(name)?.options ?? byDefault
  }

  /** A connection has got its user. `since`: where its page stands in the channels that it holds. */
  enter(connection: UserConnection, options: UserOptions, since: ReadonlyMap<string, Position>): void {
    const user = this.#users.add(connection, options)
    if (user.connections.size === 1) this.#serverPresence.changed(user.name)
    for (const name of options.autoSubscribe) this.#letIn(connection, name, connection.caller, since.get(name))
    this.#shareAll(user, { connection, since })
  }

  /**
   * A page is back by its ticket: it goes on as the connection that it had before. What the page asked for, it asks for again
   * by itself; what it was given, it is given again.
   */
  takeUp(connection: UserConnection, before: UserConnection, since: ReadonlyMap<string, Position>): void {
    before.superseded()
    const options = this.#users.get(before.user)?.options ?? defaultUserOptions
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
    this.#shareAll(user, { connection, since })
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

  /**
   * The application was asked again about a connection that it admitted before.
   *
   * @throws HookboxError `bad_request` naming the user option that is wrong
   */
  renew(connection: UserConnection, verdict: Verdict, details: { readonly [option: string]: unknown }): void {
    const user = this.#users.get(connection.user)
    if (!user) return
    user.options = changeUserOptions(user.options, details)
    for (const name of verdict.autoSubscribe) this.#letIn(connection, name, connection.caller)
    this.#shareAll(user)
    this.obey(user.name, connection.caller, { autoSubscribe: [], autoUnsubscribe: verdict.autoUnsubscribe })
  }

  /** A connection is gone for good: it leaves its channels, and after the last one of its user the application is told. */
  async leave(connection: UserConnection): Promise<void> {
    this.tickets.void(connection.id)
    this.inboxes.close(connection.user, connection.id)
    const channels = [...connection.channels]
    const leaves = channels.map((name) => this.#channels.get(name)?.drop(connection))
    // Where it was about to enter, it is decided now that it does not; the application may have to be told of that too.
    for (const outcome of await Promise.allSettled([...leaves, ...connection.entering.values()])) {
      const isBug = outcome.status === 'rejected' && !(outcome.reason instanceof HookboxError)
      if (isBug) this.log.error({ connection: connection.id, err: outcome.reason }, 'leaving a channel failed')
    }
    if (!this.#users.remove(connection)) return
    const name = connection.user
    this.#serverPresence.changed(name)
    if (this.#stopping) return
    await this.#tellGone({ name, channels, caller: connection.caller })
  }

  /** Lets a connection into a channel, which is made where it does not exist; the answer is `SUBSCRIBED` with this `id`. */
  async subscribe(connection: UserConnection, channelName: string, id: number, since?: Position): Promise<void> {
    await this.#enter(connection, channelName, () =>
      this.#channels.use(channelName, connection.caller, (channel) =>
        channel.subscribe(connection, { id, since, ask: true }),
      ),
    )
    connection.asked(channelName)
    this.#supersede(connection, channelName)
    const user = this.#users.get(connection.user)
    if (user) this.#shareAll(user)
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
  message(
    connection: UserConnection,
    recipient: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<boolean> {
    const { caller, user: sender } = connection
    return this.#sent.once(sender, messageId, async () => {
      if (this.#users.get(sender)?.options.moderatedMessage === false) {
        await this.#deliver(sender, recipient, payload)
        return
      }
      const recipientExists = this.#users.get(recipient) !== undefined
      const verdict = await this.callbacks.message(caller, { sender, recipient, recipientExists, payload, messageId })
      this.obey(sender, caller, verdict)
      if (!verdict.ok) throw verdict.error
      const { overrideRecipientName = recipient, overridePayload = payload } = verdict.details
      await this.#deliver(sender, overrideRecipientName, overridePayload)
    })
  }

  /** Lets a user enter and leave the channels that a verdict names. Not waited for: what was asked is answered first. */
  obey(userName: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void {
    for (const name of new Set(verdict.autoSubscribe)) {
      for (const connection of this.#users.get(userName)?.live ?? []) this.#letIn(connection, name, caller)
    }
    for (const name of verdict.autoUnsubscribe) {
      this.#inBackground(`auto_unsubscribe from ${JSON.stringify(name)}`, async () => {
        await this.#channels.get(name)?.remove(userName, 'removed')
      })
    }
  }

  /** The application publishes. @throws HookboxError `unknown_channel`, `too_large`, and with `sendHook` what the webhook says */
  async publishByApplication(
    channelName: string,
    publish: { payload: JsonText; originator: string | null; messageId: string | undefined; sendHook: boolean },
  ): Promise<Published> {
    const { payload, originator, messageId, sendHook } = publish
    return this.#channels.need(channelName).publish({
      payload,
      originator,
      caller: nobody,
      origin: undefined,
      messageId: messageId === undefined ? undefined : { id: messageId, key: restIdKey(messageId) },
      ask: sendHook ? 'always' : 'never',
    })
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
    const channel = this.#channels.need(channelName)
    this.#needUser(userName)
    let initialData: JsonText | undefined
    if (sendHook) {
      const verdict = await this.callbacks.subscribe(nobody, { channelName, user: userName })
      this.obey(userName, nobody, verdict)
      if (!verdict.ok) throw verdict.error
      initialData = verdict.details.initialData
      // It may be gone by now, or another one of the same name.
      if (this.#channels.need(channelName) !== channel) {
        throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channelName)} was destroyed meanwhile`)
      }
    }
    const entering = this.#needUser(userName)
      .live.filter((connection) => !channel.has(connection.id))
      .map((connection) => this.#enter(connection, channelName, () => this.#give(connection, channel, { initialData })))
    for (const outcome of await Promise.allSettled(entering)) {
      if (outcome.status === 'rejected') throw outcome.reason
    }
  }

  /** The application takes a user out, through all of its connections. */
  async unsubscribeUser(channelName: string, userName: string, sendHook: boolean): Promise<void> {
    const channel = this.#channels.need(channelName)
    if (!channel.hasUser(userName)) {
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
    await channel.remove(userName, 'removed')
  }

  /** @throws HookboxError `channel_exists`, `bad_request` */
  async createChannel(
    channelName: string,
    options: { readonly [option: string]: unknown },
    sendHook: boolean,
  ): Promise<void> {
    if (this.#channels.get(channelName)) {
      throw new HookboxError('channel_exists', `channel ${JSON.stringify(channelName)} exists already`)
    }
    if (!sendHook) return void (await this.#channels.create(channelName, options))
    const verdict = await this.callbacks.createChannel(nobody, { channelName })
    if (!verdict.ok) throw verdict.error
    await this.#channels.create(channelName, { ...verdict.details, ...options })
  }

  /** @throws HookboxError `unknown_channel`, and with `sendHook` what the webhook says */
  async destroyChannel(channelName: string, sendHook: boolean): Promise<void> {
    const channel = this.#channels.need(channelName)
    if (sendHook) {
      const verdict = await this.callbacks.destroyChannel({ channelName })
      if (!verdict.ok) throw verdict.error
    }
    await channel.destroy()
  }

  /** @throws HookboxError `unknown_channel`, `bad_request`, `too_large` */
  setChannelOptions(channelName: string, changes: { readonly [option: string]: unknown }): Promise<void> {
    return this.#channels.need(channelName).setOptions(changes)
  }

  /** @throws HookboxError `unknown_channel`, `bad_request`, `too_large` */
  setStateKey(channelName: string, key: string, value: JsonText): Promise<void> {
    return this.#channels.need(channelName).changeState({ updates: new Map([[key, value]]), deletes: [] })
  }

  /** @throws HookboxError `unknown_channel` */
  deleteStateKey(channelName: string, key: string): Promise<void> {
    return this.#channels.need(channelName).changeState({ updates: new Map(), deletes: [key] })
  }

  /** The application sends a private message; the sender need not be connected. Gives how many connections got it. */
  messageByApplication(sender: string, recipient: string, payload: JsonText): Promise<number> {
    return this.#deliver(sender, recipient, payload)
  }

  /** @throws HookboxError `unknown_user`, `bad_request` naming the option */
  setUserOptions(userName: string, changes: { readonly [option: string]: unknown }): void {
    const user = this.#needUser(userName)
    const unknown = Object.keys(changes).find((name) => !userOptionNames.includes(name))
    if (unknown !== undefined) {
      throw new HookboxError(
        'bad_request',
        `${unknown}: unknown user option; expected one of ${userOptionNames.join(', ')}`,
      )
    }
    user.options = changeUserOptions(user.options, changes)
    this.#shareAll(user)
  }

  /** A cookie was set that the browser cannot be told of. Said once: such an application does it at every page. */
  cookieHidden(): void {
    if (this.#toldOfHiddenCookie) return
    this.#toldOfHiddenCookie = true
    this.log.info('a reply set a cookie that script may not see: the hub sends it on, the browser cannot be told')
  }

  /** The application puts a user out: none of its pages comes back by itself. @throws HookboxError `unknown_user` */
  disconnectUser(userName: string): void {
    for (const connection of [...this.#needUser(userName).connections.values()]) this.#putOut(connection)
  }

  /** The same with one connection, by its id. @throws HookboxError `unknown_connection` */
  disconnect(connectionId: string): void {
    for (const user of this.#users.all()) {
      const connection = user.connections.get(connectionId)
      if (connection) return this.#putOut(connection)
    }
    throw new HookboxError('unknown_connection', `connection ${JSON.stringify(connectionId)} does not exist`)
  }

  channelInfo(channelName: string): ReturnType<Channel['info']> {
    return this.#channels.need(channelName).info()
  }

  /** What REST `get_user_info` shows. */
  userInfo(userName: string): {
    name: string
    channels: string[]
    connections: string[]
    options: { [name: string]: Json }
  } {
    const user = this.#needUser(userName)
    return {
      name: user.name,
      channels: channelsOf(user),
      connections: [...user.connections.keys()],
      options: writeUserOptions(user.options),
    }
  }

  /** What REST `get_server_info` shows. */
  info(): { channels: string[]; connections: string[]; users: string[] } {
    const users = [...this.#users.all()]
    return {
      channels: this.#channels.names(),
      connections: users.flatMap((user) => user.live.map((connection) => connection.id)),
      users: users.map((user) => user.name),
    }
  }

  /** The application may still count users of a hub before this one, none of whom is connected any more. */
  tellStarted(knownId?: string): void {
    const { callbacks, clock, log, id: node } = this
    const telling = persist((id) => callbacks.hubStarted({ node }, id), {
      clock,
      log,
      name: 'hub_started',
      onGivenUp: this.#onGivenUp,
      ...(knownId !== undefined && { newId: () => knownId }),
    })
    this.#telling = telling
    telling.outcome.then(() => {
      if (this.#telling === telling && !this.#stopping) this.#telling = undefined
    })
  }

  /** Nobody leaves because the hub does: pages come back to the next one, and the application is told nothing more. */
  stop(): void {
    if (this.#stopping) return
    this.#stopping = true
    // What is being told may not arrive: it is told again, under the same id.
    this.#untold = [...this.#tellings()]
    this.#telling?.drop()
    this.#users.stop(closeCodes.stopping, 'the hub is stopping')
    this.#channels.stop()
  }

  /** What there is besides the broker's content, of a hub that was stopped. */
  *save(): Generator<SavedPiece> {
    for (const user of this.#users.all()) {
      yield { kind: 'user', name: user.name, options: user.options }
      for (const connection of user.connections.values()) yield { kind: 'connection', ...this.#saved(connection) }
    }
    yield* this.#untold
    for (const sent of this.#sent.save()) yield { kind: 'sent', ...sent }
  }

  /**
   * Takes up what another hub saved, whose broker's content is there already: its users linger from now on.
   * `makeConnection` makes a connection that has no line.
   */
  async restore(
    pieces: readonly SavedPiece[],
    makeConnection: (saved: SavedConnection) => UserConnection,
  ): Promise<void> {
    const options = new Map<string, UserOptions>()
    const inside = new Map<string, UserConnection[]>()
    const lives = new Map<string, SavedChannel>()
    for (const piece of pieces) {
      if (piece.kind === 'user') options.set(piece.name, piece.options)
      else if (piece.kind === 'connection') {
        const connection = makeConnection(piece)
        this.#users.add(connection, options.get(piece.user) ?? defaultUserOptions)
        this.inboxes.attend(piece.user, connection)
        if (piece.ticket) this.tickets.add({ ...piece.ticket, connection })
        for (const name of piece.channels) inside.set(name, [...(inside.get(name) ?? []), connection])
      } else if (piece.kind === 'life') lives.set(piece.channel, piece)
      else if (piece.kind === 'sent') this.#sent.restore(piece)
      else if (piece.kind === 'started') this.tellStarted(piece.id)
      else this.#tellGone({ ...piece, caller: { ...piece, setCookies() {} } }, piece.id)
    }
    for (const name of await this.#broker.channels.names()) {
      const channel = await this.#channels.restore(name)
      channel.restore(lives.get(name) ?? unknownLife, inside.get(name) ?? [])
    }
  }

  *#tellings(): Generator<SavedPiece> {
    for (const channel of this.#channels.all()) yield { kind: 'life', channel: channel.name, ...channel.save() }
    for (const { name, channels, caller, telling } of this.#users.going()) {
      yield { kind: 'gone', id: telling.id, name, channels, cookies: caller.cookies, address: caller.address }
    }
    if (this.#telling) yield { kind: 'started', id: this.#telling.id }
  }

  #saved(connection: UserConnection): SavedConnection {
    const { id, pageId, user, channels, given, caller } = connection
    const ticket = this.tickets.of(connection)
    return {
      ...{ id, pageId, user, channels: [...channels], given: [...given] },
      cookies: caller.cookies,
      address: caller.address,
      ticket: ticket && {
        text: ticket.text,
        proof: ticket.proof,
        payload: ticket.payload,
        deadline: ticket.deadline,
      },
    }
  }

  async #tellGone(gone: Omit<Going, 'telling'>, knownId?: string): Promise<void> {
    const { callbacks, clock, log } = this
    const { name, channels, caller } = gone
    const telling = persist((id) => callbacks.disconnect(caller, { name, channels }, id), {
      clock,
      log,
      name: 'disconnect',
      onGivenUp: this.#onGivenUp,
      ...(knownId !== undefined && { newId: () => knownId }),
    })
    await this.#users.leaving({ ...gone, telling })
  }

  #putOut(connection: UserConnection): void {
    connection.close(closeCodes.removed, 'removed by the application')
  }

  /** A subscription that the page never asked for; it arrives as `SUBSCRIBED` with id 0. */
  #letIn(connection: UserConnection, channelName: string, caller: Caller, since?: Position): void {
    this.#inBackground(`auto_subscribe to ${JSON.stringify(channelName)}`, () =>
      this.#enter(connection, channelName, () =>
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

  /**
   * Where all connections of a user share each subscription, those that lack one are let in; one that has just come, from
   * where its page stands.
   */
  #shareAll(user: User, back?: { connection: UserConnection; since: ReadonlyMap<string, Position> }): void {
    if (user.options.perConnectionSubscriptions) return
    for (const [name, sharing] of sharedBy(user)) {
      const channel = this.#channels.get(name)
      for (const connection of user.live) {
        // What a page's broken line stood for, the page itself asks for again, or not.
        const isOwn = sharing.every((one) => !one.live && one.pageId === connection.pageId)
        if (!channel || isOwn || channel.has(connection.id)) continue
        const since = connection === back?.connection ? back.since.get(name) : undefined
        this.#inBackground(`sharing ${JSON.stringify(name)}`, () =>
          this.#enter(connection, name, () => this.#give(connection, channel, { since })),
        )
      }
    }
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
    const { messages } = this.#broker
    await messages.send(recipient, inside)
    const reflects = sender !== recipient && this.#users.get(sender)?.options.reflective
    if (reflects) await messages.send(sender, inside)
    return this.#users.get(recipient)?.live.length ?? 0
  }

  #subscribed(connection: UserConnection, channelName: string): Channel {
    const channel = this.#channels.get(channelName)
    if (channel && connection.channels.has(channelName)) return channel
    throw new HookboxError(
      'not_subscribed',
      `channel_name: expected a channel that this connection is in, got ${JSON.stringify(channelName)}`,
    )
  }

  #needUser(name: string): User {
    const user = this.#users.get(name)
    if (!user) throw new HookboxError('unknown_user', `user ${JSON.stringify(name)} is not connected`)
    return user
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

  #inBackground(what: string, task: () => Promise<void>): void {
    task().catch((error: unknown) => {
      if (error instanceof HookboxError) this.log.warn({ error: error.message, code: error.code }, `${what} failed`)
      else this.log.error({ err: error }, `${what} failed`)
    })
  }
}

/** Channel → the connections by which the user is in it. */
function sharedBy(user: User): Map<string, UserConnection[]> {
  const shared = new Map<string, UserConnection[]>()
  for (const connection of user.connections.values()) {
    for (const name of connection.channels) shared.set(name, [...(shared.get(name) ?? []), connection])
  }
  return shared
}

function channelsOf(user: User): string[] {
  return [...new Set([...user.connections.values()].flatMap((connection) => [...connection.channels]))]
}
