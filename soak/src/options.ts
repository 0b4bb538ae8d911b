import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Kind, kindNames, kinds } from './checker.ts'
import { isScenario, scenarios } from './scenarios.ts'
import type { Settings } from './soak.ts'

/** What the command was asked to do. `hub` is undefined where it is to be bundled from the sources. */
export interface Command {
  readonly settings: Omit<Settings, 'hub'>
  readonly hub: string | undefined
  readonly json: boolean
}

const defaults = {
  clients: 100,
  channels: 40,
  deliveries: 1_000_000,
  cuts: 5_000,
  upsets: 10,
  payload: 4_000,
  patience: 30,
}

/** The command line, in a sentence, cannot be understood. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readCommand(args: readonly string[]): Command | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const { scenario = 'cuts', 'fail-fast': failFast, until, snapshot = false, json = false, hub } = values
  if (!isScenario(scenario)) {
    throw new UsageError(`--scenario: expected one of ${Object.keys(scenarios).join(', ')}, got ${scenario}`)
  }
  if (snapshot && scenario !== 'restart') throw new UsageError('--snapshot: expected together with --scenario restart')
  if (until !== undefined && !isKind(until)) {
    throw new UsageError(`--until: expected one of ${kindNames.join(', ')}; got ${until}`)
  }
  const number = (name: keyof typeof defaults, least = 1) => atLeast(least, name, values[name]) ?? defaults[name]
  const minutes = values.minutes === undefined ? undefined : positive('minutes', values.minutes)
  return {
    json,
    hub,
    settings: {
      scenario,
      snapshot,
      seed: atLeast(0, 'seed', values.seed) ?? randomInt(2 ** 32 - 1),
      clients: number('clients', 2),
      // As many as a page holds, and some to move to.
      channels: number('channels', 12),
      deliveries: number('deliveries'),
      cuts: number('cuts', 0),
      upsets: number('upsets', 0),
      payload: number('payload', 0),
      patience: number('patience'),
      ...(minutes !== undefined && { minutes }),
      ...(failFast && { until: 'any' as const }),
      ...(until !== undefined && { until }),
    },
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: args.filter((arg) => arg !== '--'),
      options: {
        scenario: text,
        seed: text,
        clients: text,
        channels: text,
        deliveries: text,
        cuts: text,
        upsets: text,
        minutes: text,
        payload: text,
        patience: text,
        until: text,
        hub: text,
        snapshot: flag,
        'fail-fast': flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function isKind(name: string): name is Kind {
  return Object.hasOwn(kinds, name)
}

function atLeast(least: number, name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text.replaceAll(',', ''))
  if (!Number.isSafeInteger(value) || value < least) {
    throw new UsageError(`--${name}: expected a whole number of at least ${least}, got ${text}`)
  }
  return value
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new UsageError(`--${name}: expected a number above 0, got ${text}`)
  return value
}

export function help(): string {
  const list = (rows: readonly (readonly [string, string])[]) =>
    rows.map(([name, what]) => `  ${name.padEnd(20)} ${what}`).join('\n')
  const { clients, channels, deliveries, cuts, upsets, payload, patience } = defaults
  return `Usage: pnpm soak [options]

Runs real clients against a real hub, takes their lines away at random, and checks what every
subscription was given: nothing lost, nothing twice. Ends with one line; the exit code is 0 where
nothing was found.

Scenarios
${list(Object.entries(scenarios).map(([name, { about }]) => [name, about]))}

How much
${list([
  ['--deliveries N', `how many publishes pages are given (${deliveries})`],
  ['--cuts N', `how many lines are lost meanwhile (${cuts})`],
  ['--upsets N', `how often the scenario takes the hub away (${upsets})`],
  ['--minutes N', 'run for so long instead, with the same share of cuts'],
  ['--clients N', `how many pages there are (${clients})`],
  ['--channels N', `how many channels there are (${channels}); a page holds eight of them`],
  ['--payload N', `the longest ballast of a publish, in characters (${payload})`],
])}

What exactly
${list([
  ['--scenario NAME', 'one of the above (cuts)'],
  ['--snapshot', 'with restart: the hub keeps its memory in a file'],
  ['--seed N', 'chooses the same again; without it, a new one is drawn and printed'],
  ['--fail-fast', 'stop at the first finding, of whatever kind'],
  ['--until KIND', 'stop at the first finding of a kind'],
  ['--patience N', `seconds in which everything must have come to rest at the end (${patience})`],
  ['--hub FILE', "another hub's command, as packages/server/dist/cli.js; else it is made of the sources"],
  ['--json', 'print the result as JSON, on one line'],
  ['-h, --help', 'print this'],
])}

What it looks for
${list(Object.entries(kinds))}`
}
