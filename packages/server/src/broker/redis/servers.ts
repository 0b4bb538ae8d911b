import type { Spot } from './keys.ts'
import type { RedisBroker } from './redis-broker.ts'
import type { Script } from './script.ts'
import type { Topics } from './topics.ts'

export type Arg = string | number

/** All servers of a hub: one, several by which channels and users are parted, or a cluster. */
export interface Servers {
  readonly topics: Topics
  /** Runs one atomic step. `keys` are those of the script's parts, in their order; where left out, the spot's. */
  run(script: Script, spot: Spot, args: readonly Arg[], keys?: readonly string[]): Promise<unknown>
  /** The same for what is not to be lost with the server: see `wait` in settings.ts. */
  runSafely(script: Script, spot: Spot, args: readonly Arg[], keys?: readonly string[]): Promise<unknown>
  /** One command on one key of a spot, or on its topic. */
  send(spot: Spot, command: string, ...args: readonly Arg[]): Promise<unknown>
  /** Settles when all can be reached; fails after `patience` milliseconds, or at once where waiting does not help. */
  ready(patience: number): Promise<void>
  /** As {@link RedisBroker.trouble}. */
  readonly trouble: string | undefined
  close(): void
}

export function keysOf(script: Script, spot: Spot): string[] {
  return script.parts.map((part) => spot.key(part))
}
