import { closeSilent, HookboxError, type ServerArgs } from '@hookbox/protocol'
import { type Deferred, deferred } from './deferred.ts'
import { createEmitter, type Emitter } from './emitter.ts'
import type { SubscriptionEvents } from './events.ts'
import type { Means } from './means.ts'
import { createReader, type Parse, type Reader } from './parse.ts'
import type { Cancel } from './surroundings.ts'
import { createView, type Told, type View } from './view.ts'

/** How a subscription has ended. */
export type Ending = 'refused' | 'ended' | 'cancelled'

/** What a subscription tells the page, and what it tells inside. */
export interface HoldEvents extends SubscriptionEvents {
  /** It has ended. */
  end: (error: HookboxError) => void
}

/** One subscription's hold on its channel. Each has handlers of its own, and gives back no more than itself. */
export interface Hold {
  readonly emitter: Emitter<HoldEvents>
  readonly ready: Deferred<void>
  /** False where the application made it: then the hub restores it after a break, not the page. */
  readonly asked: boolean
  /** Set once, both; nothing is told from then on. */
  ending?: Ending
  error?: HookboxError
  /** Once it is given back: settles when the hub has let go, where this was the last hold. */
  left: Promise<void>
  readonly reader: Reader
}

/**
 * One channel, as the page and the hub see it. However many subscriptions hold it, it is subscribed once; only one
 * SUBSCRIBE or UNSUBSCRIBE is unanswered at a time, so that one never overtakes the other.
 */
export interface Channel {
  readonly name: string
  readonly holds: ReadonlySet<Hold>
  readonly view: View
  hold(asked: boolean, parse?: Parse): Hold
  giveBack(hold: Hold): Promise<void>
  /** A line is open: ask for what is held, and leave what was given back meanwhile. */
  opened(): void
  /** With an error the connection is over. */
  lineLost(over: HookboxError | undefined): void
  /** SUBSCRIBED that answers nothing: the application's doing. */
  joined(answer: ServerArgs['SUBSCRIBED']): void
  /** UNSUBSCRIBED: the hub has put this page out. Whether anybody here held it. */
  putOut(reason: string): boolean
}

