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
  ChannelRecord,
  HistoryPiece,
  HistoryRange,
  Lease,
  Numbered,
  Owed,
  Snapshot,
  StateChange,
  Stop,
  Unnumbered,
} from '../broker/broker.ts'
import { randomId } from '../ids.ts'
import { insist } from '../insist.ts'
import { recoveryOf } from '../signals/signals.ts'
import { after, rescue, type Soon } from '../soon.ts'
import { type Caller, nobody } from '../webhooks/callbacks.ts'
import { persist } from '../webhooks/persist.ts'
import { FanOut } from './fan-out.ts'
import { Life } from './life.ts'
import { Member } from './member.ts'
import { isMissing } from './missing.ts'
import { type ChannelOptions, retention } from './options.ts'
import { presenceEntry } from './presence-entry.ts'
import { Publisher, type Publishing } from './publish.ts'
import { asks } from './rules.ts'
import type { ChannelServices, Duty } from './services.ts'
import { ChannelSettings } from './settings.ts'
import { subscribedFrame } from './subscribed.ts'
import type { Subscriber } from './subscriber.ts'

/** How a subscriber comes in. */
export interface Entering {
  /** The number of the frame that asked, or 0. */
  readonly id: number
  readonly since?: Position | undefined
  /** The page asked, so that the `subscribe` webhook is asked where the options say so; else the application gave it. */
  readonly ask: boolean
  /** What the application, asked already, had for the user. */
  readonly initialData?: JsonText | undefined
}

/** Whoever looks on without being in the channel. */
export interface Watcher {
  /** Told to all subscribers, in order. */
  heard(numbered: Numbered): void
  /** Something else may be different now: options, history, state. */
  changed(): void
  /** The channel is gone, or this node has nothing to do with it any more. Nothing more is heard. */
  ended(): void
}

/** The application is being asked whether the channel may go: whoever wants to enter waits for its answer, and tries again. */
export class ChannelClosing extends Error {
  override name = 'ChannelClosing'
}

/** An epoch that no log ever has. */
const noEpoch = 'none'

/** One channel on this node: who is in it, and how one comes in and out. */
export class Channel {
  readonly name: string
  readonly #services: ChannelServices
  readonly #fanOut: FanOut
  readonly #publisher: Publisher
  readonly #settings: ChannelSettings
  readonly #life: Life
  readonly #members = new Map<string, Member>()
  readonly #watchers = new Set<Watcher>()
  #stopListening: Stop = () => {}
  #lastTime = 0

