import { exceeds, HookboxError, type Json, limits, members, toJsonText } from '@hookbox/protocol'
import type { ChannelChange, ChannelRecord, Lease, Snapshot, StateChange, Stop } from '../broker/broker.ts'
import { Serial } from '../serial.ts'
import { type ChannelOptions, changeOptions, optionsText, readOptionsText, retention, writeOptions } from './options.ts'
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
  readonly polled: Omit<PollTarget, 'done'>
}

/** What is to become of a channel as it is; undefined where nothing is. */
type Decide = (now: { readonly record: ChannelRecord; readonly state: State }) => Promise<ChannelChange | undefined>

/**
 * How a channel behaves and what its state says. Changes are made one after another, each all or nothing, so that two of them
 * at once never leave what neither meant, and whoever reads sees a moment between two of them.
 */
export class ChannelSettings {
  readonly #channel: Settled
  readonly #services: ChannelServices
  readonly #changes = new Serial(maxWaiting)
  #options: ChannelOptions
  #revision: number
  #stopped = false
  /** What all subscribers are being told anew. */
  #announcing: Promise<void> = Promise.resolve()
  #stopPolling: Stop = () => {}
  #stopWatching: Stop = () => {}

  constructor(channel: Settled, record: ChannelRecord, services: ChannelServices) {
    this.#channel = channel
    this.#options = readOptionsText(record.options)
    this.#revision = record.revision
    this.#services = services
  }

  get options(): ChannelOptions {
    return this.#options
  }

  /** Nothing waits to be changed, and nothing goes on by itself. */
  get idle(): boolean {
    const { polling } = this.#options
    return this.#changes.idle && (polling === undefined || polling.done)
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

  /** The options are others now, whichever node has changed them. */
  adopt({ options, revision }: ChannelRecord): void {
    if (this.#stopped || revision <= this.#revision) return
    const before = this.#options
    const next = readOptionsText(options)
    this.#options = next
    this.#revision = revision
    if (JSON.stringify(next.polling) !== JSON.stringify(before.polling)) this.#poll()
    if (listed(next) !== listed(before)) this.#watch()
    if (subscribersSee(before) === subscribersSee(next)) return
    this.#announcing = this.#channel.announce().catch((err: unknown) => {
      // It has ended, and this node is about to hear of it.
      if (this.#stopped || isMissing(err)) return
      this.#services.log.error({ channel: this.#channel.name, err }, 'options could not be told to subscribers')
    })
  }

  /**
   * Changes options and content, all or nothing.
   *
   * @throws HookboxError `bad_request` naming the option, `too_large`, `unknown_channel`
   */
  change(changes: { readonly [name: string]: unknown }): Promise<void> {
    return this.#run(async ({ record, state }) => {
      const before = readOptionsText(record.options)
      const next = changeOptions(before, changes)
      const history =
        changes.history === undefined ? undefined : readPrefill(changes.history, this.#services.clock.now())
      const given = changes.state === undefined ? undefined : readState(changes.state, 'state')
      const wanted = await withPresence(given ?? without(state, unlisted(before, next)), next, this.#services)
      return { options: optionsText(next), history, keep: retention(next), state: this.#told(checked(state, wanted)) }
    })
  }

  /**
   * Changes single keys of the state; subscribers are told what really changed.
   *
   * @throws HookboxError `bad_request`, `too_large`, `unknown_channel`
   */
  changeState(change: StateChange): Promise<void> {
    return this.#run(async ({ state }) => {
      const next = new Map(state)
      for (const key of change.deletes) next.delete(key)
      for (const [key, value] of change.updates) next.set(stateKey(key, 'key'), value)
      return this.#ofState(checked(state, await withPresence(next, this.#options, this.#services)))
    })
  }

