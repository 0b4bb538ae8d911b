import {
  formatPosition,
  HookboxError,
  type Json,
  type JsonText,
  limits,
  members,
  type Position,
  type Published,
  spliceFrame,
  toJsonText,
  type UnsubscribedReason,
} from '@hookbox/protocol'
import type {
  Appending,
  HistoryPiece,
  HistoryRange,
  Snapshot,
  StateChange,
  Stop,
  Unnumbered,
} from '../broker/broker.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import { nobody } from '../webhooks/callbacks.ts'
import { type Persisting, persist } from '../webhooks/persist.ts'
import { FanOut } from './fan-out.ts'
import { Member } from './member.ts'
import { type ChannelOptions, changeOptions, optionsText, retention, writeOptions } from './options.ts'
import { readPrefill } from './prefill.ts'
import { Publisher, type Publishing } from './publish.ts'
import { asks } from './rules.ts'
import type { ChannelServices } from './services.ts'
import { checkSize, difference, readState, stateKey, stateText } from './state.ts'
import type { Subscriber } from './subscriber.ts'

/** Milliseconds after which a channel that nobody entered is offered to `destroy_channel`. */
const unvisitedLife = 60_000

/** How a subscriber comes in. */
export interface Entering {
  /** The number of the frame that asked, or 0. */
  readonly id: number
  readonly since?: Position | undefined
  /** Whether the `subscribe` webhook is asked where the options say so. */
  readonly ask: boolean
  /** What the application, asked already, had for the user. */
  readonly initialData?: JsonText | undefined
}

/** One channel on this node: who is in it, how it behaves, and what may be done to it. */
export class Channel {
  readonly name: string
  readonly #services: ChannelServices
  readonly #fanOut: FanOut
  readonly #publisher: Publisher
  readonly #members = new Map<string, Member>()
  #options: ChannelOptions
  #stopListening: Stop = () => {}
  #stopPolling: Stop = () => {}
  #stopWaiting: Stop = () => {}
  #lastTime = 0
  #gone = false
  /** Publishes under way: the channel is not offered while one is. */
  #publishing = 0
  #offerPending = false
  /** The application refused to let it go, until someone has come and gone again. */
  #kept = false
  #closing: { readonly asking: Persisting; readonly done: Promise<void> } | undefined

  private constructor(name: string, options: ChannelOptions, services: ChannelServices) {
    this.name = name
    this.#options = options
    this.#services = services
    this.#fanOut = new FanOut(name)
    this.#publisher = new Publisher(name, services)
  }

