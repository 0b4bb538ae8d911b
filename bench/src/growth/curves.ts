import type { Load } from '../measure.ts'

/** What is read of a point. Each is a field of what the generator prints. */
export type GrowthFigure =
  | 'deliveries_per_s'
  | 'msgs_per_s'
  | 'joins_per_s'
  | 'told_per_s'
  | 'mb_per_s'
  | 'answer_kb'
  | 'rss_mb'
  | 'per_s'
  | 'kb_per_conn'
  | 'silent_us'
  | Cost

/** Processor time of the server for one unit of work. */
export type Cost = 'cpu_us' | 'cpu_us_told' | 'cpu_us_kb'

/** One measurement of a curve. */
export interface Point extends Load {
  /** How much there is of what grows. */
  readonly at: number
}

/** How the cost of one thing grows. */
export interface Curve {
  readonly about: string
  /** What grows: the head of the first column. */
  readonly grows: string
  /** The columns of the table. */
  readonly figures: readonly GrowthFigure[]
  /** What is compared along the curve, with what it is the cost of. */
  readonly cost: Cost
  readonly unit: string
  readonly points: readonly Point[]
}

/** As the other measurements have them, but nobody is told who comes. */
const plain = { history_size: 50, presenceful: false }

/** Seconds in which everybody must have connected; many take their time. */
const patience = ['--deadline', '240']

/** Of a curve each point is the same but for one thing. What is in flight is chosen so that no write is shared at one point more than at another. */
export const curves = {
  connections: {
    about:
      'pages connect and subscribe to one channel, 128 at a time; the memory that each takes then, and what the 25 seconds cost in which each is sent one PING, and answers',
    grows: 'connections',
    figures: ['per_s', 'cpu_us', 'kb_per_conn', 'silent_us'],
    cost: 'cpu_us',
    unit: 'connect',
    points: [1_000, 4_000, 16_000].map((at) => ({
      at,
      load: ['--mode', 'connect', '--subs', `${at}`, '--settle', '3', '--silent', '25', ...patience],
      channel: plain,
    })),
  },
  subscribers: {
    about: 'one publisher, subscribers of one channel, 16 publishes in flight',
    grows: 'subscribers',
    figures: ['deliveries_per_s', 'cpu_us', 'rss_mb'],
    cost: 'cpu_us',
    unit: 'delivery',
    points: [10, 100, 1_000, 5_000, 10_000].map((at) => ({
      at,
      load: ['--mode', 'fanout', '--subs', `${at}`, '--window', '16', ...patience],
      channel: plain,
    })),
  },
  channels: {
    about:
      'one publisher, channels with one subscriber each, held by at most 1,000 connections; as many publishes in flight as there are channels, at most 256, so that no two are for the same',
    grows: 'channels',
    figures: ['deliveries_per_s', 'cpu_us', 'rss_mb'],
    cost: 'cpu_us',
    unit: 'delivery',
    points: [1, 100, 1_000, 10_000, 100_000].map((at) => ({ at, load: ofChannels(at), channel: plain })),
  },
  'history publish': {
    about: '16 publishers, 16 publishes in flight each, acknowledged, into one channel whose history is full',
    grows: 'history_size',
    figures: ['msgs_per_s', 'cpu_us', 'rss_mb'],
    cost: 'cpu_us',
    unit: 'publish',
    points: historySizes().map((at) => ({
      at,
      load: ['--mode', 'ingest', '--pubs', '16', '--window', '16', '--fill', `${at}`],
      channel: { ...plain, history_size: at },
    })),
  },
  'history subscribe': {
    about:
      'one connection enters and leaves a channel whose history is full, over and over; an answer holds at most the newest 256 KiB of it',
    grows: 'history_size',
    figures: ['joins_per_s', 'cpu_us', 'answer_kb', 'cpu_us_kb'],
    cost: 'cpu_us_kb',
    unit: 'KB of the answer',
    points: historySizes().map((at) => ({
      at,
      load: ['--mode', 'join', '--subs', '1', '--fill', `${at}`, ...patience],
      channel: { ...plain, history_size: at, history_publish_only: true },
    })),
  },
  presence: {
    about:
      'one user enters and leaves a channel, over and over, whose members are all told of it; the user’s answer names them all',
    grows: 'members',
    figures: ['joins_per_s', 'cpu_us', 'told_per_s', 'cpu_us_told'],
    cost: 'cpu_us_told',
    unit: 'member told',
    points: [10, 100, 1_000, 10_000].map((at) => ({
      at,
      // The user who enters is one of them.
      load: ['--mode', 'join', '--subs', `${at - 1}`, '--told', '1', '--settle', '3', ...patience],
      channel: { history_size: 0, presenceful: true },
    })),
  },
  size: {
    about: 'one publisher, 100 subscribers, 8 publishes in flight',
    grows: 'bytes of a payload',
    figures: ['deliveries_per_s', 'mb_per_s', 'cpu_us', 'cpu_us_kb'],
    cost: 'cpu_us_kb',
    unit: 'KB delivered',
    points: [100, 1_000, 10_000, 60_000].map((at) => ({
      at,
      load: ['--mode', 'fanout', '--subs', '100', '--window', '8', '--size', `${at}`],
      channel: plain,
    })),
  },
  publishers: {
    about: 'publishers into one channel to which nobody is subscribed, each with one publish in flight, acknowledged',
    grows: 'publishers',
    figures: ['msgs_per_s', 'cpu_us'],
    cost: 'cpu_us',
    unit: 'publish',
    points: [1, 10, 100, 1_000].map((at) => ({
      at,
      load: ['--mode', 'ingest', '--pubs', `${at}`, '--window', '1'],
      channel: plain,
    })),
  },
} as const satisfies Readonly<Record<string, Curve>>

export type CurveName = keyof typeof curves

export const curveNames = Object.keys(curves) as CurveName[]

export const growthFigureNames: Readonly<Record<GrowthFigure, string>> = {
  deliveries_per_s: 'deliveries/s',
  msgs_per_s: 'publishes/s',
  joins_per_s: 'in and out/s',
  told_per_s: 'members told/s',
  mb_per_s: 'MB/s',
  answer_kb: 'KB of the answer',
  rss_mb: 'MB of the server',
  per_s: 'connects/s',
  kb_per_conn: 'KB per connection',
  silent_us: 'CPU while all is silent, µs each',
  cpu_us: 'CPU of the server, µs each',
  cpu_us_told: 'µs a member told',
  cpu_us_kb: 'µs a KB',
}

function historySizes(): number[] {
  return [0, 50, 1_000, 10_000]
}

/** A connection holds as many channels as it must: 128 are allowed. */
function ofChannels(channels: number): string[] {
  const connections = Math.min(channels, 1_000)
  const each = channels / connections
  return [
    ...['--mode', 'fanout', '--subs', `${connections}`, '--each', `${each}`, '--channels', `${channels}`],
    ...['--window', `${Math.min(channels, 256)}`],
    // Each channel is a webhook, of which 128 are under way at once: who waits longer than 5 seconds is refused.
    ...(each > 1 ? ['--concurrency', '16'] : []),
    ...patience,
  ]
}
