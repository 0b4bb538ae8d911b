import { HookboxError } from '@hookbox/protocol'
import { Channel } from '../channel/channel.ts'
import { type ChannelOptions, changeOptions, defaultOptions, optionsText, retention } from '../channel/options.ts'
import { readPrefill } from '../channel/prefill.ts'
import type { ChannelServices } from '../channel/services.ts'
import { readState } from '../channel/state.ts'
import type { Caller } from '../webhooks/callbacks.ts'

/** Channels of one hub; beyond it a new one is refused with `too_many`. */
export const maxChannels = 100_000

/** What became of an attempt to make a channel, for those who waited for it. */
type Made = { readonly channel: Channel } | { readonly error: HookboxError }

/** The channels there are: name → channel, each made once. */
export class Channels {
  readonly #services: ChannelServices
  readonly #channels = new Map<string, Channel>()
  readonly #making = new Map<string, Promise<Made>>()

  /** The channels' own services are these, and that a channel which ends is forgotten here. */
  constructor(services: Omit<ChannelServices, 'ended'>) {
    this.#services = { ...services, ended: (name) => this.#channels.delete(name) }
  }

  get(name: string): Channel | undefined {
    return this.#channels.get(name)
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
   * The channel, made by way of `create_channel` where it does not exist. However many ask at once, one asks the application
   * and its success is everybody's; a refusal is its own, and the next one asks with its own cookies. A fault is everybody's,
   * as asking the same application again at once would not help.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `bad_request` where the reply holds a wrong option, `too_many`
   */
  async open(name: string, caller: Caller): Promise<Channel> {
    for (;;) {
      const channel = this.#channels.get(name)
      if (channel && (await channel.arrive())) return channel
      if (channel) continue
      const making = this.#making.get(name)
      if (!making) return this.#lead(name, caller)
      const made = await making
      if ('error' in made && made.error.code === 'webhook_failed') throw made.error
    }
  }

  /**
   * Makes a channel without asking.
   *
   * @throws HookboxError `channel_exists`, `bad_request`, `too_many`
   */
  async create(name: string, details: { readonly [option: string]: unknown }): Promise<Channel> {
    if (this.#channels.size >= maxChannels) {
      throw new HookboxError('too_many', `expected at most ${maxChannels} channels`)
    }
    const { options, seed } = this.#readDetails(details)
    if (!(await this.#services.broker.channels.create(name, { options: optionsText(options) }, seed))) {
      throw new HookboxError('channel_exists', `channel ${JSON.stringify(name)} exists already`)
    }
    const channel = await Channel.open(name, options, this.#services)
    this.#channels.set(name, channel)
    return channel
  }

  stop(): void {
    for (const channel of this.#channels.values()) channel.stop()
  }

  async #lead(name: string, caller: Caller): Promise<Channel> {
    const making = this.#ask(name, caller)
    this.#making.set(name, making)
    const made = await making
    this.#making.delete(name)
    if ('error' in made) throw made.error
    made.channel.offerLater()
    return made.channel
  }

  async #ask(name: string, caller: Caller): Promise<Made> {
    const verdict = await this.#services.callbacks.createChannel(caller, { channelName: name })
    if (!verdict.ok) return { error: verdict.error }
    try {
      // REST may have made it while the application was asked: what it made stands.
      return { channel: this.#channels.get(name) ?? (await this.create(name, verdict.details)) }
    } catch (error) {
      if (!(error instanceof HookboxError)) throw error
      this.#services.log.error({ channel: name, error: error.message }, 'the reply to create_channel cannot be used')
      return { error: new HookboxError(error.code, `create_channel: ${error.message}`, { cause: error }) }
    }
  }

  #readDetails(details: { readonly [option: string]: unknown }) {
    const options: ChannelOptions = changeOptions(defaultOptions, details)
    const history = details.history === undefined ? [] : readPrefill(details.history, this.#services.clock.now())
    const state = readState(details.state ?? {}, 'state')
    return { options, seed: { history, state, keep: retention(options) } }
  }
}
