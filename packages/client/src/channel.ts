import {
  type ClientArgs,
  formatPosition,
  HookboxError,
  type Json,
  type Position,
  parsePosition,
  type ServerArgs,
  type ServerFrame,
} from '@hookbox/protocol'
import { type Deferred, deferred } from './deferred.ts'
import { Emitter } from './emitter.ts'
import type { SubscriptionEvents } from './events.ts'
import { History } from './history.ts'
import { Presence } from './presence.ts'
import type { Answer, Given } from './requests.ts'
import { State } from './state.ts'
import type { Cancel } from './surroundings.ts'

/** How a subscription has ended. */
export type Ending = 'refused' | 'ended' | 'cancelled'

/** One subscription's hold on its channel. Each has handlers of its own, and gives back no more than itself. */
export interface Hold {
  readonly events: Emitter<SubscriptionEvents>
  readonly ready: Deferred<void>
  /** False where the application made it: then the hub restores it after a break, not the page. */
  readonly asked: boolean
  /** Set once; nothing is told from then on. */
  ending?: Ending
  /** Settles when the hub has let go, where this was the last hold. */
  leaving?: Deferred<void>
  /** Told the end: with the error where the hub refused. */
  readonly onEnd: Set<(error?: HookboxError) => void>
}

/** What a channel needs of the session. */
export interface ChannelLine {
  /** Whether frames can be sent now. */
  readonly open: boolean
  ask<Name extends 'SUBSCRIBE' | 'UNSUBSCRIBE'>(name: Name, args: Given<ClientArgs[Name]>, answer: Answer<never>): void
  /** Milliseconds to wait before try `n` of something that failed for now. */
  delay(n: number): number
  /** How long the hub may take to restore by itself what the application had subscribed. */
  readonly timeout: number
  after(delay: number, run: () => void): Cancel
  now(): number
  /** Whether a publish with this id went out from this page. */
  sentHere(messageId: string): boolean
  /** The hub's state is unknown: the line must be given up. */
  drop(reason: string): void
  /** Nobody holds the channel, and the hub neither. */
  forget(channel: Channel): void
}

/** What is known of a channel in one uninterrupted time of holding it. */
export class View {
  readonly history: History
  readonly presence: Presence = new Presence()
  readonly state: State = new State()
  /** The last entry that was delivered. It moves before handlers run. */
  position: Position | undefined
  /** Entries up to here were missed while the page was away. */
  replayedTo = 0
  presenceful = false
  reflective = true
  more = false
  initialData: Json | undefined

  constructor(now: () => number) {
    this.history = new History(now)
  }
}

type Frames = ServerArgs

/** Whatever all subscribers of a channel are told. */
type ChannelFrame = Extract<
  ServerFrame,
  { name: 'PUBLISH' | 'POSITION' | 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'STATE_UPDATE' | 'EPOCH' }
>

/**
 * One channel, as the page and the hub see it. However many subscriptions hold it, it is subscribed once; only one
 * SUBSCRIBE or UNSUBSCRIBE is unanswered at a time, so that one never overtakes the other.
 */
export class Channel {
  readonly name: string
  readonly holds: Set<Hold> = new Set()
  /** Called whenever the hub has agreed. */
  readonly onAgreed: Set<() => void> = new Set()
  view: View
  readonly #line: ChannelLine
  /** Whether the hub may count this page in: from the first SUBSCRIBE until it said that we are out. */
  #inside = false
  /** Whether every frame since the position is heard on this line. */
  #current = false
  #unanswered: 'SUBSCRIBE' | 'UNSUBSCRIBE' | undefined
  #failures = 0
  #retry: Cancel | undefined
  #leaving: Deferred<void>[] = []

  constructor(name: string, line: ChannelLine) {
    this.name = name
    this.#line = line
    this.view = new View(line.now)
  }

  get current(): boolean {
    return this.#current
  }

  hold(asked: boolean): Hold {
    const hold: Hold = { events: new Emitter(), ready: deferred(), asked, onEnd: new Set() }
    this.holds.add(hold)
    if (this.#current) {
      // others hold it already; this one is told as if the hub had just agreed, once its handlers are bound
      queueMicrotask(() => {
        if (!this.#current) return
        hold.ready.resolve()
        if (this.holds.has(hold)) hold.events.emit('subscribed', { recovered: false, replayed: 0 })
      })
    }
    this.#soon()
    return hold
  }

  release(hold: Hold): Promise<void> {
    if (hold.leaving === undefined) {
      hold.leaving = deferred()
      if (this.holds.has(hold)) {
        this.#leaving.push(hold.leaving)
        this.#end(hold, 'cancelled', new HookboxError('closed', 'the subscription was cancelled'))
        this.#soon()
      } else hold.leaving.resolve()
    }
    return hold.leaving.promise
  }

  /** In a microtask: giving back and taking again in one go (as frameworks do when they mount twice) is no traffic. */
  #soon(): void {
    queueMicrotask(() => this.settle())
  }

