import { type Entry, formatPosition, type Position, type ServerArgs } from '@hookbox/protocol'
import type { GapEvent, SubscriptionEvents } from './events.ts'
import { createHistory } from './history.ts'
import type { Means } from './means.ts'
import { follows, type Place, placeAt } from './position.ts'
import { createPresence } from './presence.ts'
import { createState, type StateChange } from './state.ts'
import type { Subscription } from './subscription.ts'
import type { Writable } from './writable.ts'

/** Who hears frames, by their names; what else every object has is no frame's. */
export type Handlers<Name extends keyof ServerArgs> = {
  readonly [N in Name]?: (args: ServerArgs[N]) => void
} & { readonly [name: string]: ((args: never) => void) | null | undefined } & { readonly __proto__: null }

/** What a view tells. What it shows itself under an event's name is not handed over: it is looked up where somebody hears it. */
export interface Told extends Omit<SubscriptionEvents, 'presence' | 'state'> {
  presence: () => void
  state: (change: StateChange) => void
}

/** Tells those who hold the channel. */
export type Tell = <Name extends keyof Told>(name: Name, ...args: Parameters<Told[Name]>) => void

/** The part of a subscription that says what is known of its channel. */
export type Shown = { readonly history: readonly Entry[] } & Pick<
  Subscription,
  'position' | 'historySize' | 'moreHistory' | 'presence' | 'present' | 'state' | Settings
>

type Settings = 'presenceful' | 'reflective' | 'initialData'

/** What is known of a channel in one uninterrupted time of holding it. */
export interface View {
  /** What subscriptions show of it. */
  readonly shown: Shown
  /** Whether every frame since the position is heard on this line. */
  current: boolean
  /** The last entry that was delivered. It moves before handlers run. */
  position: Place | undefined
  /** The hub has agreed: asked from the position, or from the beginning. */
  enter(answer: ServerArgs['SUBSCRIBED']): void
  /** The hub says so again, unasked. */
  saidAgain(answer: ServerArgs['SUBSCRIBED']): void
  /** Whatever all subscribers are told. */
  readonly handlers: Handlers<keyof ServerArgs>
}

/** `askAgain` is called when frames are missing: the hub is to be asked again, from the position. */
export function createView({ around, outbox }: Means, tell: Tell, askAgain: () => void): View {
  const history = createHistory(around.now)
  const presence = createPresence()
  const state = createState()
  /** Entries up to here were missed while the page was away. */
  let replayedTo = 0

  const shown: Writable<Shown> = {
    get position() {
      return view.position && formatPosition(view.position)
    },
    get history() {
      return history.snapshot
    },
    get presence() {
      return presence.snapshot
    },
    get present() {
      return presence.count
    },
    get state() {
      return state.snapshot
    },
    historySize: 0,
    moreHistory: false,
    presenceful: false,
    reflective: true,
    initialData: undefined,
  }

  const view: View = {
    shown,
    current: false,
    position: undefined,

    enter(answer) {
      const since = view.position
      const top = placeAt(answer.position)
      const recovered = Boolean(since && answer.recovered)
      view.current = true
      configure(answer)
      replayedTo = recovered ? top.offset : 0
      if (!recovered) {
        view.position = top
        replace(answer, since && gapBetween(since, top))
      }
      tell('subscribed', { recovered, replayed: answer.missed ?? 0 })
    },

    // The options have changed of a channel whose every frame was heard, so that there is no gap. Had the hub left some out
    // that its answer holds already, they would be asked for: handlers are told each, and history takes each once.
    saidAgain(answer) {
      const { position } = view
      configure(answer)
      if (!position || answer.recovered) return
      const top = placeAt(answer.position)
      const ahead = top.epoch === position.epoch ? top.offset - position.offset : -1
      if (ahead >= 0) replace(answer)
      if (ahead !== 0 && view.current) askAgain()
    },

    handlers: {
      __proto__: null,
      EPOCH({ epoch }) {
        if (view.current && view.position?.epoch !== epoch) askAgain()
      },
      PUBLISH({ channel_name, ...entry }) {
        const { offset, message_id } = entry
        // what is for this page alone has no number, moves nothing and enters no history
        if (offset !== undefined) {
          if (!isNext(offset) || (!shown.reflective && outbox.sentHere(message_id))) return
          history.add(['PUBLISH', entry])
        }
        tell('publish', { ...entry, replayed: (offset as number) <= replayedTo })
      },
      POSITION({ offset }) {
        isNext(offset)
      },
      STATE_UPDATE({ channel_name, offset, ...change }) {
        if (!isNext(offset)) return
        state.change(change)
        tell('state', change)
      },
      SUBSCRIBE: (args) => moved('SUBSCRIBE', args),
      UNSUBSCRIBE: (args) => moved('UNSUBSCRIBE', args),
    },
  }

  function configure(answer: ServerArgs['SUBSCRIBED']): void {
    const { presenceful, reflective, history_size: historySize, initial_data: initialData = shown.initialData } = answer
    Object.assign(shown, { presenceful, reflective, historySize, initialData })
    history.resize(historySize, answer.history_duration, answer.history_publish_only)
  }

  /** Takes over all that a newcomer gets, and tells what changed by it. */
  function replace(
    {
      more = false,
      history: entries = [],
      presence: users = [],
      present = users.length,
      state: values = {},
    }: ServerArgs['SUBSCRIBED'],
    gap?: GapEvent,
  ): void {
    shown.moreHistory = more
    history.replace(entries)
    const others = presence.replace(users, present)
    const change = state.replace(values)
    if (gap) tell('gap', gap)
    if (others) tell('presence')
    if (change) tell('state', change)
  }

  function moved(name: 'SUBSCRIBE' | 'UNSUBSCRIBE', { user, datetime, offset }: ServerArgs['SUBSCRIBE']): void {
    if (!isNext(offset)) return
    history.add([name, { user, datetime, offset }])
    const others = presence.change(user, name === 'SUBSCRIBE')
    tell(name.toLowerCase() as 'subscribe' | 'unsubscribe', { user, datetime })
    if (others) tell('presence')
  }

  /**
   * Whether a numbered frame is the next one. It is not if it is a repeat or a jump (asked for again from the position), nor
   * while the hub's answer is awaited, which brings it in order.
   */
  function isNext(offset: number): boolean | undefined {
    const { current, position } = view
    return current && position && follows(position, offset, askAgain)
  }

  return view
}

function gapBetween(last: Position, now: Position): GapEvent {
  const lost = now.offset - last.offset
  const sameLog = last.epoch === now.epoch
  return {
    reason: sameLog ? 'expired' : 'epoch',
    last: formatPosition(last),
    now: formatPosition(now),
    ...(sameLog && lost > 0 && { lost }),
  }
}
