import type { JsonText } from '@hookbox/protocol'
import { Serial } from '../serial.ts'
import { SmallSet } from '../small-set.ts'
import type { Persisting } from '../webhooks/persist.ts'

/** What one user may have waiting at one channel; beyond it `too_many`. */
const maxWaiting = 256

/** One user in one channel on this node, with whichever connections. */
export class Member {
  readonly user: string
  /** Ids of the connections through which the user is here; lingering ones count. */
  readonly connections: SmallSet<string> = new SmallSet()
  #questions: Serial | undefined
  /** What the `subscribe` webhook had for this user. */
  initialData: JsonText | undefined
  /** The application is being told that the user has left. */
  leaving: Persisting | undefined
  /** Another node waits for what is being asked. */
  wanted = false
  /** Leaves that this node is to tell the application of. */
  untold = 0
  /** Connections of the user's that are about to enter: telling of a leave is not to keep them waiting. */
  coming = 0

  constructor(user: string) {
    this.user = user
  }

  /** What the application is asked about this user and channel, one question after another. */
  get questions(): Serial {
    this.#questions ??= new Serial(maxWaiting)
    return this.#questions
  }

  /** Most members are asked about once, when they come: what has no question left needs no memory for more. */
  rest(): void {
    if (this.#questions?.idle) this.#questions = undefined
  }

  get present(): boolean {
    return this.connections.size > 0
  }

  /** Nothing would be lost with it. */
  get idle(): boolean {
    return !this.present && this.untold === 0 && this.coming === 0 && this.#questions?.idle !== false
  }
}
