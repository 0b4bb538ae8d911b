import type { Json } from '@hookbox/protocol'
import type { WebhookCall } from '../doctor/webhook-call.ts'
import type { ConnectionDetails, UserDetails } from '../hub/application-verbs.ts'

// What the console's page is told, as JSON. The page imports these types.

/** What the page shows, and so is told of, besides the figures, which it is told in any case. */
export type View =
  | { readonly name: 'overview' | 'webhooks' | 'log' }
  | {
      readonly name: 'channels' | 'users'
      /** Names that hold this text; empty: all. */
      readonly search: string
      readonly sort: 'name' | 'size'
      readonly descending: boolean
      /** The first row, counted from 0. */
      readonly from: number
    }
  | { readonly name: 'channel'; readonly channel: string }
  | { readonly name: 'user'; readonly user: string }

/** One thing that the page is told. */
export type Told =
  | { readonly of: 'figures'; readonly figures: Observation }
  | { readonly of: 'channels'; readonly page: ListPage<ChannelRow> }
  | { readonly of: 'users'; readonly page: ListPage<UserRow> }
  | { readonly of: 'channel'; readonly channel: ChannelShown }
  | { readonly of: 'entries'; readonly entries: readonly EntryShown[]; readonly skipped: number }
  | { readonly of: 'user'; readonly user: UserShown }
  /** The channel or user is not there. */
  | { readonly of: 'gone' }
  | { readonly of: 'webhooks'; readonly calls: readonly CallShown[] }
  | { readonly of: 'log'; readonly lines: readonly LineShown[] }
  /** The session is over. */
  | { readonly of: 'signed out' }

/** How all nodes are doing. Rates are a second, and null where a node was seen for the first time. */
export interface Observation {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly channels: number
  readonly users: number
  readonly sums: NodeObserved
  readonly nodes: readonly (NodeObserved & {
    readonly node: string
    /** The one that tells all this. */
    readonly here: boolean
    readonly version: string
    /** Seconds. */
    readonly uptime: number
  })[]
  /** Nodes that did not answer. */
  readonly silent: readonly string[]
}

export interface NodeObserved {
  readonly connections: number
  readonly in: number | null
  readonly out: number | null
  readonly bytesIn: number | null
  readonly bytesOut: number | null
  readonly webhooks: number | null
  readonly refused: number | null
  readonly faults: number | null
  /** Milliseconds, of the webhooks of the last seconds; null where there were none. */
  readonly p50: number | null
  readonly p99: number | null
  readonly underWay: number
  /** Since the process began. */
  readonly givenUp: number
  /** Milliseconds by which the event loop is late; of several nodes, where it is latest; null where it was not measured yet. */
  readonly loop: number | null
  readonly loopMax: number | null
  /** Bytes. */
  readonly memory: number
  readonly heap: number
}

export interface ListPage<Row> {
  readonly rows: readonly Row[]
  /** How many there are, and how many of them hold what was searched for. */
  readonly all: number
  readonly found: number
  readonly from: number
}

export interface ChannelRow {
  readonly name: string
  /** Users in it. */
  readonly users: number
}

export interface UserRow {
  readonly name: string
  /** Live ones. */
  readonly connections: number
}

export interface ChannelShown {
  readonly name: string
  /** By their contract names, without `history` and `state`. */
  readonly options: { readonly [name: string]: Json }
  readonly users: readonly string[]
  /** There may be more than those. */
  readonly allUsers: number
  readonly state: readonly (readonly [key: string, json: string])[]
  readonly allKeys: number
  /** Oldest first. */
  readonly history: readonly EntryShown[]
  readonly allHistory: number
}

/** An entry, a change of the state, or something else that subscribers were told. */
export interface EntryShown {
  readonly name: string
  /** ISO 8601, as the page of a subscriber sees it; undefined where it has none. */
  readonly datetime: string | undefined
  readonly user: string | null
  readonly offset: number | undefined
  /** JSON text of what there is besides, cut where it is long. */
  readonly json: string | undefined
}

export interface UserShown extends Omit<UserDetails, 'connections'> {
  readonly connections: readonly (ConnectionDetails & {
    /** `websocket`, `event-stream` or `long-polling`; undefined where its line has broken off, or its node does not answer. */
    readonly transport: string | undefined
    /** Bytes that were sent and are not read yet. */
    readonly buffered: number | undefined
  })[]
}

export interface CallShown extends WebhookCall {
  /** Grows by one on each node. */
  readonly number: number
  readonly node: string
}

export interface LineShown {
  readonly number: number
  readonly node: string
  /** JSON, as it goes to stdout. */
  readonly line: string
}