  /** Brings the hub to what is held here. */
  settle(): void {
    if (this.holds.size > 0) {
      this.#left()
      if (this.#line.open && this.#unanswered === undefined && this.#retry === undefined && !this.#current) {
        this.#subscribe()
      }
      return
    }
    this.#current = false
    this.#stopRetrying()
    if (this.view.position !== undefined) this.view = new View(this.#line.now)
    if (!this.#line.open) this.#left()
    else if (this.#unanswered === undefined && this.#inside) this.#unsubscribe()
    if (this.#unanswered === undefined && !this.#inside) {
      this.#left()
      this.#line.forget(this)
    }
  }

  /** A line is open: ask for what is held, and leave what was given back meanwhile. */
  opened(): void {
    const asked = [...this.holds].some((hold) => hold.asked)
    if (this.holds.size === 0 || asked) this.settle()
    // the hub restores what the application subscribed; if it does not, ask for it
    else this.#retryIn(this.#line.timeout)
  }

  lost(): void {
    this.#unanswered = undefined
    this.#current = false
    this.#stopRetrying()
    this.#left()
  }

  /** The connection is over. */
  close(error: HookboxError): void {
    this.lost()
    for (const hold of [...this.holds]) this.#end(hold, 'ended', error)
  }

  #subscribe(): void {
    const view = this.view
    const since = view.position
    this.#unanswered = 'SUBSCRIBE'
    this.#inside = true
    this.#line.ask(
      'SUBSCRIBE',
      { channel_name: this.name, since: since && formatPosition(since) },
      {
        done: (answer: Frames['SUBSCRIBED']) => {
          this.#unanswered = undefined
          this.#failures = 0
          // given up and taken again meanwhile: what was missed does not belong to the new holder, who needs all of it
          const unfit = view !== this.view && answer.recovered === true
          if (this.holds.size > 0 && !unfit) this.#subscribed(answer, view === this.view ? since : undefined)
          this.settle()
        },
        failed: (error) => {
          this.#unanswered = undefined
          if (error.code === 'timeout') this.#line.drop('no answer to SUBSCRIBE')
          else if (error.temporary) this.#failed(error)
          else this.#refused(error)
        },
      },
    )
  }

  #unsubscribe(): void {
    this.#unanswered = 'UNSUBSCRIBE'
    const out = (): void => {
      this.#unanswered = undefined
      this.#inside = false
      if (this.holds.size === 0) this.#left()
      this.settle()
    }
    this.#line.ask(
      'UNSUBSCRIBE',
      { channel_name: this.name },
      {
        done: out,
        failed: (error) => {
          if (error.code === 'timeout') return this.#line.drop('no answer to UNSUBSCRIBE')
          // refused, the hub keeps us in; to the page it is over all the same, and what still comes is not told
          if (error.code !== 'not_subscribed') for (const leaving of this.#leaving.splice(0)) leaving.reject(error)
          out()
        },
      },
    )
  }

