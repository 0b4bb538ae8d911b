import type { Signals } from '../signals/signals.ts'
import { webhookBounds } from '../signals/signals.ts'
import type { LoopDelay } from './loop-delay.ts'

/** What one node counts, at one moment. What is called a count begins with the process and never falls. */
export interface Figures {
  readonly version: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** Seconds. */
  readonly uptime: number
  /** Lines of pages. */
  readonly connections: number
  readonly counts: Counts
  /** Webhooks that are being waited for. */
  readonly underWay: number
  /** Undefined where it was not measured yet. */
  readonly loop?: LoopDelay | undefined
  /** Bytes. */
  readonly memory: { readonly rss: number; readonly heap: number }
}

export interface Counts {
  /** Publishes and private messages that went through. */
  readonly in: number
  /** Entries handed to subscribers. */
  readonly out: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** Webhooks that the application refused. */
  readonly refused: number
  /** Webhooks that could not be gone by. */
  readonly faults: number
  /** Webhooks by how long they took at most, each bound with what the shorter ones count; the last one counts all. */
  readonly webhooks: readonly number[]
  /** Webhooks that were given up. */
  readonly givenUp: number
}

export interface FiguresParts {
  readonly signals: Signals
  readonly version: string
  readonly connections: () => number
  readonly givenUp: () => number
  readonly loop: () => LoopDelay | undefined
  readonly now: () => number
}

export function figuresOf({ signals, version, connections, givenUp, loop, now }: FiguresParts): Figures {
  const { publishes } = signals
  const webhooks = [...signals.webhooks.values()]
  const { rss, heapUsed } = process.memoryUsage()
  const sum = (count: (one: (typeof webhooks)[number]) => number) => webhooks.reduce((all, one) => all + count(one), 0)
  return {
    version,
    at: now(),
    uptime: Math.floor(process.uptime()),
    connections: connections(),
    counts: {
      in: publishes.get('published') + publishes.get('only_to_sender') + signals.messages,
      out: signals.deliveries,
      bytesIn: signals.receivedBytes,
      bytesOut: signals.sentBytes,
      refused: sum(({ outcomes }) => outcomes.get('refused')),
      faults: sum(({ outcomes }) => outcomes.get('fault')),
      webhooks: [
        ...webhookBounds.map((_, index) => sum(({ durations }) => durations.cumulated[index] ?? 0)),
        sum(({ durations }) => durations.count),
      ],
      givenUp: givenUp(),
    },
    underWay: sum(({ underWay }) => underWay),
    loop: loop(),
    memory: { rss, heap: heapUsed },
  }
}

/** The same counts of several nodes together. */
export function addCounts(all: readonly Counts[]): Counts {
  const sum = (count: (one: Counts) => number) => all.reduce((total, one) => total + count(one), 0)
  return {
    in: sum((one) => one.in),
    out: sum((one) => one.out),
    bytesIn: sum((one) => one.bytesIn),
    bytesOut: sum((one) => one.bytesOut),
    refused: sum((one) => one.refused),
    faults: sum((one) => one.faults),
    webhooks: [...webhookBounds, 0].map((_, index) => sum((one) => one.webhooks[index] ?? 0)),
    givenUp: sum((one) => one.givenUp),
  }
}

/** What was counted between two moments. */
export function difference(before: Counts, after: Counts): Counts {
  const negated = Object.fromEntries(
    Object.entries(before).map(([name, count]) => [name, Array.isArray(count) ? count.map((one) => -one) : -count]),
  ) as unknown as Counts
  return addCounts([after, negated])
}

/**
 * Milliseconds within which this part of the webhooks was answered, about: between two bounds they are taken to lie evenly.
 * Null where there were none.
 */
export function webhookTime(counted: readonly number[], part: number): number | null {
  const all = counted.at(-1) ?? 0
  if (all <= 0) return null
  const rank = part * all
  const index = counted.findIndex((count) => count >= rank)
  const [lower = 0, upper] = [webhookBounds[index - 1], webhookBounds[index]]
  // Beyond the last bound nothing is known but that it took longer.
  if (upper === undefined) return (webhookBounds.at(-1) ?? 0) * 1_000
  const [below = 0, upTo = all] = [counted[index - 1], counted[index]]
  return (lower + ((upper - lower) * (rank - below)) / Math.max(1, upTo - below)) * 1_000
}
