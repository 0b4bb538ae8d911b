import type { JsonText } from '@hookbox/protocol'
import type { Broker, Stop } from '../broker/broker.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { PollingOptions } from '../polling/options.ts'
import type { Callbacks, Caller, Verdict } from '../webhooks/callbacks.ts'

/** What a channel needs of the hub around it. */
export interface ChannelServices {
  readonly broker: Broker
  readonly callbacks: Callbacks
  readonly clock: Clock
  readonly log: Log
  /** Lets a user enter and leave the channels that a verdict names. */
  obey(user: string, caller: Caller, verdict: Pick<Verdict, 'autoSubscribe' | 'autoUnsubscribe'>): void
  /** Who is connected to the server. */
  readonly serverPresence: ServerPresence
  /** Begins to poll for a channel. */
  poll(options: PollingOptions, target: PollTarget): Stop
  /** Counts a webhook that was given up: the application did not hear of something it keeps records of. */
  givenUp(): void
  /** The channel has ended. */
  ended(channelName: string): void
}

/** Whether users are connected to the server, whichever channels they are in. */
export interface ServerPresence {
  isHere(user: string): boolean
  /** Hears when one of these users connects to the server or leaves it. */
  watch(users: readonly string[], hear: () => void): Stop
}

/** What a poller does to its channel. */
export interface PollTarget {
  readonly channelName: string
  publish(payload: JsonText, originator: string | undefined): Promise<void>
  setOptions(changes: { readonly [name: string]: unknown }): Promise<void>
}
