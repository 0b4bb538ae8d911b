import type { JsonText } from '@hookbox/protocol'
import type { Broker, Membership, Stop } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import type { Signals } from '../signals/signals.ts'
import type { Callbacks, Caller, Verdict } from '../webhooks/callbacks.ts'
import type { Subscriber } from './subscriber.ts'

/** What a channel needs of the hub around it. */
export interface ChannelServices {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  readonly signals: Signals
  /** Lets a user enter and leave the channels that a verdict names. */
  obey(user: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void
  /**
   * Notes what a subscriber is about to be in a channel. False where its connection is another node's by now.
   *
   * @throws HookboxError `unavailable`
   */
  noteEntering(by: Subscriber, channelName: string, membership: 'asked' | 'promised'): Promise<boolean>
  /** Notes what a subscriber is in a channel, for whoever may have to take it over; null: nothing any more. */
  note(by: Subscriber, channelName: string, membership: Membership | null): void
  /** Notes what this node is to see to, or not any more, for whoever may inherit from it. */
  noteDuty(duty: Duty, due: boolean): void
  /** Takes a user out of a channel on all other nodes. */
  removeElsewhere(user: string, channelName: string): Promise<void>
  /** Who is connected to the server. */
  readonly serverPresence: ServerPresence
  /** Begins to poll for a channel. */
  poll(options: PollingOptions, target: PollTarget): Stop
  /** Counts a webhook that was given up: the application did not hear of something it keeps records of. */
  givenUp(): void
  /** The channel has ended, or this node has nothing to do with it any more. */
  ended(channelName: string): void
}

/** What one node sees to for a channel: that it is offered to the application, that it is polled for, that a leave is told. */
export type Duty =
  | { readonly of: 'offer' | 'poll'; readonly channel: string }
  | { readonly of: 'leave'; readonly channel: string; readonly user: string }

/** Whether users are connected to the server, whichever channels they are in. */
export interface ServerPresence {
  /** Of each, whether it is. */
  areHere(users: readonly string[]): Promise<boolean[]>
  /** Hears when one of these users connects to the server or leaves it, and once when none of that can be missed any more. */
  watch(users: readonly string[], hear: () => void): Stop
}

/** What a poller does to its channel. */
export interface PollTarget {
  readonly channelName: string
  publish(payload: JsonText, originator: string | undefined): Promise<void>
  setOptions(changes: { readonly [name: string]: unknown }): Promise<void>
  /** There is nothing more to poll for. */
  done(): Promise<void>
}