  /** There is nothing more to poll for, in this turn. */
  pollingDone(turn: number): Promise<void> {
    return this.#run(async ({ record }) => {
      const options = readOptionsText(record.options)
      const { polling } = options
      if (polling?.turn !== turn) return undefined
      const done = { ...options, polling: { ...polling, done: true } }
      return { options: optionsText(done), keep: retention(done) }
    })
  }

  /** Options, content and users of one moment. */
  info(): Promise<{ options: { [name: string]: Json }; subscribers: string[]; more?: true }> {
    return this.#changes.run(async () => {
      const { record, snapshot } = await this.#load()
      const content = {
        history: JSON.parse(snapshot.history) as Json,
        state: JSON.parse(stateText(snapshot.state)) as Json,
      }
      return {
        options: { ...writeOptions(readOptionsText(record.options)), ...content },
        subscribers: [...snapshot.members],
        ...(snapshot.more && { more: true }),
      }
    })
  }

  /** One change after another. `decide` is asked again where another node has changed something meanwhile. */
  #run(decide: Decide): Promise<void> {
    return this.#changes.run(() => this.#decide(decide))
  }

  async #decide(decide: Decide): Promise<void> {
    for (;;) {
      const { record, snapshot } = await this.#load()
      const change = await decide({ record, state: snapshot.state })
      if (!change) return
      const changed = await this.#services.broker.channels.change(this.#channel.name, record.revision, change)
      if (!changed) continue
      // Heard as well; whoever asked is to find it done.
      this.adopt(changed)
      return this.#announcing
    }
  }

  /** Options and content of one moment. */
  async #load(): Promise<{ record: ChannelRecord; snapshot: Snapshot }> {
    const { channels, log } = this.#services.broker
    const { name } = this.#channel
    for (;;) {
      const [record, snapshot] = await Promise.all([channels.load(name), log.read(name, retention(this.#options))])
      if (!record) throw new HookboxError('unknown_channel', `channel ${JSON.stringify(name)} does not exist`)
      if (record.revision === snapshot.revision) return { record, snapshot }
    }
  }

  #ofState(change: StateChange | undefined): ChannelChange | undefined {
    const state = this.#told(change)
    return state && { keep: retention(this.#options), state }
  }

  #told(change: StateChange | undefined): ChannelChange['state'] {
    return change && { what: { name: 'STATE_UPDATE', inside: inside(change), at: this.#channel.now() }, change }
  }

  /** One node at a time polls; the others wait until it has gone. */
  #poll(): void {
    this.#stopPolling()
    this.#stopPolling = () => {}
    const { polling } = this.#options
    // It may have ended while it was being changed.
    if (!polling || polling.done || this.#stopped) return
    const { broker, poll, log, noteDuty } = this.#services
    const { name, polled } = this.#channel
    const duty = { of: 'poll', channel: name } as const
    let lease: Lease | undefined
    let stopPoller: Stop = () => {}
    let ended = false
    const stop = (): void => {
      ended = true
      stopPoller()
      if (lease) noteDuty(duty, false)
      lease?.release().catch((err: unknown) => log.warn({ channel: name, err }, 'polling could not be handed on'))
    }
    this.#stopPolling = stop
    const lost = (): void => {
      if (ended) return
      stop()
      this.#poll()
    }
    broker.leases
      .wait(duty, { lost })
      .then((given) => {
        lease = given
        noteDuty(duty, true)
        if (ended) return stop()
        stopPoller = poll(polling, { ...polled, done: () => this.pollingDone(polling.turn) })
      })
      .catch((err: unknown) => {
        if (!ended) log.error({ channel: name, err }, 'polling could not begin')
      })
  }

  #watch(): void {
    this.#stopWatching()
    this.#stopWatching = () => {}
    if (this.#stopped || !this.#options.serverPresenceful) return
    this.#stopWatching = this.#services.serverPresence.watch(this.#options.serverUserPresence, () => this.#presence())
  }

  /** What is true when its turn comes is what counts, so several changes at once are one. */
  #presence(): void {
    const decide: Decide = async ({ state }) => {
      if (this.#stopped) return undefined
      return this.#ofState(difference(state, await withPresence(state, this.#options, this.#services)))
    }
    this.#changes
      .runAnyway(() => this.#decide(decide))
      .catch((error: unknown) => {
        if (this.#stopped) return
        this.#services.log.error({ channel: this.#channel.name, err: error }, 'server presence could not be told')
      })
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof HookboxError && error.code === 'unknown_channel'
}

/** A state in which each listed user stands as connected or not. */
export async function withPresence(
  state: State,
  options: ChannelOptions,
  { serverPresence }: Pick<ChannelServices, 'serverPresence'>,
): Promise<State> {
  const { serverPresenceful, serverUserPresence: users } = options
  if (!serverPresenceful) return state
  const here = await serverPresence.areHere(users)
  return new Map([...state, ...users.map((user, index) => [user, toJsonText(here[index] === true)] as const)])
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
