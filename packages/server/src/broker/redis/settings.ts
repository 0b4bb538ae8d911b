import type { Log as WholeLog } from '../../log.ts'

/** Where it is told what Redis does. */
export type Log = Pick<WholeLog, 'debug' | 'info' | 'warn' | 'error'>

/** How long the hub waits for Redis, in milliseconds of the system's clock, as Redis goes by that of its own. */
export interface Settings {
  /** Until an answer; beyond it nothing on that line is waited for any more, and it is made anew. */
  readonly commandTimeout: number
  readonly connectTimeout: number
  /** Between two probes of a line. */
  readonly probe: number
  /** Until a probe is heard. */
  readonly probeTimeout: number
  /** Between two attempts to connect, at most. */
  readonly retry: number
  /** Between two signs of life of a node. */
  readonly heartbeat: number
  /** Of silence, after which a node is taken for dead. */
  readonly deadAfter: number
  /** After which a lease is free where its holder is silent. */
  readonly lease: number
  /** After which whoever waits for a lease asks again, although nobody said that it is free. */
  readonly leaseRetry: number
  /** Until another node's answer. */
  readonly askTimeout: number
  /** Replicas that must have what was numbered before it counts as done. */
  readonly wait: number
}

export const defaultSettings: Settings = {
  commandTimeout: 2_000,
  connectTimeout: 2_000,
  probe: 2_000,
  probeTimeout: 2_000,
  retry: 1_000,
  heartbeat: 1_000,
  deadAfter: 4_000,
  lease: 5_000,
  leaseRetry: 500,
  askTimeout: 2_000,
  wait: 0,
}
