import type { Line } from './line.ts'
import type { Outbox } from './outbox.ts'
import type { Requests } from './requests.ts'
import type { Surroundings } from './surroundings.ts'

/** What channels and subscriptions speak to the hub by. */
export interface Means {
  readonly around: Surroundings
  readonly line: Line
  readonly requests: Requests
  readonly outbox: Outbox
  /** Milliseconds that the hub may take to answer. */
  readonly timeout: number
}
