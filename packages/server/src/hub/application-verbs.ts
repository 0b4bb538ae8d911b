import { HookboxError, type Json, type JsonText, type Published } from '@hookbox/protocol'
import type { Broker, Stop, UserRecord } from '../broker/broker.ts'
import type { Channel, Watcher } from '../channel/channel.ts'
import { restIdKey } from '../channel/id-key.ts'
import { type Callbacks, nobody } from '../webhooks/callbacks.ts'
import type { Channels } from './channels.ts'
import type { Memberships } from './memberships.ts'
import type { OtherNodes } from './other-nodes.ts'
import type { PrivateMessages } from './private-messages.ts'
import { checkUserOptions, readUserOptions, writeUserOptions } from './user-options.ts'

export interface ApplicationVerbsParts {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly channels: Channels
  readonly memberships: Memberships
  readonly messages: PrivateMessages
  readonly nodes: () => OtherNodes
}

/** One of a user's connections, without what is secret about it. */
export interface ConnectionDetails {
  readonly id: string
  /** The node that it belongs to. */
  readonly node: string
  /** One that broke off, and may come back, is not. */
  readonly live: boolean
  /** The browser's. */
  readonly address: string | undefined
  /** Those it is in or about to be in. */
  readonly channels: readonly string[]
}

/** A user as an operator sees it. */
export interface UserDetails {
  readonly name: string
  readonly options: { readonly [name: string]: Json }
  /** In the order they came. */
  readonly connections: readonly ConnectionDetails[]
}

/** What the web application may do, to channels and users on whichever nodes (contract: REST). */
export class ApplicationVerbs {
  readonly #broker: Broker
  readonly #callbacks: Callbacks
  readonly #channels: Channels
  readonly #memberships: Memberships
  readonly #messages: PrivateMessages
  readonly #nodes: () => OtherNodes

  constructor(parts: ApplicationVerbsParts) {
    this.#broker = parts.broker
    this.#callbacks = parts.callbacks
    this.#channels = parts.channels
    this.#memberships = parts.memberships
    this.#messages = parts.messages
    this.#nodes = parts.nodes
  }

