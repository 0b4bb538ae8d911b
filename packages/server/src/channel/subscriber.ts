import type { UnsubscribedReason } from '@hookbox/protocol'
import type { ReadonlySmallSet } from '../small-set.ts'
import type { Batch } from '../transport/batch.ts'
import type { PreparedFrame } from '../transport/prepared-frame.ts'
import type { Caller } from '../webhooks/callbacks.ts'

/** Whoever a channel sends to. A connection happens to be one; the channel knows no more of it than this. */
export interface Subscriber {
  /** The connection's id. */
  readonly id: string
  /** The user's name. */
  readonly user: string
  /** Whose cookies go with a webhook that this one causes. */
  readonly caller: Caller
  /** The channels it is in. */
  readonly channels: ReadonlySmallSet<string>
  /** It has ended for good: it must not enter any more, as nobody would take it out again. */
  readonly gone: boolean
  send(frame: PreparedFrame): void
  /** What it missed, in order. */
  sendMissed(frames: readonly PreparedFrame[]): void
  /** It is sent what the batch gets from here on, in order with all else, until its turn is over. */
  follow(batch: Batch): void
  /** It is not sent what the batch gets from here on. */
  unfollow(batch: Batch): void
  /** It is in the channel now. */
  joined(channelName: string): void
  /** It is not in the channel any more. */
  left(channelName: string): void
  /** It is not in the channel any more, and did not ask for that: its page is to know why. */
  putOut(channelName: string, reason: UnsubscribedReason): void
}
