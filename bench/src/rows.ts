import { type Peer, type PeerName, peers } from './peers.ts'

/** What is read of a measurement. Each is a field of what the generator prints. */
export type Figure =
  | 'deliveries_per_s'
  | 'cpu_us'
  | 'redis_us'
  | 'msgs_per_s'
  | 'per_s'
  | 'kb_per_conn'
  | 'redis_kb_per_conn'
  | 'p99_us'

/** One thing that is measured. */
export interface Row {
  readonly about: string
  /** For the generator: see generator/load.cpp. */
  readonly load: readonly string[]
  /** The columns of the table, the one that counts first. */
  readonly figures: readonly Figure[]
  /** Whether joins and leaves are told to all in the channel, where a server can. */
  readonly presence: boolean
  /** The hub has a Redis. */
  readonly redis?: true
  /** The application is asked about each publish. */
  readonly moderated?: true
  /** As much is in flight as keeps the server busy, or else the generator: where neither is, something else is measured. */
  readonly isFull?: true
  /** What shows how much a hub over ws could reach at most. */
  readonly limits?: readonly PeerName[]
  /** What the hub stands on, by itself and with as much in flight: it is measured in place of other servers. */
  readonly beneath?: { readonly peer: PeerName; readonly inFlight: number }
  /** Part of `--quick`. */
  readonly quick?: true
}

/** Pages that publish where the hub does its work by way of another program, and how many publishes of each are in flight. */
const publishers = 64
const ofEach = 2

/** Payloads are 128 bytes of JSON. */
export const rows = {
  'fan-out 100': {
    about: 'one publisher, 100 subscribers, 64 publishes in flight',
    load: ['--mode', 'fanout', '--subs', '100', '--window', '64'],
    isFull: true,
    figures: ['deliveries_per_s', 'cpu_us'],
    presence: true,
    limits: ['bare wire'],
  },
  'fan-out 1000': {
    about: 'one publisher, 1,000 subscribers, 16 publishes in flight',
    load: ['--mode', 'fanout', '--subs', '1000', '--window', '16'],
    isFull: true,
    figures: ['deliveries_per_s', 'cpu_us'],
    presence: true,
    quick: true,
    limits: ['bare wire'],
  },
  'fan-out 5000': {
    about: 'one publisher, 5,000 subscribers, 8 publishes in flight',
    load: ['--mode', 'fanout', '--subs', '5000', '--window', '8'],
    isFull: true,
    figures: ['deliveries_per_s', 'cpu_us'],
    presence: false,
    limits: ['bare wire'],
  },
  'one at a time': {
    about: 'one publisher, 1,000 subscribers, each publish after the one before has reached all',
    load: ['--mode', 'fanout', '--subs', '1000', '--window', '1'],
    figures: ['deliveries_per_s', 'cpu_us'],
    presence: true,
    limits: ['bare wire'],
  },
  latency: {
    about: '20 publishes a second to 1,000 subscribers, from when a publish was due to when it was there',
    load: ['--mode', 'fanout', '--subs', '1000', '--rate', '20'],
    figures: ['p99_us'],
    presence: true,
    limits: ['bare wire'],
  },
  channels: {
    about: '1,000 channels with a subscriber each, 256 publishes in flight',
    load: ['--mode', 'fanout', '--subs', '1000', '--channels', '1000', '--window', '256'],
    isFull: true,
    figures: ['deliveries_per_s', 'cpu_us'],
    presence: true,
    limits: ['bare wire'],
  },
  'publish + ack': {
    about: '16 publishers, 16 publishes in flight each, acknowledged, nobody subscribed',
    load: ['--mode', 'ingest', '--pubs', '16', '--window', '16'],
    isFull: true,
    figures: ['msgs_per_s', 'cpu_us'],
    presence: true,
    quick: true,
    limits: ['bare wire'],
  },
  connect: {
    about: '5,000 pages connect and subscribe to one channel, 128 at a time; the memory that each takes then',
    load: ['--mode', 'connect', '--subs', '5000', '--settle', '3', '--deadline', '120'],
    figures: ['per_s', 'kb_per_conn'],
    presence: false,
    quick: true,
    limits: ['bare wire', 'bare wire asking'],
  },
  'through Redis': {
    about: `${publishers} publishers, ${ofEach} publishes in flight each, acknowledged by a hub with a Redis`,
    load: ['--mode', 'ingest', '--pubs', `${publishers}`, '--window', `${ofEach}`],
    figures: ['msgs_per_s', 'cpu_us', 'redis_us'],
    presence: true,
    redis: true,
    beneath: { peer: 'ioredis', inFlight: publishers * ofEach },
  },
  'alone through Redis': {
    about: 'one publisher, who waits for each answer of a hub with a Redis: no publish shares a call with another',
    load: ['--mode', 'ingest', '--pubs', '1', '--window', '1'],
    figures: ['msgs_per_s', 'cpu_us', 'redis_us'],
    presence: true,
    redis: true,
    beneath: { peer: 'ioredis', inFlight: 1 },
  },
  moderated: {
    about: `${publishers} publishers, one publish of each under way and one that waits, each allowed by the web application`,
    load: ['--mode', 'ingest', '--pubs', `${publishers}`, '--window', `${ofEach}`],
    figures: ['msgs_per_s', 'cpu_us'],
    presence: true,
    moderated: true,
    beneath: { peer: 'undici', inFlight: publishers },
    limits: ['bare wire asking'],
  },
} as const satisfies Readonly<Record<string, Row>>

export type RowName = keyof typeof rows

export const rowNames = Object.keys(rows) as RowName[]

/** Whether it is measured in a row: the hub, in whatever form, is in each. */
export function takesPart(name: PeerName, { beneath, limits }: Row): boolean {
  const { protocol, limit }: Peer = peers[name]
  if (limit) return limits?.includes(name) === true
  if (protocol === 'hookbox') return true
  return beneath === undefined ? protocol !== 'none' : beneath.peer === name
}

/** Of these less is better. */
export const smallIsGood: ReadonlySet<Figure> = new Set([
  ...(['cpu_us', 'redis_us', 'kb_per_conn', 'redis_kb_per_conn', 'p99_us'] as const),
])

export const figureNames: Readonly<Record<Figure, string>> = {
  deliveries_per_s: 'deliveries/s',
  cpu_us: 'CPU of the server, µs each',
  redis_us: 'CPU of Redis, µs each',
  msgs_per_s: 'publishes/s',
  per_s: 'connects/s',
  kb_per_conn: 'KB per connection',
  redis_kb_per_conn: 'KB in Redis',
  p99_us: 'p99, µs',
}
