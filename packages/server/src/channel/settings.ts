import { exceeds, HookboxError, type Json, limits, members, toJsonText } from '@hookbox/protocol'
import type { Snapshot, StateChange, Stop } from '../broker/broker.ts'
import { Serial } from '../serial.ts'
import { type ChannelOptions, changeOptions, optionsText, retention, writeOptions } from './options.ts'
import { readPrefill } from './prefill.ts'
import type { ChannelServices, PollTarget } from './services.ts'
import { checkSize, difference, readState, type State, stateKey, stateText } from './state.ts'
import { subscribersSee } from './subscribed.ts'

/** Changes of one channel that may wait for the one before; beyond it `too_many`. */
const maxWaiting = 1_000

/** What the settings need of their channel. */
export interface Settled {
  readonly name: string
  now(): number
  /** Tells all subscribers anew how the channel behaves. */
  announce(): Promise<void>
  readonly polled: PollTarget
}

/**
 * How a channel behaves and what its state says. Changes are made one after another, each all or nothing, so that two of them
 * at once never leave what neither meant, and whoever reads sees a moment between two of them.
 */
export class ChannelSettings {
  readonly #channel: Settled
  readonly #services: ChannelServices
  readonly #changes = new Serial(maxWaiting)
  #options: ChannelOptions
  #stopped = false
  #stopPolling: Stop = () => {}
  #stopWatching: Stop = () => {}

  constructor(channel: Settled, options: ChannelOptions, services: ChannelServices) {
    this.#channel = channel
    this.#options = options
    this.#services = services
  }

  get options(): ChannelOptions {
    return this.#options
  }

  /** Nothing waits to be changed. */
  get idle(): boolean {
    return this.#changes.idle
  }

  /** Begins what the options ask for. */
  start(): void {
    this.#poll()
    this.#watch()
  }

  stop(): void {
    this.#stopped = true
    this.#stopPolling()
    this.#stopWatching()
  }

  /**
   * Changes options and content, all or nothing.
   *
   * @throws HookboxError `bad_request` naming the option, `too_large`, `unknown_channel`
   */
  change(changes: { readonly [name: string]: unknown }): Promise<void> {
    return this.#changes.run(() => this.#change(changes))
  }

  /**
   * Changes single keys of the state; subscribers are told what really changed.
   *
   * @throws HookboxError `bad_request`, `too_large`, `unknown_channel`
   */
  changeState(change: StateChange): Promise<void> {
    return this.#changes.run(async () => {
      const now = (await this.#read()).state
      const next = new Map(now)
      for (const key of change.deletes) next.delete(key)
      for (const [key, value] of change.updates) next.set(stateKey(key, 'key'), value)
      await this.#tell(checked(now, withPresence(next, this.#options, this.#services)))
    })
  }

  /** Options, content and users of one moment. */
  info(): Promise<{ options: { [name: string]: Json }; subscribers: string[]; more?: true }> {
    return this.#changes.run(async () => {
      const snapshot = await this.#read()
      const content = {
        history: JSON.parse(snapshot.history) as Json,
        state: JSON.parse(stateText(snapshot.state)) as Json,
      }
      return {
        options: { ...writeOptions(this.#options), ...content },
        subscribers: [...snapshot.members],
        ...(snapshot.more && { more: true }),
      }
    })
  }

  async #change(changes: { readonly [name: string]: unknown }): Promise<void> {
    const { broker, clock } = this.#services
    const { name } = this.#channel
    const before = this.#options
    const next = changeOptions(before, changes)
    const history = changes.history === undefined ? undefined : readPrefill(changes.history, clock.now())
    const given = changes.state === undefined ? undefined : readState(changes.state, 'state')
    const now = (await this.#read()).state
    const change = checked(now, withPresence(given ?? without(now, unlisted(before, next)), next, this.#services))
    // Everything is checked: from here on nothing is refused.
    await broker.channels.update(name, { options: optionsText(next) })
    this.#options = next
    if (history) await broker.log.prefill(name, history, retention(next))
    await this.#tell(change)
    if (next.polling !== before.polling) this.#poll()
    if (listed(next) !== listed(before)) this.#watch()
    if (subscribersSee(before) !== subscribersSee(next)) await this.#channel.announce()
  }

  async #tell(change: StateChange | undefined): Promise<void> {
    if (!change) return
    await this.#services.broker.log.append(
      this.#channel.name,
      { name: 'STATE_UPDATE', inside: inside(change), at: this.#channel.now() },
      { told: true, kept: false, keep: retention(this.#options), state: change },
    )
  }

  #read(): Promise<Snapshot> {
    return this.#services.broker.log.read(this.#channel.name, retention(this.#options))
  }

  #poll(): void {
    this.#stopPolling()
    this.#stopPolling = () => {}
    const { polling } = this.#options
    // It may have ended while it was being changed.
    if (polling && !this.#stopped) this.#stopPolling = this.#services.poll(polling, this.#channel.polled)
  }

  #watch(): void {
    this.#stopWatching()
    this.#stopWatching = () => {}
    if (this.#stopped || !this.#options.serverPresenceful) return
    this.#stopWatching = this.#services.serverPresence.watch(this.#options.serverUserPresence, () => this.#presence())
    // Somebody may have come or gone between the state's making and now.
    this.#presence()
  }

  /** What is true when its turn comes is what counts, so several changes at once are one. */
  #presence(): void {
    this.#changes
      .runAnyway(async () => {
        if (this.#stopped) return
        const now = (await this.#read()).state
        await this.#tell(difference(now, withPresence(now, this.#options, this.#services)))
      })
      .catch((error: unknown) => {
        if (this.#stopped) return
        this.#services.log.error({ channel: this.#channel.name, err: error }, 'server presence could not be told')
      })
  }
}

/** A state in which each listed user stands as connected or not. */
export function withPresence(
  state: State,
  options: ChannelOptions,
  { serverPresence }: Pick<ChannelServices, 'serverPresence'>,
): State {
  if (!options.serverPresenceful) return state
  const next = new Map(state)
  for (const user of options.serverUserPresence) next.set(user, toJsonText(serverPresence.isHere(user)))
  return next
}

function without(state: State, users: readonly string[]): State {
  const next = new Map(state)
  for (const user of users) next.delete(user)
  return next
}

/** Whom the state told of, and now no more. */
function unlisted(before: ChannelOptions, next: ChannelOptions): readonly string[] {
  if (!before.serverPresenceful) return []
  return before.serverUserPresence.filter((user) => !next.serverPresenceful || !next.serverUserPresence.includes(user))
}

function listed({ serverPresenceful, serverUserPresence }: ChannelOptions): string {
  return JSON.stringify([serverPresenceful, serverUserPresence])
}

/** What has to happen, checked against the bounds. */
function checked(now: State, next: State): StateChange | undefined {
  checkSize(next, 'state')
  const change = difference(now, next)
  if (change && exceeds(inside(change), limits.frame)) {
    throw new HookboxError('too_large', `state: expected a change of at most ${limits.frame} bytes`)
  }
  return change
}

function inside(change: StateChange): string {
  return members({ updates: stateText(change.updates), deletes: toJsonText([...change.deletes]) })
}