  /** Takes up a channel that the broker has. */
  static async open(name: string, options: ChannelOptions, services: ChannelServices): Promise<Channel> {
    const channel = new Channel(name, options, services)
    channel.#stopListening = await services.broker.log.listen(name, (numbered) =>
      channel.#fanOut.tell(numbered, channel.#options.reflective),
    )
    channel.#poll()
    return channel
  }

  get options(): ChannelOptions {
    return this.#options
  }

  /** The names of the users who are here. */
  get users(): string[] {
    return [...this.#members.values()].filter((member) => member.present).map((member) => member.user)
  }

  /**
   * Lets a subscriber in and answers with `SUBSCRIBED`, what was missed, and from then on what is told. A subscriber who is
   * in already gets a new answer.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `too_many`, `unknown_channel`
   */
  async subscribe(by: Subscriber, how: Entering): Promise<void> {
    const member = this.#member(by.user)
    member.leaving?.hurry()
    try {
      if (how.ask) await member.questions.run(() => this.#askAndAdmit(member, by, how))
      else await this.#admit(member, by, how)
    } finally {
      this.#forgetIdle(member)
    }
  }

  /**
   * The subscriber wants to leave, and the application may refuse it. With `everywhere` all connections of the user leave.
   *
   * @throws HookboxError `not_subscribed`, `refused`, `webhook_failed`, `too_many`
   */
  async unsubscribe(by: Subscriber, everywhere: boolean): Promise<void> {
    const member = this.#member(by.user)
    try {
      await member.questions.run(async () => {
        if (!member.connections.has(by.id)) {
          throw new HookboxError(
            'not_subscribed',
            `channel_name: expected a channel of this connection's own, got "${this.name}"`,
          )
        }
        const last = everywhere || member.connections.size === 1
        if (last && asks(this.#options, 'unsubscribe')) {
          const verdict = await this.#services.callbacks.unsubscribe(by.caller, {
            channelName: this.name,
            user: by.user,
          })
          this.#services.obey(by.user, by.caller, verdict)
          if (!verdict.ok) throw verdict.error
          // The line may have broken meanwhile, and the leave been announced: the application knows of it now.
          member.owesLeave = false
        }
        await this.#remove(member, by.id)
        if (everywhere) await this.remove(by.user, 'unsubscribed')
      })
    } finally {
      this.#forgetIdle(member)
    }
    this.#offer()
  }

  /** The subscriber's connection is gone: nothing can be refused any more, and the application is told until it has heard. */
  async drop(by: Subscriber): Promise<void> {
    const member = this.#members.get(by.user)
    if (!member?.connections.has(by.id)) return
    const left = await this.#remove(member, by.id)
    if (left && asks(this.#options, 'unsubscribe')) {
      member.owesLeave = true
      await this.#tellLeave(member, by)
    }
    this.#forgetIdle(member)
    this.#offer()
  }

  /** The application takes a user out, through all of its connections. False when the user was not here. */
  async remove(user: string, reason: UnsubscribedReason): Promise<boolean> {
    const member = this.#members.get(user)
    if (!member?.present) return false
    for (const id of [...member.connections]) {
      this.#fanOut.get(id)?.subscriber.send(this.#frame(0, 'UNSUBSCRIBED', { reason: toJsonText(reason) }))
      await this.#remove(member, id)
    }
    this.#forgetIdle(member)
    this.#offer()
    return true
  }

  /** @throws HookboxError as {@link Publisher.publish} */
  async publish(by: Publishing): Promise<Published> {
    this.#publishing++
    try {
      return await this.#publisher.publish(by, this.#options, () => this.#now())
    } finally {
      this.#publishing--
      if (this.#offerPending) this.#offer()
    }
  }

  history(range: HistoryRange): Promise<HistoryPiece> {
    return this.#services.broker.log.history(this.name, retention(this.#options), range)
  }

  has(subscriberId: string): boolean {
    return this.#fanOut.get(subscriberId) !== undefined
  }

  /**
   * Changes options and content, all or nothing.
   *
   * @throws HookboxError `bad_request` naming the option, `too_large`
   */
  async setOptions(changes: { readonly [name: string]: unknown }): Promise<void> {
    const { broker } = this.#services
    const before = this.#options
    const next = changeOptions(before, changes)
    const history = changes.history === undefined ? undefined : readPrefill(changes.history, this.#services.clock.now())
    const state = changes.state === undefined ? undefined : readState(changes.state, 'state')
    this.#options = next
    await broker.channels.update(this.name, { options: optionsText(next) })
    if (history) await broker.log.prefill(this.name, history, retention(next))
    if (state) await this.#tellState(difference((await this.#read()).state, state))
    if (next.polling !== before.polling) this.#poll()
    if (subscribersSee(before) !== subscribersSee(next)) await this.#announceOptions()
  }

  /** What REST `get_channel_info` shows. */
  async info(): Promise<{ name: string; options: { [name: string]: Json }; subscribers: string[] }> {
    const snapshot = await this.#read()
    const content = {
      history: JSON.parse(snapshot.history) as Json,
      state: JSON.parse(stateText(snapshot.state)) as Json,
    }
    return {
      name: this.name,
      options: { ...writeOptions(this.#options), ...content },
      subscribers: [...snapshot.members],
    }
  }

  /** Someone comes. False when the channel has just been destroyed, and must be made anew. */
  async arrive(): Promise<boolean> {
    if (this.#closing) {
      this.#closing.asking.drop()
      await this.#closing.done
      if (!this.#gone) this.offerLater()
    }
    return !this.#gone
  }

  /** A publish, or a subscribe that may be refused, needs this channel. If nobody enters it, it is offered after a while. */
  offerLater(): void {
    this.#stopWaiting()
    this.#stopWaiting = this.#services.clock.after(unvisitedLife, () => this.#offer())
  }

  /** Ends the channel for everybody, without asking. */
  async destroy(): Promise<void> {
    if (this.#gone) return
    this.#gone = true
    this.stop()
    for (const { subscriber } of [...this.#fanOut.all()]) {
      subscriber.send(this.#frame(0, 'UNSUBSCRIBED', { reason: toJsonText('destroyed') }))
      this.#fanOut.delete(subscriber.id)
      subscriber.left(this.name)
    }
    this.#members.clear()
    this.#services.ended(this.name)
    await this.#services.broker.channels.remove(this.name)
  }

  /** Ends what this node does for the channel; the channel itself stays. */
  stop(): void {
    this.#stopListening()
    this.#stopPolling()
    this.#stopWaiting()
    this.#closing?.asking.drop()
    for (const { leaving } of this.#members.values()) leaving?.drop()
  }

  async #askAndAdmit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    if (!member.present && asks(this.#options, 'subscribe')) {
      const verdict = await this.#services.callbacks.subscribe(by.caller, { channelName: this.name, user: by.user })
      this.#services.obey(by.user, by.caller, verdict)
      if (!verdict.ok) throw verdict.error
      member.initialData = verdict.details.initialData
    }
    await this.#admit(member, by, how)
  }

  /** The order is the point: held back, joined, and only then read, so that the page misses nothing and gets nothing twice. */
  async #admit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    if (this.#gone) throw new HookboxError('unavailable', `channel "${this.name}" has just been destroyed`)
    const entering = !member.present
    const isNew = !member.connections.has(by.id)
    this.#kept = false
    if (how.initialData !== undefined) member.initialData = how.initialData
    const subscription = this.#fanOut.hold(by)
    member.connections.add(by.id)
    by.joined(this.name)
    try {
      if (entering)
        await this.#services.broker.presence.enter(this.name, by.user, ...this.#presenceEntry('SUBSCRIBE', by.user))
      const snapshot = await this.#read(how.since)
      by.send(this.#subscribed(how, snapshot, member.initialData))
      for (const { frame } of snapshot.missed ?? []) by.send(frame)
      subscription.replay.release(snapshot.top)
    } catch (error) {
      if (isNew) await this.#remove(member, by.id)
      throw error
    }
  }

  /** Takes one connection out, and announces the leave where it was the user's last. */
  async #remove(member: Member, subscriberId: string): Promise<boolean> {
    const subscription = this.#fanOut.get(subscriberId)
    if (!member.connections.delete(subscriberId)) return false
    this.#fanOut.delete(subscriberId)
    subscription?.subscriber.left(this.name)
    if (member.present || this.#gone) return false
    return this.#services.broker.presence.leave(
      this.name,
      member.user,
      ...this.#presenceEntry('UNSUBSCRIBE', member.user),
    )
  }

  /** Resolves after the first try; the others go on behind it, before any other question about this user. */
  #tellLeave(member: Member, by: Subscriber): Promise<void> {
    const { callbacks, clock, log } = this.#services
    return new Promise((firstTry) => {
      member.questions
        .run(async () => {
          if (!member.owesLeave) return
          const leave = { channelName: this.name, user: member.user }
          const leaving = persist((id) => callbacks.unsubscribe(by.caller, leave, id), {
            clock,
            log,
            name: 'unsubscribe',
          })
          member.leaving = leaving
          const verdict = await leaving.firstTry
          this.#services.obey(member.user, by.caller, verdict)
          firstTry()
          await leaving.outcome
          member.leaving = undefined
          member.owesLeave = false
        })
        .finally(() => {
          firstTry()
          this.#forgetIdle(member)
        })
    })
  }

  /** Nobody is here any more: the application is asked whether the channel may go. */
  #offer(): void {
    this.#offerPending = this.#publishing > 0
    const wanted = this.#fanOut.size > 0 || this.#publishing > 0 || this.#kept
    if (this.#gone || wanted || this.#closing) return
    const { callbacks, clock, log } = this.#services
    const asking = persist((id) => callbacks.destroyChannel({ channelName: this.name }, id), {
      clock,
      log,
      name: 'destroy_channel',
    })
    this.#closing = { asking, done: asking.outcome.then((outcome) => this.#closed(outcome)) }
  }

  async #closed(outcome: Awaited<Persisting['outcome']>): Promise<void> {
    this.#closing = undefined
    if (outcome === 'dropped') return
    // REST may have let someone in meanwhile: whoever is here keeps the channel.
    if (outcome !== 'given up' && outcome.ok && this.#fanOut.size === 0) await this.destroy()
    else this.#kept = true
  }

  /**
   * Changes single keys; subscribers are told what really changed.
   *
   * @throws HookboxError `bad_request`, `too_large`
   */
  async changeState(change: StateChange): Promise<void> {
    const now = (await this.#read()).state
    const next = new Map(now)
    for (const key of change.deletes) next.delete(key)
    for (const [key, value] of change.updates) next.set(stateKey(key, 'key'), value)
    checkSize(next, 'state')
    await this.#tellState(difference(now, next))
  }

  async #tellState(change: StateChange | undefined): Promise<void> {
    if (!change) return
    const inside = members({ updates: stateText(change.updates), deletes: toJsonText([...change.deletes]) })
    await this.#services.broker.log.append(
      this.name,
      { name: 'STATE_UPDATE', inside, at: this.#now() },
      { told: true, kept: false, keep: retention(this.#options), state: change },
    )
  }

  /** What subscribers were told of the options is no longer true: all of them get a new answer. */
  async #announceOptions(): Promise<void> {
    const subscriptions = [...this.#fanOut.all()]
    for (const { replay } of subscriptions) replay.hold()
    const snapshot = await this.#read()
    for (const { subscriber, replay } of subscriptions) {
      const initialData = this.#members.get(subscriber.user)?.initialData
      subscriber.send(this.#subscribed({ id: 0, ask: false }, snapshot, initialData))
      replay.release(snapshot.top)
    }
  }

  #subscribed(how: Entering, snapshot: Snapshot, initialData: JsonText | undefined): PreparedFrame {
    const { presenceful, reflective, historySize, historyDuration } = this.#options
    const recovered = snapshot.missed !== undefined
    const named = snapshot.members.length <= limits.presence
    return this.#frame(how.id, 'SUBSCRIBED', {
      position: toJsonText(formatPosition(snapshot.top)),
      presenceful: toJsonText(presenceful),
      reflective: toJsonText(reflective),
      history_size: toJsonText(historySize),
      history_duration: toJsonText(historyDuration),
      ...(how.since && { recovered: toJsonText(recovered) }),
      ...(recovered
        ? { missed: toJsonText(snapshot.missed?.length ?? 0) }
        : {
            history: snapshot.history,
            more: snapshot.more ? toJsonText(true) : undefined,
            state: stateText(snapshot.state),
            presence: presenceful && !named ? undefined : toJsonText(presenceful ? [...snapshot.members] : []),
            present: presenceful && !named ? toJsonText(snapshot.members.length) : undefined,
          }),
      initial_data: initialData,
    })
  }

  #presenceEntry(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', user: string): [what: Unnumbered, how: Appending] {
    const at = this.#now()
    const { presenceful, historyPublishOnly, historySize } = this.#options
    const inside = members({ user: toJsonText(user), datetime: toJsonText(new Date(at).toISOString()) })
    return [
      { name, inside, at },
      { told: presenceful, kept: historySize > 0 && !historyPublishOnly, keep: retention(this.#options) },
    ]
  }

  #read(since?: Position): Promise<Snapshot> {
    return this.#services.broker.log.read(this.name, retention(this.#options), since)
  }

  #frame(id: number, name: string, args: { readonly [key: string]: JsonText | undefined }): PreparedFrame {
    return new PreparedFrame(spliceFrame(id, name, members({ channel_name: toJsonText(this.name), ...args })))
  }

  #poll(): void {
    this.#stopPolling()
    const { polling } = this.#options
    this.#stopPolling = () => {}
    if (!polling) return
    this.#stopPolling = this.#services.poll(polling, {
      channelName: this.name,
      publish: async (payload, originator) => {
        await this.publish({
          payload,
          originator: originator ?? null,
          caller: nobody,
          origin: undefined,
          messageId: undefined,
          ask: 'never',
        })
      },
      setOptions: (changes) => this.setOptions(changes),
    })
  }

  #member(user: string): Member {
    const member = this.#members.get(user) ?? new Member(user)
    this.#members.set(user, member)
    return member
  }

  #forgetIdle(member: Member): void {
    if (member.idle && this.#members.get(member.user) === member) this.#members.delete(member.user)
  }

  /** Times within a channel never go back, whatever the system's clock does. */
  #now(): number {
    this.#lastTime = Math.max(this.#lastTime, this.#services.clock.now())
    return this.#lastTime
  }
}

/** The options that `SUBSCRIBED` tells, as one comparable text. */
function subscribersSee({ presenceful, reflective, historySize, historyDuration }: ChannelOptions): string {
  return JSON.stringify([presenceful, reflective, historySize, historyDuration])
}
