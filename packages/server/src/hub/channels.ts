import { HookboxError } from '@hookbox/protocol'
import type { Seed } from '../broker/broker.ts'
import { Channel } from '../channel/channel.ts'
import { type ChannelOptions, changeOptions, defaultOptions, optionsText, retention } from '../channel/options.ts'
import { readPrefill } from '../channel/prefill.ts'
import type { ChannelServices } from '../channel/services.ts'
import { withPresence } from '../channel/settings.ts'
import { checkSize, readState } from '../channel/state.ts'
import type { Caller } from '../webhooks/callbacks.ts'

/** Channels of one hub; beyond it a new one is refused with `too_many`. */
export const maxChannels = 100_000

/** What became of an attempt to make a channel, for those who waited for it. */
type Made = { readonly channel: Channel } | { readonly error: HookboxError }

/** The channels there are: name → channel, each made once. */
export class Channels {
  readonly #services: ChannelServices
  readonly #channels = new Map<string, Channel>()
  /** The application is asked whether these may be made. */
  readonly #making = new Map<string, Promise<Made>>()
  /** These may be made, and are about to be there. */
  readonly #creating = new Map<string, Promise<Channel>>()
  #stopped = false

  /** The channels' own services are these, and that a channel which ends is forgotten here. */
  constructor(services: Omit<ChannelServices, 'ended'>) {
    this.#services = { ...services, ended: (name) => this.#channels.delete(name) }
  }

  get(name: string): Channel | undefined {
    return this.#channels.get(name)
  }

  all(): Iterable<Channel> {
    return this.#channels.values()
  }

  names(): string[] {
    return [...this.#channels.keys()]
  }

  /** @throws HookboxError `unknown_channel` */
  need(name: string): Channel {
    const channel = this.#channels.get(name)
    if (!channel) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(name)} does not exist`)
    return channel
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
  async use<T>(name: string, caller: Caller, task: (channel: Channel) => Promise<T>): Promise<T> {
    for (;;) {
      const channel = this.#channels.get(name)
      // Nothing comes between this and the use.
      if (channel && !channel.life.closing) return channel.life.using(() => task(channel))
      if (channel) await channel.life.decided()
      else await this.#make(name, caller)
    }
  }

  /**
   * Makes a channel without asking.
   *
   * @throws HookboxError `channel_exists`, `bad_request`, `too_large`, `too_many`, `unavailable`
   */
  async create(name: string, details: { readonly [option: string]: unknown }): Promise<Channel> {
    this.#checkRoom()
    const { options, seed } = this.#readDetails(details)
    if (this.#channels.has(name) || this.#creating.has(name)) throw exists(name)
    const creating = this.#create(name, options, seed)
    this.#creating.set(name, creating)
    try {
      return await creating
    } finally {
      this.#creating.delete(name)
    }
  }

  /** Takes up a channel that the broker has. @throws HookboxError `unknown_channel` */
  async restore(name: string): Promise<Channel> {
    const record = await this.#services.broker.channels.load(name)
    if (!record) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(name)} does not exist`)
    const details = JSON.parse(record.options) as { readonly [option: string]: unknown }
    const channel = await Channel.open(name, changeOptions(defaultOptions, details), this.#services)
    this.#channels.set(name, channel)
    return channel
  }

  stop(): void {
    this.#stopped = true
    for (const channel of this.#channels.values()) channel.stop()
  }

  async #create(name: string, options: ChannelOptions, seed: Seed): Promise<Channel> {
    if (!(await this.#services.broker.channels.create(name, { options: optionsText(options) }, seed)))
      throw exists(name)
    const channel = await Channel.open(name, options, this.#services)
    this.#channels.set(name, channel)
    if (this.#stopped) channel.stop()
    return channel
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
      this.#checkRoom()
      const verdict = await this.#services.callbacks.createChannel(caller, { channelName: name })
      if (!verdict.ok) return { error: verdict.error }
      // REST may have made it while the application was asked: what it made stands.
      const made = this.#channels.get(name) ?? this.#creating.get(name)
      return { channel: await (made ?? this.create(name, verdict.details)) }
    } catch (error) {
      const known =
        error instanceof HookboxError
          ? new HookboxError(error.code, `create_channel: ${error.message}`, { cause: error })
          : new HookboxError('internal', 'internal error', { cause: error })
      this.#services.log.error({ channel: name, err: error }, 'a channel could not be made')
      return { error: known }
    }
  }

  #checkRoom(): void {
    if (this.#stopped) throw new HookboxError('unavailable', 'the hub is stopping')
    if (this.#channels.size >= maxChannels) {
      throw new HookboxError('too_many', `expected at most ${maxChannels} channels`)
    }
  }

  #readDetails(details: { readonly [option: string]: unknown }): { options: ChannelOptions; seed: Seed } {
    const options = changeOptions(defaultOptions, details)
    const history = details.history === undefined ? [] : readPrefill(details.history, this.#services.clock.now())
    const state = withPresence(readState(details.state ?? {}, 'state'), options, this.#services)
    checkSize(state, 'state')
    return { options, seed: { history, state, keep: retention(options) } }
  }
}

function exists(name: string): HookboxError {
  return new HookboxError('channel_exists', `channel ${JSON.stringify(name)} exists already`)
}