  #failed(error: HookboxError): void {
    this.#retryIn(this.#line.delay(++this.#failures))
    this.#tell('error', error)
    this.settle()
  }

  #refused(error: HookboxError): void {
    this.#inside = false
    for (const hold of [...this.holds]) {
      this.#end(hold, 'refused', error)
      hold.events.emit('error', error)
    }
    this.settle()
  }

  /** SUBSCRIBED that answers nothing: the application's doing. */
  joined(answer: Frames['SUBSCRIBED']): void {
    // the answer to what is under way is newer than this
    if (this.#unanswered !== undefined) return
    this.#inside = true
    if (this.#current) return this.#changed(answer)
    this.#stopRetrying()
    this.#subscribed(answer, this.view.position)
  }

  #subscribed(answer: Frames['SUBSCRIBED'], since: Position | undefined): void {
    const { view } = this
    const top = toPosition(answer.position)
    this.#current = true
    this.#configure(answer)
    const recovered = since !== undefined && answer.recovered === true
    if (recovered) {
      view.replayedTo = top.offset
      this.#agreed()
      this.#tell('subscribed', { recovered, replayed: answer.missed ?? 0 })
      return
    }
    view.position = top
    view.replayedTo = 0
    const tellChanges = this.#replace(answer)
    this.#agreed()
    if (since !== undefined) this.#tell('gap', gap(since, top))
    tellChanges()
    this.#tell('subscribed', { recovered, replayed: 0 })
  }

  /**
   * The options have changed of a channel whose every frame was heard, so that there is no gap. Had the hub left some out
   * that its answer holds already, they would be asked for: handlers are told each, and history takes each once.
   */
  #changed(answer: Frames['SUBSCRIBED']): void {
    const { position } = this.view
    this.#configure(answer)
    if (position === undefined || answer.recovered) return
    const top = toPosition(answer.position)
    const comparable = top.epoch === position.epoch
    const here = comparable && top.offset === position.offset
    if (comparable && top.offset >= position.offset) this.#replace(answer)()
    if (!here && this.#current) this.#resume()
  }

  #configure(answer: Frames['SUBSCRIBED']): void {
    const { view } = this
    view.presenceful = answer.presenceful
    view.reflective = answer.reflective
    view.history.resize(answer.history_size, answer.history_duration, answer.history_publish_only === true)
    if (answer.initial_data !== undefined) view.initialData = answer.initial_data
  }

  /** Takes over all that a newcomer gets. What changed by it is told by calling what comes back. */
  #replace(answer: Frames['SUBSCRIBED']): () => void {
    const { view } = this
    view.more = answer.more === true
    view.history.replace(answer.history ?? [])
    const presenceChanged = view.presence.replace(answer.presence ?? [], answer.present)
    const stateChange = view.state.replace(answer.state ?? {})
    return () => {
      if (presenceChanged) this.#tell('presence', view.presence.list)
      if (stateChange !== undefined) this.#tell('state', view.state.object, stateChange)
    }
  }

  #agreed(): void {
    for (const hold of this.holds) hold.ready.resolve()
    for (const agreed of [...this.onAgreed]) agreed()
  }

  /** UNSUBSCRIBED: the hub has put this page out. Whether anybody here held it. */
  removed(error: HookboxError): boolean {
    // the answer to what is under way is newer than this
    if (this.#unanswered !== undefined || this.holds.size === 0) return false
    this.#inside = false
    for (const hold of [...this.holds]) this.#end(hold, 'ended', error)
    this.settle()
    return true
  }

  /** What is told to everybody in the channel. */
  heard({ name, args }: ChannelFrame): void {
    if (name === 'EPOCH') {
      if (this.#current && this.view.position?.epoch !== args.epoch) this.#resume()
    } else if (name === 'PUBLISH') this.#published(args)
    else {
      const replayed = this.#follows(args.offset)
      if (replayed === undefined || name === 'POSITION') return
      if (name === 'STATE_UPDATE') this.#stateUpdated(args)
      else this.#cameOrWent(name, args)
    }
  }

  #published({ channel_name, ...entry }: Frames['PUBLISH']): void {
    const { offset, message_id } = entry
    // what is for this page alone has no number, moves nothing and enters no history
    const replayed = offset === undefined ? false : this.#follows(offset)
    if (replayed === undefined) return
    if (offset !== undefined) {
      if (!this.view.reflective && message_id !== undefined && this.#line.sentHere(message_id)) return
      this.view.history.add(['PUBLISH', entry])
    }
    this.#tell('publish', { ...entry, replayed })
  }

  #cameOrWent(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', { user, datetime, offset }: Frames['SUBSCRIBE']): void {
    const { history, presence } = this.view
    const came = name === 'SUBSCRIBE'
    history.add([name, { user, datetime, offset }])
    const changed = came ? presence.join(user) : presence.leave(user)
    this.#tell(came ? 'subscribe' : 'unsubscribe', { user, datetime })
    if (changed) this.#tell('presence', presence.list)
  }

  #stateUpdated({ updates, deletes }: Frames['STATE_UPDATE']): void {
    const change = { updates, deletes }
    this.view.state.apply(change)
    this.#tell('state', this.view.state.object, change)
  }

  /**
   * Whether a numbered frame is the next one, and then whether it comes late. It is undefined for a repeat, for a jump
   * (asked for again from the position) and while the hub's answer is awaited, which brings it in order.
   */
  #follows(offset: number): boolean | undefined {
    const { view } = this
    if (!this.#current || view.position === undefined || offset <= view.position.offset) return undefined
    if (offset > view.position.offset + 1) {
      this.#resume()
      return undefined
    }
    view.position = { epoch: view.position.epoch, offset }
    return offset <= view.replayedTo
  }

  #resume(): void {
    this.#current = false
    this.settle()
  }

  #retryIn(delay: number): void {
    this.#stopRetrying()
    this.#retry = this.#line.after(delay, () => {
      this.#retry = undefined
      this.settle()
    })
  }

  #stopRetrying(): void {
    this.#retry?.()
    this.#retry = undefined
  }

  /** Whoever gave the channel back need not wait any longer. */
  #left(): void {
    for (const leaving of this.#leaving.splice(0)) leaving.resolve()
  }

  #end(hold: Hold, ending: Ending, error: HookboxError): void {
    hold.ending = ending
    this.holds.delete(hold)
    hold.ready.reject(error)
    for (const end of [...hold.onEnd]) end(ending === 'refused' ? error : undefined)
  }

  /** To those who hold it now and still do when it is their turn; whoever takes hold meanwhile comes after this event. */
  #tell<Name extends keyof SubscriptionEvents>(name: Name, ...args: Parameters<SubscriptionEvents[Name]>): void {
    for (const hold of [...this.holds]) if (this.holds.has(hold)) hold.events.emit(name, ...args)
  }
}

function gap(last: Position, now: Position): SubscriptionGap {
  const lost = now.offset - last.offset
  const known = last.epoch === now.epoch && lost > 0
  return {
    reason: last.epoch === now.epoch ? 'expired' : 'epoch',
    last: formatPosition(last),
    now: formatPosition(now),
    ...(known && { lost }),
  }
}

type SubscriptionGap = Parameters<SubscriptionEvents['gap']>[0]

/** Reads a position that the hub must have written well. */
export function toPosition(text: string): Position {
  const position = parsePosition(text)
  if (position === undefined) throw new HookboxError('malformed', `position: expected "epoch:offset", got "${text}"`)
  return position
}