  /** The application publishes. @throws HookboxError `unknown_channel`, `too_large`, and with `sendHook` what the webhook says */
  async publish(
    channelName: string,
    publish: { payload: JsonText; originator: string | null; messageId: string | undefined; sendHook: boolean },
  ): Promise<Published> {
    const { payload, originator, messageId, sendHook } = publish
    return this.#channels.with(channelName, async (channel) =>
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
    const outcomes = await Promise.allSettled(channelNames.map((name) => this.publish(name, publishing)))
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
        const verdict = await this.#callbacks.subscribe(nobody, { channelName, user: userName })
        this.#memberships.obey(userName, nobody, verdict)
        if (!verdict.ok) throw verdict.error
        initialData = verdict.details.initialData
        await this.#needUser(userName)
        // It may be gone by now, or another one of the same name.
        if (channel.life.gone) {
          throw new HookboxError('unknown_channel', `channel ${JSON.stringify(channelName)} was destroyed meanwhile`)
        }
      }
      await this.#memberships.giveAll(channelName, userName, initialData)
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
        const verdict = await this.#callbacks.unsubscribe(nobody, { channelName, user: userName })
        this.#memberships.obey(userName, nobody, verdict)
        if (!verdict.ok) throw verdict.error
      }
      await this.#memberships.removeAll(channelName, userName)
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
    const verdict = await this.#callbacks.createChannel(nobody, { channelName })
    if (!verdict.ok) throw verdict.error
    await this.#channels.create(channelName, { ...verdict.details, ...options })
  }

  /** @throws HookboxError `unknown_channel`, and with `sendHook` what the webhook says */
  async destroyChannel(channelName: string, sendHook: boolean): Promise<void> {
    await this.#channels.with(channelName, async () => {
      if (sendHook) {
        const verdict = await this.#callbacks.destroyChannel({ channelName })
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
  message(sender: string, recipient: string, payload: JsonText): Promise<number> {
    return this.#messages.deliver(sender, recipient, payload)
  }

  /** @throws HookboxError `unknown_user`, `bad_request` naming the option */
  async setUserOptions(userName: string, changes: { readonly [option: string]: unknown }): Promise<void> {
    const { connections } = await this.#needUser(userName)
    const changed = await this.#broker.users.changeOptions(userName, checkUserOptions(changes, 'none other'))
    if (!changed) throw unknownUser(userName)
    await this.#memberships.shareEverywhere(userName, readUserOptions(changed), connections)
  }

  /** The application puts a user out: none of its pages comes back by itself. @throws HookboxError `unknown_user` */
  async disconnectUser(userName: string): Promise<void> {
    const { connections } = await this.#needUser(userName)
    await this.#memberships.reach(connections, (nodes) => this.#nodes().askAll(nodes, 'putOutUser', { user: userName }))
  }

  /** The same with one connection, by its id. @throws HookboxError `unknown_connection` */
  async disconnect(connectionId: string): Promise<void> {
    const found = await this.#broker.users.locate(connectionId)
    if (!found) {
      throw new HookboxError('unknown_connection', `connection ${JSON.stringify(connectionId)} does not exist`)
    }
    await this.#memberships.reach([found], (nodes) =>
      this.#nodes().askAll(nodes, 'putOut', { connection: connectionId }),
    )
  }

  channelInfo(channelName: string): ReturnType<Channel['info']> {
    return this.#channels.with(channelName, (channel) => channel.info())
  }

  /** Looks on at a channel on this node. @throws HookboxError `unknown_channel` */
  watchChannel(channelName: string, watcher: Watcher): Promise<Stop> {
    return this.#channels.with(channelName, async (channel) => channel.watch(watcher))
  }

  /** What REST `get_user_info` shows. */
  async userInfo(userName: string): Promise<{
    name: string
    channels: string[]
    connections: string[]
    options: { readonly [name: string]: Json }
  }> {
    const { name, connections, options } = await this.userDetails(userName)
    return {
      name,
      channels: [...new Set(connections.flatMap(({ channels }) => channels))],
      connections: connections.map(({ id }) => id),
      options,
    }
  }

  /** @throws HookboxError `unknown_user` */
  async userDetails(userName: string): Promise<UserDetails> {
    const { name, connections, options } = await this.#needUser(userName)
    return {
      name,
      options: writeUserOptions(readUserOptions(options)),
      connections: connections.map(({ id, node, live, address, channels }) => ({
        ...{ id, node, live, address },
        channels: [...channels.keys()],
      })),
    }
  }

  /** The name of the user whose connection this is. */
  async userOf(connectionId: string): Promise<string | undefined> {
    return (await this.#broker.users.locate(connectionId))?.user
  }

  /** All users: name → the ids of those of its connections that are live. */
  users(): Promise<ReadonlyMap<string, readonly string[]>> {
    return this.#broker.users.all()
  }

  channelNames(): Promise<string[]> {
    return this.#broker.channels.names()
  }

  /** Of each channel, how many users are in it. */
  channelSizes(names: readonly string[]): Promise<number[]> {
    return this.#broker.channels.sizes(names)
  }

  /** How many channels and users there are, at most, of all nodes together. */
  async counts(): Promise<{ channels: number; users: number }> {
    const { channels, users } = this.#broker
    const [ofChannels, ofUsers] = await Promise.all([channels.count(), users.count()])
    return { channels: ofChannels, users: ofUsers }
  }

  /** What REST `get_server_info` shows, of all nodes together. */
  async info(): Promise<{ channels: string[]; connections: string[]; users: string[] }> {
    const { channels, users } = this.#broker
    const [names, all] = await Promise.all([channels.names(), users.all()])
    return { channels: names, connections: [...all.values()].flat(), users: [...all.keys()] }
  }

  async #needUser(name: string): Promise<UserRecord> {
    const user = await this.#broker.users.find(name)
    if (!user) throw unknownUser(name)
    return user
  }
}

function unknownUser(name: string): HookboxError {
  return new HookboxError('unknown_user', `user ${JSON.stringify(name)} is not connected`)
}
