import {
  HookboxError,
  type Json,
  type JsonText,
  type Position,
  type Published,
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
import { nobody } from '../webhooks/callbacks.ts'
import { persist } from '../webhooks/persist.ts'
import { FanOut } from './fan-out.ts'
import { Life, type SavedLife } from './life.ts'
import { Member, type OwedLeave, type SavedLeave } from './member.ts'
import { type ChannelOptions, retention } from './options.ts'
import { presenceEntry } from './presence-entry.ts'
import { Publisher, type Publishing } from './publish.ts'
import { asks } from './rules.ts'
import type { ChannelServices } from './services.ts'
import { ChannelSettings } from './settings.ts'
import { subscribedFrame } from './subscribed.ts'
import type { Subscriber } from './subscriber.ts'

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

/** What a node knows of a channel besides what the broker holds, as it is put away for the next start of the hub. */
export interface SavedChannel {
  readonly life: SavedLife
  /** By user: what the `subscribe` webhook had for it. */
  readonly initialData: readonly (readonly [user: string, data: JsonText])[]
  /** What the application is still to be told. */
  readonly leaves: readonly SavedLeave[]
}

/** One channel on this node: who is in it, and how one comes in and out. */
export class Channel {
  readonly name: string
  readonly #services: ChannelServices
  readonly #fanOut: FanOut
  readonly #publisher: Publisher
  readonly #settings: ChannelSettings
  readonly #life: Life
  readonly #members = new Map<string, Member>()
  #stopListening: Stop = () => {}
  #lastTime = 0

  private constructor(name: string, options: ChannelOptions, services: ChannelServices) {
    this.name = name
    this.#services = services
    this.#fanOut = new FanOut(name)
    this.#publisher = new Publisher(name, services)
    const { callbacks, clock, log } = services
    this.#settings = new ChannelSettings(
      {
        name,
        now: () => this.#now(),
        announce: () => this.#announce(),
        polled: {
          channelName: name,
          publish: async (payload, originator) => {
            const by = {
              payload,
              originator: originator ?? null,
              caller: nobody,
              origin: undefined,
              messageId: undefined,
            } as const
            await this.publish({ ...by, ask: 'never' })
          },
          setOptions: (changes) => this.setOptions(changes),
        },
      },
      options,
      services,
    )
    this.#life = new Life({
      clock,
      // The application hears that its last user has left before it is asked about the channel.
      wanted: () => this.#fanOut.size > 0 || [...this.#members.values()].some((member) => member.untold),
      ask: () =>
        persist((id) => callbacks.destroyChannel({ channelName: name }, id), {
          clock,
          log,
          name: 'destroy_channel',
          onGivenUp: services.givenUp,
        }),
      end: () => this.destroy(),
    })
  }

  /** Takes up a channel that the broker has. */
  static async open(name: string, options: ChannelOptions, services: ChannelServices): Promise<Channel> {
    const channel = new Channel(name, options, services)
    channel.#stopListening = await services.broker.log.listen(name, (numbered) =>
      channel.#fanOut.tell(numbered, channel.options.reflective),
    )
    channel.#settings.start()
    return channel
  }

  get options(): ChannelOptions {
    return this.#settings.options
  }

  /** Whether pages may still come, or must wait for what the application decides. */
  get life(): Pick<Life, 'gone' | 'closing' | 'using' | 'offerLater' | 'decided'> {
    return this.#life
  }

  /** Whether this user is here. */
  hasUser(user: string): boolean {
    return this.#members.get(user)?.present === true
  }

  has(subscriberId: string): boolean {
    return this.#fanOut.get(subscriberId) !== undefined
  }

  /**
   * Lets a subscriber in and answers with `SUBSCRIBED`, what was missed, and from then on what is told. A subscriber who is
   * in already gets a new answer.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `too_many`, `unavailable`
   */
  async subscribe(by: Subscriber, how: Entering): Promise<void> {
    const member = this.#member(by.user)
    member.coming++
    member.leaving?.hurry()
    try {
      await this.#life.using(() =>
        how.ask ? member.questions.run(() => this.#askAndAdmit(member, by, how)) : this.#admit(member, by, how),
      )
    } finally {
      member.coming--
      this.#forgetIdle(member)
    }
  }

  /**
   * The subscriber wants to leave, and the application may refuse it. With `everywhere` all connections of the user leave.
   * `out` is called at the moment from which the subscriber is out: it is told so before it can be let in again.
   *
   * @throws HookboxError `not_subscribed`, `refused`, `webhook_failed`, `too_many`
   */
  async unsubscribe(by: Subscriber, everywhere: boolean, out: () => void): Promise<void> {
    const member = this.#member(by.user)
    try {
      await member.questions.run(async () => {
        this.#checkInside(member, by)
        const last = everywhere || member.connections.size === 1
        if (last && asks(this.options, 'unsubscribe')) {
          const leave = { channelName: this.name, user: by.user }
          const verdict = await this.#services.callbacks.unsubscribe(by.caller, leave)
          this.#services.obey(by.user, by.caller, verdict)
          if (!verdict.ok) throw verdict.error
          // The line may have broken meanwhile, and the leave been announced: the application knows of it now.
          member.owed = undefined
        }
        // It may have been put out meanwhile, and, where the channel was made anew, even be in again.
        if (by.channels.has(this.name)) this.#checkInside(member, by)
        const removed = this.#remove(member, by.id)
        out()
        await Promise.all([removed, everywhere ? this.#removeAll(member, 'unsubscribed') : undefined])
      })
    } finally {
      this.#forgetIdle(member)
      this.#life.offer()
    }
  }

  /** The subscriber's connection is gone: nothing can be refused any more, and the application is told until it has heard. */
  async drop(by: Subscriber): Promise<void> {
    const member = this.#members.get(by.user)
    if (!member?.connections.has(by.id)) return
    const left = this.#remove(member, by.id)
    // Owed from here on: whoever of the user's comes back is to find it, and the channel stays for it.
    if (!member.present && !this.#life.gone && asks(this.options, 'unsubscribe'))
      member.owed = { isDue: left, caller: by.caller }
    await left
    if (member.owed) await this.#tellLeave(member)
    this.#forgetIdle(member)
    this.#life.offer()
  }

  /** The application takes a user out, through all of its connections. False when the user was not here. */
  async remove(user: string, reason: UnsubscribedReason): Promise<boolean> {
    const member = this.#members.get(user)
    if (!member?.present) return false
    await this.#removeAll(member, reason)
    this.#forgetIdle(member)
    this.#life.offer()
    return true
  }

  /** @throws HookboxError as {@link Publisher.publish} */
  publish(by: Publishing): Promise<Published> {
    return this.#life.using(() =>
      this.#publisher.publish(
        by,
        () => this.options,
        () => this.#now(),
      ),
    )
  }

  history(range: HistoryRange): Promise<HistoryPiece> {
    return this.#services.broker.log.history(this.name, retention(this.options), range)
  }

  /** @throws HookboxError as {@link ChannelSettings.change} */
  setOptions(changes: { readonly [name: string]: unknown }): Promise<void> {
    return this.#settings.change(changes)
  }

  /** @throws HookboxError as {@link ChannelSettings.changeState} */
  changeState(change: StateChange): Promise<void> {
    return this.#settings.changeState(change)
  }

  /** What REST `get_channel_info` shows. */
  async info(): Promise<{ name: string; options: { [name: string]: Json }; subscribers: string[]; more?: true }> {
    return { name: this.name, ...(await this.#settings.info()) }
  }

  /** Ends the channel for everybody, without asking. */
  async destroy(): Promise<void> {
    if (!this.#life.end()) return
    this.stop()
    for (const { subscriber } of [...this.#fanOut.all()]) {
      subscriber.putOut(this.name, 'destroyed')
      this.#fanOut.delete(subscriber.id)
      subscriber.left(this.name)
    }
    for (const member of this.#members.values()) member.connections.clear()
    this.#members.clear()
    this.#services.ended(this.name)
    await this.#services.broker.channels.remove(this.name)
  }

  /** What the broker does not know of it. To be asked for before {@link stop}. */
  save(): SavedChannel {
    const members = [...this.#members.values()]
    return {
      life: this.#life.save(),
      initialData: members.flatMap(({ user, initialData }) => (initialData === undefined ? [] : [[user, initialData]])),
      leaves: members.flatMap(({ user, owed, telling, leaving }) => {
        const untold = owed ?? telling
        if (!untold) return []
        const { cookies, address } = untold.caller
        return [{ channel: this.name, user, id: untold.id ?? leaving?.id, cookies, address }]
      }),
    }
  }

  /** Takes up what was saved: who was here lingers here again, and the application is told of those who left. */
  restore({ life, initialData, leaves }: SavedChannel, subscribers: readonly Subscriber[]): void {
    for (const by of subscribers) {
      const member = this.#member(by.user)
      member.connections.add(by.id)
      this.#fanOut.hold(by).replay.release()
      by.joined(this.name)
    }
    for (const [user, data] of initialData) this.#member(user).initialData = data
    this.#life.restore(life)
    for (const { user, id, cookies, address } of leaves) {
      const member = this.#member(user)
      member.owed = { isDue: Promise.resolve(true), caller: { cookies, address, setCookies() {} }, id }
      this.#tellLeave(member)
    }
    for (const member of [...this.#members.values()]) this.#forgetIdle(member)
  }

  /** Ends what this node does for the channel; the channel itself stays. */
  stop(): void {
    this.#stopListening()
    this.#settings.stop()
    this.#life.stop()
    for (const { leaving } of this.#members.values()) leaving?.drop()
  }

  async #askAndAdmit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    // A leave that is still to be told belongs before the next arrival.
    await this.#payLeave(member)
    this.#checkAlive(by)
    let { initialData } = member
    if (!member.present && asks(this.options, 'subscribe')) {
      const verdict = await this.#services.callbacks.subscribe(by.caller, { channelName: this.name, user: by.user })
      this.#services.obey(by.user, by.caller, verdict)
      if (!verdict.ok) throw verdict.error
      initialData = verdict.details.initialData
      if (by.gone && !member.present && asks(this.options, 'unsubscribe')) {
        // The application counts this user among those who are here: it is told that this is over.
        member.owed = { isDue: Promise.resolve(true), caller: by.caller }
        await this.#payLeave(member)
      }
    }
    await this.#admit(member, by, { ...how, initialData })
  }

  /** The order is the point: held back, joined, and only then read, so that the page misses nothing and gets nothing twice. */
  async #admit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    this.#checkAlive(by)
    const entering = !member.present
    const isNew = !member.connections.has(by.id)
    if (entering || how.initialData !== undefined) member.initialData = how.initialData
    this.#life.visited()
    const subscription = this.#fanOut.hold(by)
    member.connections.add(by.id)
    by.joined(this.name)
    const stillIn = () => this.#fanOut.get(by.id) === subscription
    let top: Position | undefined
    try {
      if (entering)
        await this.#services.broker.presence.enter(this.name, by.user, ...this.#presence('SUBSCRIBE', by.user))
      const snapshot = await this.#read(how.since)
      if (!stillIn()) throw new HookboxError('refused', `taken out of channel "${this.name}" before it was entered`)
      by.send(this.#subscribed(member, how, snapshot))
      if (snapshot.missed) by.sendMissed(snapshot.missed.map(({ frame }) => frame))
      top = snapshot.top
    } catch (error) {
      if (isNew && stillIn()) await this.#remove(member, by.id)
      this.#checkAlive(by)
      throw error
    } finally {
      subscription.replay.release(top)
    }
  }

  /** Takes one connection out, and announces the leave where it was the user's last. True when it was, on all nodes. */
  async #remove(member: Member, subscriberId: string): Promise<boolean> {
    const subscription = this.#fanOut.get(subscriberId)
    if (!member.connections.delete(subscriberId)) return false
    this.#fanOut.delete(subscriberId)
    subscription?.subscriber.left(this.name)
    if (member.present || this.#life.gone) return false
    return this.#services.broker.presence.leave(this.name, member.user, ...this.#presence('UNSUBSCRIBE', member.user))
  }

  /** All at once, so that nobody of the user's comes in between. */
  async #removeAll(member: Member, reason: UnsubscribedReason): Promise<void> {
    const ids = [...member.connections]
    for (const id of ids) {
      this.#fanOut.get(id)?.subscriber.putOut(this.name, reason)
    }
    await Promise.all(ids.map((id) => this.#remove(member, id)))
  }

  /** Resolves when the application has heard or was not there; further tries come before any other question about this user. */
  #tellLeave(member: Member): Promise<void> {
    return new Promise((tried) => {
      member.questions
        .runAnyway(() => this.#payLeave(member, tried))
        .catch((err: unknown) => this.#services.log.error({ channel: this.name, err }, 'a leave could not be told'))
        .finally(() => {
          tried()
          this.#forgetIdle(member)
          this.#life.offer()
        })
    })
  }

  /** Tells the application of a leave that it has not heard of. */
  async #payLeave(member: Member, tried: () => void = () => {}): Promise<void> {
    const { owed } = member
    if (!owed) return
    member.owed = undefined
    member.telling = owed
    try {
      if (await owed.isDue) await this.#persistLeave(member, owed, tried)
    } finally {
      member.telling = undefined
      member.leaving = undefined
    }
  }

  async #persistLeave(member: Member, { caller, id: known }: OwedLeave, tried: () => void): Promise<void> {
    const { callbacks, clock, log } = this.#services
    const leave = { channelName: this.name, user: member.user }
    const leaving = persist((id) => callbacks.unsubscribe(caller, leave, id), {
      clock,
      log,
      name: 'unsubscribe',
      onGivenUp: this.#services.givenUp,
      ...(known !== undefined && { newId: () => known }),
    })
    member.leaving = leaving
    if (member.coming > 0) leaving.hurry()
    leaving.firstTry.then((verdict) => verdict.ok || verdict.error.code !== 'webhook_failed' || tried())
    const outcome = await leaving.outcome
    if (typeof outcome !== 'string') this.#services.obey(member.user, caller, outcome)
  }

  /** What subscribers were told of the options is no longer true: all of them get a new answer. */
  async #announce(): Promise<void> {
    const subscriptions = [...this.#fanOut.all()]
    for (const { replay } of subscriptions) replay.hold()
    let snapshot: Snapshot | undefined
    try {
      snapshot = await this.#read()
    } finally {
      for (const subscription of subscriptions) {
        const { subscriber, replay } = subscription
        const member = this.#members.get(subscriber.user)
        const stillIn = this.#fanOut.get(subscriber.id) === subscription
        if (snapshot && member && stillIn) subscriber.send(this.#subscribed(member, { id: 0 }, snapshot))
        replay.release(snapshot?.top)
      }
    }
  }

  #subscribed(member: Member, how: { readonly id: number; readonly since?: Position | undefined }, snapshot: Snapshot) {
    const { initialData } = member
    const resumes = how.since !== undefined
    return subscribedFrame(this.name, this.options, snapshot, { id: how.id, resumes, initialData })
  }

  #presence(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', user: string): [what: Unnumbered, how: Appending] {
    return presenceEntry(name, user, this.#now(), this.options)
  }

  #read(since?: Position): Promise<Snapshot> {
    return this.#services.broker.log.read(this.name, retention(this.options), since)
  }

  #checkInside(member: Member, by: Subscriber): void {
    if (member.connections.has(by.id)) return
    const text = `channel_name: expected a channel of this connection's own, got "${this.name}"`
    throw new HookboxError('not_subscribed', text)
  }

  /** Who enters, and where to, must still be there. */
  #checkAlive(by: Subscriber): void {
    if (this.#life.gone) throw new HookboxError('unavailable', `channel "${this.name}" has just been destroyed`)
    if (by.gone) throw new HookboxError('closed', 'the connection has ended')
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
