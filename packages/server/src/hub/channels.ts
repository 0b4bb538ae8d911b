import { HookboxError, type JsonText } from '@hookbox/protocol'
import type { Lease, Seed } from '../broker/broker.ts'
import { Channel, ChannelClosing } from '../channel/channel.ts'
import { readChannelDetails } from '../channel/details.ts'
import { isMissing } from '../channel/missing.ts'
import { optionsText, retention } from '../channel/options.ts'
import type { ChannelServices } from '../channel/services.ts'
import { withPresence } from '../channel/settings.ts'
import { checkSize } from '../channel/state.ts'
import type { Cancel } from '../clock.ts'
import { after, rescue, type Soon } from '../soon.ts'
import type { Caller } from '../webhooks/callbacks.ts'

/** Channels of one hub, all its nodes together; beyond it a new one is refused with `too_many`. */
export const maxChannels = 100_000

/** Milliseconds for which a node keeps a channel open that nobody here is in. */
export const idleTime = 30_000

/** What became of an attempt to make a channel, for those who waited for it. */
type Made = { readonly channel: Channel } | { readonly error: HookboxError }

/** The channels that this node takes part in: name → channel. All others are the broker's alone, and opened when they are needed. */
export class Channels {
  readonly #services: ChannelServices
  readonly #open = new Map<string, Channel>()
  readonly #opening = new Map<string, Promise<Channel | undefined>>()
  /** The application is asked whether these may be made. */
  readonly #making = new Map<string, Promise<Made>>()
  #stopped = false
  #cancelTidying: Cancel | undefined

  /** The channels' own services are these, and that a channel which ends is forgotten here. */
  constructor(services: Omit<ChannelServices, 'ended'>) {
    this.#services = { ...services, ended: (name) => this.#forget(name) }
  }

  /** One that is open here. Any that somebody here is in, is. */
  get(name: string): Channel | undefined {
    return this.#open.get(name)
  }

  all(): Iterable<Channel> {
    return this.#open.values()
  }

  /** Any that exists. */
  async find(name: string): Promise<Channel | undefined> {
    const known = this.#open.get(name) ?? this.#opening.get(name)
    if (known) return known
    const opening = this.#take(name).finally(() => this.#opening.delete(name))
    this.#opening.set(name, opening)
    return opening
  }

  /**
   * Does something with a channel that exists. It stays open here until that is done.
   *
   * @throws HookboxError `unknown_channel`
   */
  async with<T>(name: string, task: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = await this.find(name)
    if (!channel) throw missing(name)
    return channel.life.using(() => task(channel))
  }

  /**
   * Does something with the channel, which is made by way of `create_channel` where it does not exist, and stays until it is
   * done. Where the application is being asked whether the channel may go, its answer is waited for.
   *
   * However many ask at once, one asks the application and its success is everybody's; a refusal is its own, and the next
   * one asks with its own cookies. A fault is everybody's, as asking the same application again at once would not help.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `bad_request` where the reply holds a wrong option, `too_many`
   */
  use<T>(name: string, caller: Caller, task: (channel: Channel) => Promise<T>): Promise<T>
  use<T>(name: string, caller: Caller, task: (channel: Channel) => Soon<T>): Soon<T>
  use<T>(name: string, caller: Caller, task: (channel: Channel) => Soon<T>): Soon<T> {
    const channel = this.#open.get(name)
    if (!channel || channel.life.closing) return this.#useLater(name, caller, task)
    return rescue(
      () => channel.life.using(() => task(channel)),
      (error) => after(this.#failed(channel, error), () => this.#useLater(name, caller, task)),
    )
  }

  async #useLater<T>(name: string, caller: Caller, task: (channel: Channel) => Soon<T>): Promise<T> {
    for (;;) {
      const channel = this.#open.get(name) ?? (await this.find(name))
      if (!channel) {
        await this.#make(name, caller)
        continue
      }
      if (channel.life.closing) {
        await this.#decided(name)
        continue
      }
      try {
        // Nothing comes between the looking and the use.
        return await channel.life.using(() => task(channel))
      } catch (error) {
        await this.#failed(channel, error)
      }
    }
  }