/** `forget` is called when nobody holds the channel, and the hub neither. */
export function createChannel(name: string, means: Means, forget: (channel: Channel) => void): Channel {
  const { around, line } = means
  const holds = new Set<Hold>()
  const newView = (): View =>
    createView(means, tell, () => {
      view.current = false
      settle()
    })
  let view = newView()
  /** Whether the hub may count this page in: from the first SUBSCRIBE until it said that we are out. */
  let inside = false
  /** Whether a SUBSCRIBE or UNSUBSCRIBE is under way. */
  let unanswered = false
  let failures = 0
  /** Set while a SUBSCRIBE or UNSUBSCRIBE may still be answered in time, or while the next one is waited for. */
  let timer: Cancel | undefined
  /** What those wait for who gave the channel back: that the hub lets go. */
  let leaving = deferred<void>()

  const channel: Channel = {
    name,
    holds,
    get view() {
      return view
    },

    hold(asked, parse) {
      // what was given back in the same go while the line is away is another's past: this one never had it
      if (holds.size === 0 && !view.current) view = newView()
      const emitter = createEmitter<HoldEvents>()
      const reader = createReader(emitter, view.shown, parse)
      const hold: Hold = { emitter, reader, ready: deferred(), asked, left: Promise.resolve() }
      holds.add(hold)
      if (view.current) {
        // others hold it already; this one is told as if the hub had just agreed, once its handlers are bound
        queueMicrotask(() => {
          if (view.current) tellOne(hold, 'subscribed', [{ recovered: false, replayed: 0 }])
        })
      }
      queueMicrotask(settle)
      return hold
    },

    giveBack(hold) {
      if (holds.has(hold)) {
        end('cancelled', endedBy('cancelled'), [hold])
        hold.left = leaving.promise
        // in a microtask: giving back and taking again in one go (as frameworks do when they mount twice) is no traffic
        queueMicrotask(settle)
      }
      return hold.left
    },

    opened() {
      // what the application subscribed the hub restores, or says that it is gone
      if (holds.size === 0 || [...holds].some((hold) => hold.asked)) settle()
    },

    lineLost(over) {
      unanswered = false
      view.current = false
      stopTimer()
      left()
      if (over) end('ended', over)
    },

    joined(answer) {
      // the answer to what is under way is newer than this
      if (unanswered) return
      inside = true
      if (view.current) return view.saidAgain(answer)
      stopTimer()
      view.enter(answer)
    },

    putOut(reason) {
      // the answer to what is under way is newer than this
      if (unanswered || holds.size === 0) return false
      inside = false
      end('ended', endedBy(reason))
      settle()
      return true
    },
  }

  /** Brings the hub to what is held here. */
  function settle(): void {
    if (holds.size > 0) {
      left()
      if (line.open && !timer && !view.current) subscribe()
      return
    }
    // whoever takes hold next has no part in what was
    view = newView()
    if (!line.open) left()
    if (unanswered) return
    stopTimer()
    if (!inside) {
      left()
      forget(channel)
    } else if (line.open) unsubscribe()
  }

  function ask<Answer>(
    frame: 'SUBSCRIBE' | 'UNSUBSCRIBE',
    since: string | undefined,
    done: (answer: Answer) => void,
    failed: (error: HookboxError) => void,
  ): void {
    const settling =
      <What>(told: (what: What) => void) =>
      (what: What): void => {
        unanswered = false
        stopTimer()
        told(what)
        settle()
      }
    unanswered = true
    // the hub's state is unknown then
    timer = around.later(means.timeout, () => line.drop(closeSilent, `no answer to ${frame}`))
    means.requests.ask(frame, { channel_name: name, since }, settling(done), settling(failed))
  }

  function subscribe(): void {
    const asked = view
    inside = true
    ask(
      'SUBSCRIBE',
      view.shown.position,
      (answer: ServerArgs['SUBSCRIBED']) => {
        failures = 0
        // given up and taken again meanwhile: what was missed does not belong to the new holder, who needs all of it
        if (holds.size > 0 && (asked === view || !answer.recovered)) view.enter(answer)
      },
      (error) => {
        if (error.temporary) {
          timer = around.later(line.waitBefore(++failures), () => {
            stopTimer()
            settle()
          })
          tell('error', error)
        } else {
          inside = false
          end('refused', error)
        }
      },
    )
  }

  function unsubscribe(): void {
    const out = (): void => {
      inside = false
    }
    ask('UNSUBSCRIBE', undefined, out, (error) => {
      // refused, the hub keeps us in; to the page it is over all the same, and what still comes is not told
      if (error.code !== 'not_subscribed') leaving.reject(error)
      out()
    })
  }

  function stopTimer(): void {
    timer?.()
    timer = undefined
  }

  /** Whoever gave the channel back need not wait any longer. */
  function left(): void {
    leaving.resolve()
    leaving = deferred()
  }

  function end(ending: Ending, error: HookboxError, which: readonly Hold[] = [...holds]): void {
    for (const hold of which) {
      hold.ending = ending
      hold.error = error
      holds.delete(hold)
      hold.ready.reject(error)
      hold.emitter.tell('end', error)
      if (ending === 'refused') hold.emitter.tell('error', error)
    }
  }

  /** To those who hold it now and still do when it is their turn; whoever takes hold meanwhile comes after this event. */
  function tell<Name extends keyof SubscriptionEvents>(name: Name, ...args: Parameters<Told[Name]>): void {
    for (const hold of [...holds]) tellOne(hold, name, args)
  }

  function tellOne<Name extends keyof SubscriptionEvents>(hold: Hold, name: Name, args: Parameters<Told[Name]>): void {
    if (!holds.has(hold)) return
    if (name === 'subscribed') hold.ready.resolve()
    hold.reader.tell(name, ...args)
  }

  return channel
}

function endedBy(reason: string): HookboxError {
  return new HookboxError('closed', `subscription ended: ${reason}`)
}
