import {
  closeCodes,
  HookboxError,
  type Json,
  type JsonText,
  limits,
  members,
  type Position,
  type Published,
  spliceFrame,
  toJsonText,
} from '@hookbox/protocol'
import type { Broker, HistoryPiece, HistoryRange, Stop } from '../broker/broker.ts'
import type { Channel } from '../channel/channel.ts'
import { restIdKey, userIdKey } from '../channel/id-key.ts'
import type { ChannelServices, PollTarget } from '../channel/services.ts'
import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import { type Callbacks, type Caller, nobody, type Verdict } from '../webhooks/callbacks.ts'
import { persist } from '../webhooks/persist.ts'
import { Channels } from './channels.ts'
import { changeUserOptions, type UserOptions, userOptionNames, writeUserOptions } from './user-options.ts'
import { type User, type UserConnection, Users } from './users.ts'

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
  readonly #broker: Broker
  readonly #users = new Users()
  readonly #channels: Channels
  #stopping = false

  constructor(parts: HubParts) {
    this.callbacks = parts.callbacks
    this.clock = parts.clock
    this.log = parts.log
    this.#broker = parts.broker
    const services: Omit<ChannelServices, 'ended'> = {
      broker: parts.broker,
      callbacks: parts.callbacks,
      clock: parts.clock,
      log: parts.log,
      obey: (user, caller, verdict) => this.obey(user, caller, verdict),
      poll: parts.poll,
    }
    this.#channels = new Channels(services)
  }

  get stopping(): boolean {
    return this.#stopping
  }

  /** A connection has got its user. */
  enter(connection: UserConnection, options: UserOptions): void {
    const user = this.#users.add(connection, options)
    for (const name of options.autoSubscribe) this.#letIn(connection, name, connection.caller)
    if (!options.perConnectionSubscriptions) for (const name of channelsOf(user)) this.#letIn(connection, name, nobody)
  }

  /** A connection is gone for good: it leaves its channels, and after the last one of its user the application is told. */
  async leave(connection: UserConnection): Promise<void> {
    const channels = [...connection.channels]
    await Promise.all(channels.map((name) => this.#channels.get(name)?.drop(connection)))
    if (!this.#users.remove(connection) || this.#stopping) return
    const name = connection.user
    const { callbacks, clock, log } = this
    const telling = persist((id) => callbacks.disconnect(connection.caller, { name, channels }, id), {
      clock,
      log,
      name: 'disconnect',
    })
    await this.#users.leaving(name, telling)
  }

  /** Lets a connection into a channel, which is made where it does not exist; the answer is `SUBSCRIBED` with this `id`. */
  async subscribe(connection: UserConnection, channelName: string, id: number, since?: Position): Promise<void> {
    const channel = await this.#enter(connection, channelName, async () => {
      const channel = await this.#channels.open(channelName, connection.caller)
      await channel.subscribe(connection, { id, since, ask: true })
      return channel
    })
    const user = this.#users.get(connection.user)
    if (user?.options.perConnectionSubscriptions === false) this.#share(user, channel)
  }

  /** @throws HookboxError `not_subscribed`, `refused`, `webhook_failed` */
  async unsubscribe(connection: UserConnection, channelName: string): Promise<void> {
    const options = this.#users.get(connection.user)?.options
    const everywhere = options?.globalUnsubscriptions === true || options?.perConnectionSubscriptions === false
    await this.#subscribed(connection, channelName).unsubscribe(connection, everywhere)
  }

  async publish(
    connection: UserConnection,
    channelName: string,
    payload: JsonText,
    messageId: string | undefined,
  ): Promise<Published> {
    const channel = await this.#channels.open(channelName, connection.caller)
    return channel.publish({
      payload,
      originator: connection.user,
      caller: connection.caller,
      origin: connection,
      messageId: messageId === undefined ? undefined : { id: messageId, key: userIdKey(connection.user, messageId) },
      ask: 'as options say',
    })
  }

  history(connection: UserConnection, channelName: string, range: HistoryRange): Promise<HistoryPiece> {
    return this.#subscribed(connection, channelName).history(range)
  }

  /** A page sends a private message. */
  async message(connection: UserConnection, recipient: string, payload: JsonText): Promise<number> {
    const { caller, user: sender } = connection
    if (this.#users.get(sender)?.options.moderatedMessage === false) return this.#deliver(sender, recipient, payload)
    const recipientExists = this.#users.get(recipient) !== undefined
    const verdict = await this.callbacks.message(caller, { sender, recipient, recipientExists, payload })
    this.obey(sender, caller, verdict)
    if (!verdict.ok) throw verdict.error
    const { overrideRecipientName = recipient, overridePayload = payload } = verdict.details
    return this.#deliver(sender, overrideRecipientName, overridePayload)
  }

  /** Lets a user enter and leave the channels that a verdict names. Not waited for: what was asked is answered first. */
  obey(userName: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void {
    for (const name of verdict.autoSubscribe) {
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

  /** The application lets a user in, through all connections that it has at the moment. */
  async subscribeUser(channelName: string, userName: string, sendHook: boolean): Promise<void> {
    const channel = this.#channels.need(channelName)
    const { live } = this.#needUser(userName)
    let initialData: JsonText | undefined
    if (sendHook) {
      const verdict = await this.callbacks.subscribe(nobody, { channelName, user: userName })
      this.obey(userName, nobody, verdict)
      if (!verdict.ok) throw verdict.error
      initialData = verdict.details.initialData
    }
    for (const connection of live) {
      if (channel.has(connection.id)) continue
      await this.#enter(connection, channelName, () =>
        channel.subscribe(connection, { id: 0, ask: false, initialData }),
      )
    }
  }

  /** The application takes a user out, through all of its connections. */
  async unsubscribeUser(channelName: string, userName: string, sendHook: boolean): Promise<void> {
    const channel = this.#channels.need(channelName)
    if (!channel.users.includes(userName)) {
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
  messageByApplication(sender: string, recipient: string, payload: JsonText): number {
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

  /** Nobody leaves because the hub does: pages come back to the next one. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#users.stop()
    this.#channels.stop()
    await this.#broker.close()
  }

  #putOut(connection: UserConnection): void {
    connection.close(closeCodes.removed, 'removed by the application')
  }

  /** A subscription that the page never asked for; it arrives as `SUBSCRIBED` with id 0. */
  #letIn(connection: UserConnection, channelName: string, caller: Caller): void {
    this.#inBackground(`auto_subscribe to ${JSON.stringify(channelName)}`, () =>
      this.#enter(connection, channelName, async () => {
        const channel = await this.#channels.open(channelName, caller)
        const isHere = this.#users.get(connection.user)?.connections.has(connection.id)
        if (isHere && !channel.has(connection.id)) await channel.subscribe(connection, { id: 0, ask: false })
      }),
    )
  }

  /** All of the user's connections share the subscription. */
  #share(user: User, channel: Channel): void {
    for (const other of user.live) if (!channel.has(other.id)) this.#letIn(other, channel.name, nobody)
  }

  #deliver(sender: string, recipient: string, payload: JsonText): number {
    const inside = members({
      sender: toJsonText(sender),
      recipient: toJsonText(recipient),
      payload,
      datetime: toJsonText(new Date(this.clock.now()).toISOString()),
    })
    const frame = new PreparedFrame(spliceFrame(0, 'MESSAGE', inside))
    const to = this.#users.get(recipient)?.live ?? []
    for (const connection of to) connection.send(frame)
    const from = this.#users.get(sender)
    if (from?.options.reflective && sender !== recipient) for (const connection of from.live) connection.send(frame)
    return to.length
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
    const isNew = !channels.has(channelName) && !entering.has(channelName)
    if (isNew && channels.size + entering.size >= limits.channels) {
      throw new HookboxError('too_many', `expected at most ${limits.channels} channels a connection`, {
        temporary: false,
      })
    }
    if (isNew) entering.add(channelName)
    try {
      return await enter()
    } finally {
      if (isNew) entering.delete(channelName)
    }
  }

  #inBackground(what: string, task: () => Promise<void>): void {
    task().catch((error: unknown) => {
      if (error instanceof HookboxError) this.log.warn({ error: error.message, code: error.code }, `${what} failed`)
      else this.log.error({ err: error }, `${what} failed`)
    })
  }
}

function channelsOf(user: User): string[] {
  return [...new Set([...user.connections.values()].flatMap((connection) => [...connection.channels]))]
}
