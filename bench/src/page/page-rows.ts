/** What is read of a page. */
export type PageFigure =
  | 'deliveries_per_s'
  | 'busy_us'
  | 'long_tasks'
  | 'longest_ms'
  | 'ready_ms'
  | 'one_us'
  | 'together_us'

/** One thing that is measured in a real browser. */
export interface PageRow {
  readonly about: string
  /** The lines of the table. */
  readonly figures: readonly PageFigure[]
}

const burst = ['deliveries_per_s', 'busy_us', 'long_tasks', 'longest_ms'] as const
const many = ['ready_ms', 'one_us', 'together_us', 'long_tasks', 'longest_ms'] as const

/** What is told a page is the same in each: 10,000 of it. */
export const pageRows = {
  burst: {
    about: 'the hub and 16 publishers, who publish 10,000 times as fast as they can to one page',
    figures: burst,
  },
  'burst at once': {
    about: 'the same 10,000 from a hub that is none, and has them ready: what the page itself can take',
    figures: burst,
  },
  'burst bare': {
    about: 'the same at once, to a page that has no client: it parses each frame by itself, and calls a handler',
    figures: burst,
  },
  'burst kept': {
    about: 'the same at once, with a history of 10,000, which the page holds in full before it',
    figures: burst,
  },
  few: {
    about:
      'a history of 50 and nobody named: what it takes to be told of a publish where little is held, one at a time and a thousand together',
    figures: many,
  },
  presence: {
    about:
      '10,000 users in the channel: until the page is ready, and what it takes to be told of each who comes or goes, one at a time and a thousand together',
    figures: many,
  },
  history: {
    about:
      '10,000 entries in one answer, of which a hub sends 256 KiB at most: until the page is ready, and what each publish more takes, one at a time and a thousand together',
    figures: many,
  },
} as const satisfies Readonly<Record<string, PageRow>>

export type PageRowName = keyof typeof pageRows

export const pageRowNames = Object.keys(pageRows) as PageRowName[]

export const pageFigureNames: Readonly<Record<PageFigure, string>> = {
  deliveries_per_s: 'deliveries/s to handlers',
  busy_us: 'main thread, µs a delivery',
  long_tasks: 'long tasks (over 50 ms)',
  longest_ms: 'longest of them, ms',
  ready_ms: 'from SUBSCRIBED to ready, ms',
  one_us: 'main thread, µs for one',
  together_us: 'main thread, µs for each of a thousand',
}
