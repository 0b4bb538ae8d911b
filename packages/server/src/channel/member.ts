import type { JsonText } from '@hookbox/protocol'
import { Serial } from '../serial.ts'
import type { Caller } from '../webhooks/callbacks.ts'
import type { Persisting } from '../webhooks/persist.ts'

/** What one user may have waiting at one channel; beyond it `too_many`. */
const maxWaiting = 256

/** A user has left by losing its line. */
export interface OwedLeave {
  /** Not where it turns out that the user is still here by way of another node. */
  readonly isDue: Promise<boolean>
  /** With whose cookies the application is told. */
  readonly caller: Caller
  /** `webhook-id`, where it was tried before. */
  readonly id?: string | undefined
}

/** A leave as it is put away for the next start of the hub. */
export interface SavedLeave {
  readonly channel: string
  readonly user: string
  readonly id: string | undefined
  readonly cookies: string | undefined
  readonly address: string | undefined
}

/** One user in one channel, with whichever connections. */
export class Member {
  readonly user: string
  /** Ids of the connections through which the user is here; lingering ones count. */
  readonly connections: Set<string> = new Set()
  /** What the application is asked about this user and channel, one question after another. */
  readonly questions: Serial = new Serial(maxWaiting)
  /** What the `subscribe` webhook had for this user. */
  initialData: JsonText | undefined
  /** A leave that the application is to be told of. */
  owed: OwedLeave | undefined
  /** The one that it is being told of. */
  telling: OwedLeave | undefined
  /** That telling, once it is known to be needed. */
  leaving: Persisting | undefined
  /** Connections of the user's that are about to enter: telling of a leave is not to keep them waiting. */
  coming = 0

  constructor(user: string) {
    this.user = user
  }

  get present(): boolean {
    return this.connections.size > 0
  }

  /** The application has not heard yet that the user has left. */
  get untold(): boolean {
    return this.owed !== undefined || this.telling !== undefined
  }

  /** Nothing would be lost with it. */
  get idle(): boolean {
    return !this.present && !this.untold && this.coming === 0 && this.questions.idle
  }
}
