import type { JsonText } from '@hookbox/protocol'
import { Serial } from '../serial.ts'
import type { Persisting } from '../webhooks/persist.ts'

/** What one user may have waiting at one channel; beyond it `too_many`. */
const maxWaiting = 256

/** One user in one channel, with whichever connections. */
export class Member {
  readonly user: string
  /** Ids of the connections through which the user is here; lingering ones count. */
  readonly connections: Set<string> = new Set()
  /** What the application is asked about this user and channel, one question after another. */
  readonly questions: Serial = new Serial(maxWaiting)
  /** What the `subscribe` webhook had for this user. */
  initialData: JsonText | undefined
  /**
   * The user has left by losing its line, and the application is to be told; not where it turns out that the user is still
   * here by way of another node.
   */
  owed: Promise<boolean> | undefined
  /** The application is being told of a leave. */
  telling = false
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
    return this.owed !== undefined || this.telling
  }

  /** Nothing would be lost with it. */
  get idle(): boolean {
    return !this.present && !this.untold && this.coming === 0 && this.questions.idle
  }
}
