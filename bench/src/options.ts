import { parseArgs } from 'node:util'
import { type CurveName, curveNames, curves } from './growth/curves.ts'
import { type PageRowName, pageRowNames, pageRows } from './page/page-rows.ts'
import { defaultPeers, type Peer, type PeerName, peerNames, peers } from './peers.ts'
import { type Row, type RowName, rowNames, rows } from './rows.ts'
import { type WorkersRowName, workersRowNames } from './workers/workers.ts'

interface Repeated {
  readonly rounds: number
  /** Where lines of JSON go, one for each measurement. */
  readonly out: string | undefined
}

/** How fast the hub is, beside others. */
export interface PeerOptions extends Repeated {
  readonly what: 'peers'
  readonly duration: number
  readonly rows: readonly RowName[]
  /** Undefined: all that are installed, without those that are one of the others with something more. */
  readonly peers: readonly PeerName[] | undefined
  readonly get: boolean
}

/** How the hub's cost grows. */
export interface GrowthOptions extends Repeated {
  readonly what: 'growth'
  readonly duration: number
  readonly rows: readonly CurveName[]
}

/** What a real page costs. */
export interface PageOptions extends Repeated {
  readonly what: 'page'
  readonly rows: readonly PageRowName[]
}

/** What compression costs and saves. */
export interface CompressionOptions extends Repeated {
  readonly what: 'compression'
  readonly duration: number
}

/** What several processes gain and cost. */
export interface WorkersOptions extends Repeated {
  readonly what: 'workers'
  readonly duration: number
  readonly rows: readonly WorkersRowName[]
}

export type Options = PeerOptions | GrowthOptions | PageOptions | CompressionOptions | WorkersOptions

/** The command line, in a sentence, cannot be understood. */
export class UsageError extends Error {}

const whole = { rounds: 3, duration: 3 }
const quick = { rounds: 1, duration: 2 }

/** @throws UsageError */
export function readOptions(args: readonly string[]): Options | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const defaults = values.quick ? quick : whole
  const repeated = { rounds: positive('rounds', values.rounds) ?? defaults.rounds, out: values.out }
  const duration = positive('duration', values.duration) ?? defaults.duration
  if (values.growth) {
    without('growth', values, ['page', 'compression', 'workers', 'peers', 'get'])
    return { what: 'growth', ...repeated, duration, rows: list('rows', values.rows, curveNames) ?? curveNames }
  }
  if (values.page) {
    without('page', values, ['compression', 'workers', 'peers', 'get', 'duration'])
    return { what: 'page', ...repeated, rows: list('rows', values.rows, pageRowNames) ?? pageRowNames }
  }
  if (values.compression) {
    without('compression', values, ['workers', 'rows', 'peers', 'get'])
    return { what: 'compression', ...repeated, duration }
  }
  if (values.workers) {
    without('workers', values, ['peers', 'get'])
    return {
      what: 'workers',
      ...repeated,
      duration,
      rows: list('rows', values.rows, workersRowNames) ?? workersRowNames,
    }
  }
  const quickRows = rowNames.filter((name) => (rows[name] as Row).quick)
  return {
    what: 'peers',
    ...repeated,
    duration,
    rows: list('rows', values.rows, rowNames) ?? (values.quick ? quickRows : rowNames),
    peers: list('peers', values.peers, peerNames),
    get: values.get ?? false,
  }
}

function without(name: string, values: { readonly [option: string]: unknown }, others: readonly string[]): void {
  const other = others.find((one) => values[one] !== undefined)
  if (other !== undefined) throw new UsageError(`--${other}: expected not to stand beside --${name}`)
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        ...{ rounds: text, duration: text, rows: text, peers: text, out: text },
        ...{ growth: flag, page: flag, compression: flag, workers: flag },
        ...{ quick: flag, get: flag, help: { ...flag, short: 'h' } },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new UsageError(`--${name}: expected a whole number above 0, got ${text}`)
  }
  return value
}

function list<N extends string>(name: string, text: string | undefined, known: readonly N[]): N[] | undefined {
  return text?.split(',').map((one) => {
    const found = known.find((other) => other === one.trim())
    if (found === undefined) throw new UsageError(`--${name}: expected some of ${known.join(', ')}, got ${one}`)
    return found
  })
}

const isLimit = (name: PeerName): boolean => (peers[name] as Peer).limit === true
const isBeneath = (name: PeerName): boolean => peers[name].protocol === 'none'

export function help(): string {
  const lines = (all: readonly (readonly [string, string])[]) =>
    all.map(([name, what]) => `  ${name.padEnd(16)} ${what}`).join('\n')
  return `Usage: pnpm bench [options]

Measures the hub beside other servers that people would pick: each measurement with a server of its
own, one after the other in turn, and all of it several times. Prints tables of medians, with the
least and the most, and what ours is to each of the others within the same round. A measurement
that breaks, or loses something, is told as such.

What is measured
${lines(rowNames.map((name) => [name, rows[name].about]))}

Beside what
${lines(defaultPeers.flatMap((name) => (isBeneath(name) || isLimit(name) ? [] : [[name, peers[name].about] as const])))}

What shows how much a hub over ws could reach at most, in some of the rows
${lines(peerNames.flatMap((name) => (isLimit(name) ? [[name, peers[name].about] as const] : [])))}

What the hub stands on, by itself, beside which alone it is measured in one row each
${lines(peerNames.flatMap((name) => (isBeneath(name) ? [[name, peers[name].about] as const] : [])))}

The same with something more, where --peers names it
${lines(peerNames.flatMap((name) => (defaultPeers.includes(name) ? [] : [[name, peers[name].about] as const])))}

How the cost of the hub grows, with --growth: each point with a hub of its own. A point where a unit
of work costs more than three times what it costs at the cheapest point of its curve is marked.
${lines(curveNames.map((name) => [name, curves[name].about]))}

What a second process of the hub gains and costs, with --workers: the hub in memory, with a Redis, and
with a Redis and two workers, where the system puts them. The cost is that of all processes of the hub,
and that of Redis apart. The rows are ${workersRowNames.join(', ')}.

What is told costs in a real page, with --page, in the Chromium of the browser tests
${lines(pageRowNames.map((name) => [name, pageRows[name].about]))}

Options
${lines([
  ['--growth', 'how the cost grows, in place of how fast it is beside others'],
  ['--page', 'what a page costs, in the same way'],
  ['--compression', 'what compression costs and saves, at a steady rate'],
  ['--workers', 'what a second process of the hub gains and costs'],
  ['--quick', 'the most telling rows, once: about two minutes; with one of the four above every row, once'],
  ['--rounds N', `how often (${whole.rounds}; with --quick ${quick.rounds})`],
  ['--duration N', `seconds that a measurement counts (${whole.duration}; with --quick ${quick.duration})`],
  ['--rows A,B', 'these rows alone, in quotation marks where a name has a blank; with --growth curves'],
  ['--peers A,B', 'these servers alone, in the same way'],
  ['--get', 'get what is not installed, from npm and, as root on Debian, from its packages'],
  ['--out FILE', 'add each measurement to this file, as a line of JSON, behind one that tells the machine'],
  ['-h, --help', 'print this'],
])}

Only one of --growth, --page, --compression and --workers may stand there, and --peers and --get beside
none of them; --page takes no --duration, --compression no --rows. Exit code: 0, 1 where something of
ours is broken or cannot be measured, 2 where the command line cannot be understood.`
}
