import type { Random } from './random.ts'

/** The hubs of a run: one, or several nodes that share their channels. */
export interface Hubs extends AsyncDisposable {
  /** Where pages' lines may lead to. */
  readonly ports: readonly number[]
  readonly pids: readonly number[]
  /** What the hubs wrote, for whoever looks for the reason. */
  readonly output: string
  /** Takes something away and brings it back. Missing where the scenario leaves its hubs alone. */
  readonly upset?: (random: Random, around: Around) => Promise<void>
}

/** What a scenario can have done, and told, while it takes something away. */
export interface Around {
  /** Which time it is, from 1. */
  readonly turn: number
  /** What was acknowledged until now may be gone, and nothing that could say so is there yet. */
  memoryLost(): void
  /** How long something took, or how much it was; a finding where it is more than the bound. The worst of each name is told in the end. */
  took(what: string, much: number, bound: number, unit?: 'ms' | 'MB'): void
  /** Something was seen; how often is told in the end. */
  saw(what: string): void
  /** A page that comes by this port, whose line nobody cuts. Settles when the witness sees it. */
  visit(port: number): Promise<Visitor>
  /** Publishes to every channel, by these ports in turn; settles with the milliseconds until each was acknowledged once. */
  publishEverywhere(ports: readonly number[]): Promise<number>
  /** Publishes once by that port, which is to fail. */
  tryToPublish(port: number): Promise<Failed>
}

/** How a publish failed that was tried once. */
export interface Failed {
  /** Missing where it did not fail, or was not answered. */
  readonly code: string | undefined
  /** Milliseconds. */
  readonly after: number
}

export interface Visitor {
  /** With what code its line was closed last. */
  readonly closed: number | undefined
  /** It is gone for good and says so to nobody. Settles with the milliseconds until the witness saw it leave. */
  vanish(): Promise<number>
  /** It leaves as a page does. */
  leave(): Promise<void>
}

export const persistences = ['none', 'everysec'] as const

export interface HubSettings {
  /** The command to run. */
  readonly script: string
  /** Flags by which every node finds the web application. */
  readonly flags: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Whether a planned restart keeps the hub's memory in a file. */
  readonly snapshot: boolean
  /** How many nodes there are, where there are several. */
  readonly nodes: number
  /** What Redis keeps when it is killed. */
  readonly persistence: (typeof persistences)[number]
}

/** How hubs are started, and what happens to them. Lines are cut in every scenario. */
export interface Scenario {
  readonly about: string
  /** What is done, as a plural, and how often where nothing is said. */
  readonly upsets: readonly [name: string, count: number]
  /** Several nodes that share a Redis: then who is present must be right in the end, soon after all is quiet. */
  readonly isShared: boolean
  /** Whether what was acknowledged can be lost: then gaps are expected, and must be told. */
  gaps(settings: { readonly snapshot: boolean }): boolean
  start(settings: HubSettings): Promise<Hubs>
}