  /** Returns where it is worth trying anew. */
  #failed(channel: Channel, error: unknown): Soon<void> {
    if (error instanceof ChannelClosing) return this.#decided(channel.name)
    // It ended elsewhere, and this node has not heard of it yet.
    if (isMissing(error)) return this.#letGo(channel)
    throw error
  }

  /**
   * Makes a channel without asking.
   *
   * @throws HookboxError `channel_exists`, `bad_request`, `too_large`, `too_many`, `unavailable`
   */
  async create(name: string, details: { readonly [option: string]: unknown }): Promise<void> {
    const { options, seed } = await this.#readDetails(details)
    await this.#checkRoom()
    if (!(await this.#services.broker.channels.create(name, options, seed))) throw exists(name)
    // Who polls for it, and keeps its state, is whoever made it.
    await this.find(name)
  }

  async exists(name: string): Promise<boolean> {
    return this.#open.has(name) || (await this.#services.broker.channels.load(name)) !== undefined
  }

  stop(): void {
    this.#stopped = true
    this.#cancelTidying?.()
    for (const channel of this.#open.values()) channel.stop()
  }

  /** Nothing of what was is true any more. */
  clear(): void {
    for (const channel of this.#open.values()) channel.stop()
    this.#open.clear()
    this.#cancelTidying?.()
    this.#cancelTidying = undefined
  }

  async #take(name: string): Promise<Channel | undefined> {
    const channel = await Channel.open(name, this.#services)
    if (!channel || channel.life.gone) return undefined
    if (this.#stopped) channel.stop()
    this.#open.set(name, channel)
    this.#tidyLater()
    return channel
  }

  #letGo(channel: Channel): void {
    channel.stop()
    if (this.#open.get(channel.name) === channel) this.#forget(channel.name)
  }

  #forget(name: string): void {
    this.#open.delete(name)
    if (this.#open.size > 0) return
    this.#cancelTidying?.()
    this.#cancelTidying = undefined
  }

  /** Channels that nobody here needs are let go of: hearing of them costs. */
  #tidyLater(): void {
    if (this.#stopped || this.#cancelTidying) return
    this.#cancelTidying = this.#services.clock.after(idleTime, () => {
      this.#cancelTidying = undefined
      for (const channel of [...this.#open.values()]) if (channel.idle) this.#letGo(channel)
      if (this.#open.size > 0) this.#tidyLater()
    })
  }

  /** The application is being asked whether the channel may go: it is told that somebody waits, and what it says is awaited. */
  async #decided(name: string): Promise<void> {
    await this.#services.broker.leases.freed({ of: 'destroy', channel: name })
  }

  /** @throws HookboxError where nobody's success can be shared: the caller is to look again otherwise */
  async #make(name: string, caller: Caller): Promise<void> {
    const underWay = this.#making.get(name)
    if (underWay) {
      const made = await underWay
      if ('error' in made && made.error.code === 'webhook_failed') throw made.error
      return
    }
    const making = this.#ask(name, caller)
    this.#making.set(name, making)
    const made = await making
    this.#making.delete(name)
    if ('error' in made) throw made.error
    made.channel.life.offerLater()
  }

  async #ask(name: string, caller: Caller): Promise<Made> {
    try {
      return await this.#askAlone(name, caller)
    } catch (error) {
      const known =
        error instanceof HookboxError
          ? new HookboxError(error.code, `create_channel: ${error.message}`, { cause: error })
          : new HookboxError('internal', 'internal error', { cause: error })
      this.#services.log.error(
        { channel: name, connection: caller.connection, err: error },
        'a channel could not be made',
      )
      return { error: known }
    }
  }

  /** One node asks at a time; whoever waited finds what the other made. */
  async #askAlone(name: string, caller: Caller): Promise<Made> {
    const { broker, callbacks } = this.#services
    await this.#checkRoom()
    const lease: Lease = await broker.leases.wait({ of: 'create', channel: name })
    try {
      const there = await this.find(name)
      if (there) return { channel: there }
      const verdict = await callbacks.createChannel(caller, { channelName: name })
      if (!verdict.ok) return { error: verdict.error }
      // REST may have made it while the application was asked: what it made stands.
      if (!(await this.exists(name))) await this.#createOrFind(name, verdict.details)
      const channel = await this.find(name)
      if (!channel) throw missing(name)
      return { channel }
    } finally {
      await lease.release()
    }
  }

  async #createOrFind(name: string, details: { readonly [option: string]: unknown }): Promise<void> {
    await this.create(name, details).catch((error: unknown) => {
      if (!(error instanceof HookboxError) || error.code !== 'channel_exists') throw error
    })
  }

  async #checkRoom(): Promise<void> {
    if (this.#stopped) throw new HookboxError('unavailable', 'the hub is stopping')
    if ((await this.#services.broker.channels.count()) >= maxChannels) {
      throw new HookboxError('too_many', `expected at most ${maxChannels} channels`)
    }
  }

  async #readDetails(details: { readonly [option: string]: unknown }): Promise<{ options: JsonText; seed: Seed }> {
    const { options, history, state: given } = readChannelDetails(details, this.#services.clock.now())
    const state = await withPresence(given, options, this.#services)
    checkSize(state, 'state')
    return { options: optionsText(options), seed: { history, state, keep: retention(options) } }
  }
}

function missing(name: string): HookboxError {
  return new HookboxError('unknown_channel', `channel ${JSON.stringify(name)} does not exist`)
}

function exists(name: string): HookboxError {
  return new HookboxError('channel_exists', `channel ${JSON.stringify(name)} exists already`)
}
