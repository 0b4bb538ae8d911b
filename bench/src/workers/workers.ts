import type { PeerName } from '../peers.ts'
import type { Figure, RowName } from '../rows.ts'
import type { View } from '../table.ts'

/** What is compared: the hub alone and in memory, the same with a Redis, and two of it. */
export const hubs = ['hookbox', '1 worker', '2 workers'] as const satisfies readonly PeerName[]

/** The rows that are measured of each, with their columns. The generator is much cheaper than the hub in the last two. */
const figuresOf = {
  'fan-out 1000': ['deliveries_per_s', 'cpu_us', 'redis_us'],
  'publish + ack': ['msgs_per_s', 'cpu_us', 'redis_us'],
  connect: ['per_s', 'cpu_us', 'redis_us', 'kb_per_conn', 'redis_kb_per_conn'],
  moderated: ['msgs_per_s', 'cpu_us', 'redis_us'],
} as const satisfies { readonly [R in RowName]?: readonly Figure[] }

export type WorkersRowName = keyof typeof figuresOf

export const workersRowNames = Object.keys(figuresOf) as WorkersRowName[]

/** What two workers gain over each of the others. */
export const workersView: View = { ours: '2 workers', prefix: 'workers: ', figures: figuresOf }
