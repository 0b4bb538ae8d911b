import { parseArgs } from 'node:util'
import { defaultPeers, type PeerName, peerNames, peers } from './peers.ts'
import { type Row, type RowName, rowNames, rows } from './rows.ts'

export interface Options {
  readonly rounds: number
  readonly duration: number
  readonly rows: readonly RowName[]
  /** Undefined: all that are installed, without those that are one of the others with something more. */
  readonly peers: readonly PeerName[] | undefined
  readonly get: boolean
  /** Measure what compression costs and saves, and nothing else. */
  readonly compression: boolean
  /** Where lines of JSON go, one for each measurement. */
  readonly out: string | undefined
}

/** The command line, in a sentence, cannot be understood. */
export class UsageError extends Error {}

const whole = { rounds: 5, duration: 3 }
const quick = { rounds: 1, duration: 2 }

/** @throws UsageError */
export function readOptions(args: readonly string[]): Options | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const defaults = values.quick ? quick : whole
  const quickRows = rowNames.filter((name) => (rows[name] as Row).quick)
  return {
    rounds: positive('rounds', values.rounds) ?? defaults.rounds,
    duration: positive('duration', values.duration) ?? defaults.duration,
    rows: list('rows', values.rows, rowNames) ?? (values.quick ? quickRows : rowNames),
    peers: list('peers', values.peers, peerNames),
    get: values.get ?? false,
    compression: values.compression ?? false,
    out: values.out,
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        ...{ rounds: text, duration: text, rows: text, peers: text, out: text },
        ...{ quick: flag, get: flag, compression: flag, help: { ...flag, short: 'h' } },
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
${lines(defaultPeers.map((name) => [name, peers[name].about]))}

The same with something more, where --peers names it
${lines(peerNames.flatMap((name) => (defaultPeers.includes(name) ? [] : [[name, peers[name].about] as const])))}

Options
${lines([
  ['--quick', 'the most telling rows, once: about two minutes'],
  ['--rounds N', `how often (${whole.rounds}; with --quick ${quick.rounds})`],
  ['--duration N', `seconds that a measurement counts (${whole.duration}; with --quick ${quick.duration})`],
  ['--rows A,B', 'these rows alone'],
  ['--peers A,B', 'these servers alone'],
  ['--compression', 'what compression costs and saves instead, at a steady rate'],
  ['--get', 'get what is not installed, from npm and, as root on Debian, from its packages'],
  ['--out FILE', 'add each measurement to this file, as a line of JSON'],
  ['-h, --help', 'print this'],
])}`
}