  private constructor(name: string, record: ChannelRecord, services: ChannelServices) {
    this.name = name
    this.#services = services
    this.#fanOut = new FanOut(name, services.signals)
    this.#publisher = new Publisher(name, services, { options: () => this.options, now: () => this.#now() })
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
            await this.#life.using(async () => this.publish({ ...by, ask: 'never' }))
          },
          setOptions: (changes) => this.setOptions(changes),
        },
      },
      record,
      services,
    )
    const { broker, callbacks, clock, log } = services
    this.#life = new Life({
      clock,
      // The application hears that its last user has left before it is asked about the channel.
      wantedHere: () => this.#fanOut.size > 0 || [...this.#members.values()].some(({ untold }) => untold > 0),
      look: () => broker.channels.look(name),
      take: (end) => broker.leases.take({ of: 'destroy', channel: name }, { wanted: end, lost: end }),
      note: (due) => services.noteDuty({ of: 'offer', channel: name }, due),
      ask: () =>
        persist((id) => callbacks.destroyChannel({ channelName: name }, id), {
          clock,
          log,
          name: 'destroy_channel',
          onGivenUp: services.givenUp,
        }),
      keep: (visits) => broker.channels.keep(name, visits),
      end: async () => void (await broker.channels.remove(name, 'unused')),
      failed: (err) => log.error({ channel: name, err }, 'a channel could not be offered to the application'),
    })
  }

  /** Takes part in a channel that the broker has. Undefined where there is none. */
  static async open(name: string, services: ChannelServices): Promise<Channel | undefined> {
    const early: ((channel: Channel) => void)[] = []
    let opened: Channel | undefined
    /** What is heard before this node has made up its own part waits for it. */
    const hear = (what: (channel: Channel) => void) => (opened ? what(opened) : void early.push(what))
    const found = await services.broker.channels.open(name, {
      heard: (numbered) =>
        hear((channel) => {
          channel.#lastTime = Math.max(channel.#lastTime, numbered.at)
          channel.#fanOut.tell(numbered, channel.options.reflective)
          for (const watcher of channel.#watchers) watcher.heard(numbered)
        }),
      changed: (record) =>
        hear((channel) => {
          channel.#settings.adopt(record)
          for (const watcher of channel.#watchers) watcher.changed()
        }),
      lost: ({ epoch }) =>
        hear((channel) => {
          channel.#fanOut.began(epoch)
          for (const watcher of channel.#watchers) watcher.changed()
        }),
      removed: (how) => hear((channel) => channel.#removed(how)),
    })
    if (!found) return undefined
    const channel = new Channel(name, found.record, services)
    channel.#stopListening = found.stop
    opened = channel
    for (const what of early) what(channel)
    if (!channel.#life.gone) channel.#settings.start()
    return channel
  }

  get options(): ChannelOptions {
    return this.#settings.options
  }

  /** Whether pages may still come, or must wait for what the application decides. */
  get life(): Pick<Life, 'gone' | 'closing' | 'using' | 'offer' | 'offerLater'> {
    return this.#life
  }

  /** Nothing would be lost if this node let go of it. */
  get idle(): boolean {
    const unseen = this.#fanOut.size === 0 && this.#members.size === 0 && this.#watchers.size === 0
    return unseen && this.#life.idle && this.#settings.idle
  }

  /** How many subscribers are here. */
  get subscriptions(): number {
    return this.#fanOut.size
  }

  has(subscriberId: string): boolean {
    return this.#fanOut.get(subscriberId) !== undefined
  }

  /**
   * Lets a subscriber in and answers with `SUBSCRIBED`, what was missed, and from then on what is told. A subscriber who is
   * in already gets a new answer.
   *
   * @throws HookboxError `refused`, `webhook_failed`, `too_many`, `unavailable`; ChannelClosing
   */
  async subscribe(by: Subscriber, how: Entering): Promise<void> {
    const member = this.#member(by.user)
    member.coming++
    member.leaving?.hurry()
    try {
      await this.#life.using(() =>
        how.ask ? member.questions.run(() => this.#askAndAdmit(member, by, how)) : this.#admitGiven(member, by, how),
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
    const leave = () => this.#askAndLeave(member, by, everywhere, out)
    try {
      const owed = await member.questions.run(() => this.#alone(member, leave))
      // Its turn is over, so that what is to be told has one.
      if (owed) await this.#tellOwing(member, by, owed)
    } finally {
      this.#forgetIdle(member)
      this.#life.offer()
    }
  }

  /** The subscriber's connection is gone: nothing can be refused any more, and the application is told until it has heard. */
  async drop(by: Subscriber): Promise<void> {
    const member = this.#members.get(by.user)
    if (!member?.connections.has(by.id)) return
    await this.#removeOwing(member, by, asks(this.options, 'unsubscribe') ? owedBy(by.caller) : undefined)
    this.#forgetIdle(member)
    await this.#life.offer()
  }

  /** The subscriber's connection is another node's by now: here it is forgotten, and nothing is announced. */
  forget(by: Subscriber): void {
    const member = this.#members.get(by.user)
    if (!member?.connections.delete(by.id)) return
    this.#fanOut.delete(by.id)
    by.left(this.name)
    this.#forgetIdle(member)
  }

  /** The application takes a user out, through all connections that it has here. */
  async remove(user: string, reason: UnsubscribedReason): Promise<void> {
    const member = this.#members.get(user)
    if (!member?.present) return
    await this.#removeAll(member, reason)
    this.#forgetIdle(member)
    this.#life.offer()
  }

  /** Whether it can be published into without asking anybody. */
  get publishesUnasked(): boolean {
    return !asks(this.options, 'publish')
  }

  /** For whoever uses it meanwhile ({@link life}). @throws HookboxError as {@link Publisher.publish} */
  publish(by: Publishing): Soon<Published> {
    const { publishes } = this.#services.signals
    return rescue(
      () =>
        after(this.#publisher.publish(by), (published) => {
          publishes.add(
            published.duplicate ? 'duplicate' : published.position === undefined ? 'only_to_sender' : 'published',
          )
          return published
        }),
      (error) => {
        // What waits for the channel's end is tried again.
        if (!(error instanceof ChannelClosing)) publishes.add(error instanceof HookboxError ? error.code : 'internal')
        throw error
      },
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

  /** From now on the watcher hears what happens here; it keeps the channel open on this node, but does not count as using it. */
  watch(watcher: Watcher): Stop {
    this.#watchers.add(watcher)
    return () => void this.#watchers.delete(watcher)
  }

  /** What REST `get_channel_info` shows. */
  async info(): Promise<{ name: string; options: { [name: string]: Json }; subscribers: string[]; more?: true }> {
    return { name: this.name, ...(await this.#settings.info()) }
  }

  /**
   * A connection that this node has inherited, or taken over, was here: it lingers here again. False where it is not here;
   * where it had left, the application is told, in case that it was not. Nobody waits for its answer.
   */
  async restore(by: Subscriber): Promise<boolean> {
    const { connections, initialData, owed } = await this.#services.broker.presence.find(this.name, by.user)
    const member = this.#member(by.user)
    const isHere = connections.includes(by.id)
    if (isHere) {
      member.initialData = initialData
      member.connections.add(by.id)
      this.#fanOut.release(this.#fanOut.hold(by))
      by.joined(this.name)
    }
    if (owed) this.#tellInherited(member, owed)
    this.#forgetIdle(member)
    return isHere
  }

  /** This node has inherited the telling of a leave: it begins. */
  async tellOwed(user: string): Promise<void> {
    const { owed } = await this.#services.broker.presence.find(this.name, user)
    if (owed) this.#tellInherited(this.#member(user), owed)
  }

  /** What the broker may have lost is written again: that this one is here. */
  async reassert(by: Subscriber): Promise<void> {
    if (!this.has(by.id)) return
    const [what, how] = this.#presence('SUBSCRIBE', by.user)
    const who = { user: by.user, connection: by.id }
    try {
      await this.#services.broker.presence.enter(this.name, who, what, { ...how, anyway: true })
    } catch (error) {
      // It has ended meanwhile, and so has this.
      if (!isMissing(error)) throw error
    }
  }

  /** Whether the broker has it that this connection is here, on whichever node. */
  async holds(user: string, connection: string): Promise<boolean> {
    const present = await this.#services.broker.presence.find(this.name, user).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
    return present?.connections.includes(connection) === true
  }

  /** What the broker may have brought back is taken away again: that this one is here. */
  async retract(user: string, connection: string): Promise<void> {
    await this.#services.broker.presence.leave(this.name, { user, connection }, ...this.#presence('UNSUBSCRIBE', user))
    this.#life.offer()
  }

  /** Ends what this node does for the channel; the channel itself stays. */
  stop(): void {
    this.#stopListening()
    this.#settings.stop()
    this.#life.stop()
    for (const { leaving } of this.#members.values()) leaving?.drop()
    const watchers = [...this.#watchers]
    this.#watchers.clear()
    for (const watcher of watchers) watcher.ended()
  }

  /** The channel is gone. Where nobody ended it, whoever is here takes it up again, and is told of a gap. */
  #removed(how: 'destroyed' | 'lost'): void {
    if (this.#life.gone) return
    this.stop()
    if (how === 'lost') this.#fanOut.began(noEpoch)
    for (const { subscriber } of [...this.#fanOut.all()]) {
      if (how === 'destroyed') subscriber.putOut(this.name, 'destroyed')
      this.#fanOut.delete(subscriber.id)
      subscriber.left(this.name)
      this.#services.note(subscriber, this.name, null)
    }
    for (const member of this.#members.values()) member.connections.clear()
    this.#members.clear()
    this.#services.ended(this.name)
  }

  /** Calls for one user and channel are made one after another, on all nodes; what nobody is asked about need not wait. */
  async #alone<T>(member: Member, task: () => Promise<T>): Promise<T> {
    if (!asks(this.options, 'subscribe') && !asks(this.options, 'unsubscribe')) return task()
    return this.#withLease(member, task)
  }

  async #withLease<T>(member: Member, task: () => Promise<T>): Promise<T> {
    const key = { of: 'visit', channel: this.name, user: member.user } as const
    const wanted = () => {
      member.wanted = true
      member.leaving?.hurry()
    }
    const lease: Lease = await this.#services.broker.leases.wait(key, { wanted })
    try {
      return await task()
    } finally {
      member.wanted = false
      await lease.release()
    }
  }

  async #askAndAdmit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    const who = { user: by.user, connection: by.id }
    const { presence } = this.#services.broker
    await this.#alone(member, async () => {
      const mayAsk = asks(this.options, 'subscribe')
      // Nobody is to end the channel while the application is asked about somebody who enters it.
      const present = await (mayAsk ? presence.expect(this.name, who) : presence.find(this.name, by.user))
      const { connections, closing, owed, initialData } = present
      if (closing && connections.length === 0) throw new ChannelClosing()
      try {
        // A leave that is still to be told belongs before the next arrival.
        if (owed) await this.#payLeave(member, owed, callerOf(owed))
        this.#checkAlive(by)
        member.initialData = initialData
        const isAsked = connections.length === 0 && mayAsk
        const entering = isAsked ? { ...how, initialData: await this.#askToEnter(by) } : how
        if (!(await this.#noteEntering(member, by, how))) {
          if (isAsked) await this.#takeBack(member, by)
          throw connectionEnded()
        }
        await this.#admit(member, by, entering)
      } catch (error) {
        if (mayAsk && !this.#life.gone) {
          await presence.withdraw(this.name, who)
          // Another node may have left it alone because of this one.
          if (this.#fanOut.size === 0) this.#life.offerLater()
        }
        throw error
      }
    })
  }

  async #askToEnter(by: Subscriber): Promise<JsonText | undefined> {
    const verdict = await this.#services.callbacks.subscribe(by.caller, { channelName: this.name, user: by.user })
    this.#services.obey(by.user, by.caller, verdict)
    if (!verdict.ok) throw verdict.error
    return verdict.details.initialData
  }

  /** Who was to enter does not, and the application counts the user among those who are here: it is told that this is over. */
  async #takeBack(member: Member, by: Subscriber): Promise<void> {
    if (!asks(this.options, 'unsubscribe') || this.#life.gone) return
    const { connections } = await this.#services.broker.presence.find(this.name, by.user)
    if (connections.length === 0) await this.#payLeave(member, owedBy(by.caller), by.caller)
  }

  async #admitGiven(member: Member, by: Subscriber, how: Entering): Promise<void> {
    if (!(await this.#noteEntering(member, by, how))) throw connectionEnded()
    await this.#admit(member, by, how)
  }

  /** What the subscriber is here from now on is noted. False where its connection has ended, or is another node's by now. */
  async #noteEntering(member: Member, by: Subscriber, { ask }: Entering): Promise<boolean> {
    if (by.gone) return false
    if (member.connections.has(by.id)) return true
    return (await this.#services.noteEntering(by, this.name, ask ? 'asked' : 'promised')) && !by.gone
  }

  /** The order is the point: held back, joined, and only then read, so that the page misses nothing and gets nothing twice. */
  async #admit(member: Member, by: Subscriber, how: Entering): Promise<void> {
    this.#checkAlive(by)
    const isNew = !member.connections.has(by.id)
    const subscription = this.#fanOut.hold(by)
    member.connections.add(by.id)
    by.joined(this.name)
    const stillIn = () => this.#fanOut.get(by.id) === subscription
    let top: Position | undefined
    try {
      if (isNew) await this.#enter(member, by, how)
      if (isNew && !how.ask) this.#services.note(by, this.name, 'given')
      const snapshot = await this.#read(how.since)
      if (!stillIn()) throw new HookboxError('refused', `taken out of channel "${this.name}" before it was entered`)
      subscription.replay.pass(snapshot.top)
      if (how.since) this.#services.signals.channelRecoveries.add(recoveryOf(snapshot.missed, how.since, snapshot.top))
      by.send(this.#subscribed(member, how, snapshot))
      if (snapshot.missed) by.sendMissed(snapshot.missed.map(({ frame }) => frame))
      top = snapshot.top
    } catch (error) {
      if (isNew && stillIn()) await this.#remove(member, by.id)
      this.#checkAlive(by)
      throw error
    } finally {
      this.#fanOut.release(subscription, top)
    }
  }

  async #enter(member: Member, by: Subscriber, { ask, initialData }: Entering): Promise<void> {
    const { presence } = this.#services.broker
    const isFirstHere = member.connections.size === 1
    const [what, { told, kept, keep }] = this.#presence('SUBSCRIBE', by.user)
    const who = { user: by.user, connection: by.id }
    const entered = await presence.enter(this.name, who, what, { told, kept, keep, anyway: !ask })
    if (entered === 'closing') throw new ChannelClosing()
    if (entered === 'first' || initialData !== undefined) member.initialData = initialData
    if (initialData !== undefined) await presence.provide(this.name, by.user, initialData)
    else if (entered === 'further' && isFirstHere && !ask)
      member.initialData = (await presence.find(this.name, by.user)).initialData
  }

  /** Gives what the application is still to be told, if the user has left without its word. */
  async #askAndLeave(member: Member, by: Subscriber, everywhere: boolean, out: () => void): Promise<Owed | undefined> {
    this.#checkInside(member, by)
    const { presence } = this.#services.broker
    let owed: Owed | undefined
    if (asks(this.options, 'unsubscribe')) {
      const isLast = async () =>
        (await presence.find(this.name, by.user)).connections.every((connection) => connection === by.id)
      if (everywhere || (await isLast())) await this.#askToLeave(by)
      // Where the others leave meanwhile, the application is told after all.
      else owed = owedBy(by.caller)
    }
    // It may have been put out meanwhile, and, where the channel was made anew, even be in again.
    if (by.channels.has(this.name)) this.#checkInside(member, by)
    const removed = this.#remove(member, by.id, owed)
    out()
    const [wasLast] = await Promise.all([removed, everywhere ? this.#leaveEverywhere(member) : undefined])
    return wasLast ? owed : undefined
  }

  async #askToLeave(by: Subscriber): Promise<void> {
    const { broker, callbacks, obey } = this.#services
    const verdict = await callbacks.unsubscribe(by.caller, { channelName: this.name, user: by.user })
    obey(by.user, by.caller, verdict)
    if (!verdict.ok) throw verdict.error
    if (this.#life.gone) return
    // The line may have broken meanwhile, and the leave been announced: the application knows of it now.
    const { owed } = await broker.presence.find(this.name, by.user)
    if (owed) await broker.presence.settle(this.name, by.user, owed.id)
  }

  async #leaveEverywhere(member: Member): Promise<void> {
    await Promise.all([this.#removeAll(member, 'unsubscribed'), this.#services.removeElsewhere(member.user, this.name)])
  }

  /** Takes one connection out; where it was the user's last, the application is told until it has heard. */
  async #removeOwing(member: Member, by: Subscriber, owed: Owed | undefined): Promise<void> {
    if ((await this.#remove(member, by.id, owed)) && owed) await this.#tellOwing(member, by, owed)
  }

  async #tellOwing(member: Member, by: Subscriber, owed: Owed): Promise<void> {
    // The channel stays for it.
    member.untold++
    try {
      await this.#tellLeave(member, owed, by.caller)
      // Not before: should this node be gone by then, whoever inherits the connection tells it.
      this.#services.note(by, this.name, null)
    } finally {
      member.untold--
    }
  }

  /** Takes one connection out, and announces the leave where it was the user's last. True when it was, on all nodes. */
  async #remove(member: Member, subscriberId: string, owed?: Owed): Promise<boolean> {
    const subscriber = this.#fanOut.get(subscriberId)?.subscriber
    if (!member.connections.delete(subscriberId)) return false
    this.#fanOut.delete(subscriberId)
    subscriber?.left(this.name)
    const { broker, clock, note } = this.#services
    const who = { user: member.user, connection: subscriberId }
    // Here it is out already, and its page may know: the others must see that, too, unless it is in again.
    const matters = () => !this.#life.gone && !member.connections.has(subscriberId)
    member.untold++
    try {
      const leave = () => broker.presence.leave(this.name, who, ...this.#presence('UNSUBSCRIBE', member.user), owed)
      const left = await insist(leave, { clock, matters })
      if (left === undefined) return false
      if (subscriber && !(left.last && owed)) note(subscriber, this.name, null)
      return left.last
    } finally {
      member.untold--
    }
  }

  /** All at once, so that nobody of the user's comes in between. */
  async #removeAll(member: Member, reason: UnsubscribedReason): Promise<void> {
    const ids = [...member.connections]
    for (const id of ids) {
      this.#fanOut.get(id)?.subscriber.putOut(this.name, reason)
    }
    await Promise.all(ids.map((id) => this.#remove(member, id)))
  }

  /** What a node that is gone was to tell. It is this node's to tell at once, so that whoever waits for this need not wait for the application. */
  #tellInherited(member: Member, owed: Owed): void {
    this.#services.noteDuty(this.#leaveDuty(member), true)
    this.#tellLeave(member, owed, callerOf(owed), true)
  }

  /**
   * Resolves when the application has heard or was not there; further tries come before any other question about this user.
   * `noted`: that this node is to see to it is noted already.
   */
  #tellLeave(member: Member, owed: Owed, caller: Caller, noted = false): Promise<void> {
    member.untold++
    return new Promise((tried) => {
      const tell = async () => {
        if (this.#life.gone) return
        const { owed: still } = await this.#services.broker.presence.find(this.name, member.user)
        if (still?.id === owed.id) await this.#payLeave(member, owed, caller, { noted, tried })
        // Whoever came back has told it.
        else if (noted) this.#services.noteDuty(this.#leaveDuty(member), false)
      }
      member.questions
        .runAnyway(() => this.#withLease(member, tell))
        .catch((err: unknown) => {
          if (!this.#life.gone) this.#services.log.error({ channel: this.name, err }, 'a leave could not be told')
        })
        .finally(() => {
          member.untold--
          tried()
          this.#forgetIdle(member)
          this.#life.offer()
        })
    })
  }

  /** Tells the application of a leave that it has not heard of. */
  async #payLeave(
    member: Member,
    owed: Owed,
    caller: Caller,
    how: { readonly noted: boolean; readonly tried: () => void } = { noted: false, tried: () => {} },
  ): Promise<void> {
    const { broker, callbacks, clock, log, givenUp, noteDuty, obey } = this.#services
    const leave = { channelName: this.name, user: member.user }
    const leaving = persist((id) => callbacks.unsubscribe(caller, leave, id), {
      clock,
      log,
      name: 'unsubscribe',
      onGivenUp: givenUp,
      newId: () => owed.id,
    })
    member.leaving = leaving
    if (member.coming > 0 || member.wanted) leaving.hurry()
    const duty = this.#leaveDuty(member)
    let { noted } = how
    leaving.firstTry.then((verdict) => {
      if (verdict.ok || verdict.error.code !== 'webhook_failed') return
      // From here on it outlasts the connection that it is about.
      noted = true
      noteDuty(duty, true)
      how.tried()
    })
    const outcome = await leaving.outcome
    member.leaving = undefined
    // An heir may be at it by now.
    if (outcome === 'dropped') return
    if (noted) noteDuty(duty, false)
    if (!this.#life.gone) await broker.presence.settle(this.name, member.user, owed.id)
    if (outcome !== 'given up') obey(member.user, caller, outcome)
  }

  #leaveDuty({ user }: Member): Duty {
    return { of: 'leave', channel: this.name, user }
  }

  /** What subscribers were told of the options is no longer true: all of them get a new answer. Who is about to enter gets one anyway. */
  async #announce(): Promise<void> {
    const subscriptions = [...this.#fanOut.all()].filter(({ replay }) => !replay.holding)
    for (const subscription of subscriptions) this.#fanOut.holdBack(subscription)
    let snapshot: Snapshot | undefined
    try {
      snapshot = await this.#read()
    } finally {
      for (const subscription of subscriptions) {
        const { subscriber, replay } = subscription
        const member = this.#members.get(subscriber.user)
        if (snapshot) {
          replay.pass(snapshot.top)
          const stillIn = this.#fanOut.get(subscriber.id) === subscription
          if (member && stillIn) subscriber.send(this.#subscribed(member, { id: 0 }, snapshot))
        }
        this.#fanOut.release(subscription, snapshot?.top)
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

  async #read(since?: Position): Promise<Snapshot> {
    const { log } = this.#services.broker
    for (;;) {
      const { presenceful } = this.options
      const snapshot = await log.read(this.name, retention(this.options), since, presenceful)
      // Where it has become presenceful meanwhile, who is here is to be told after all.
      if (presenceful || !this.options.presenceful) return snapshot
    }
  }

  #checkInside(member: Member, by: Subscriber): void {
    if (member.connections.has(by.id)) return
    const text = `channel_name: expected a channel of this connection's own, got "${this.name}"`
    throw new HookboxError('not_subscribed', text)
  }

  /** Who enters, and where to, must still be there. */
  #checkAlive(by: Subscriber): void {
    if (this.#life.gone) throw new HookboxError('unavailable', `channel "${this.name}" has just been destroyed`)
    if (by.gone) throw connectionEnded()
  }

  #member(user: string): Member {
    const member = this.#members.get(user) ?? new Member(user)
    this.#members.set(user, member)
    return member
  }

  #forgetIdle(member: Member): void {
    member.rest()
    if (member.idle && this.#members.get(member.user) === member) this.#members.delete(member.user)
  }

  /** Times within a channel never go back, whatever the system's clock does. */
  #now(): number {
    this.#lastTime = Math.max(this.#lastTime, this.#services.clock.now())
    return this.#lastTime
  }
}

function connectionEnded(): HookboxError {
  return new HookboxError('closed', 'the connection has ended')
}

function owedBy({ cookies, address }: Caller): Owed {
  return { id: randomId(), cookies, address }
}

/** Whoever left is not there any more to be given cookies. */
function callerOf({ cookies, address }: Owed): Caller {
  return { cookies, address, setCookies() {} }
}
