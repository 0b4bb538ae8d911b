import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type Kind, kindNames, kinds } from './checker.ts'
import { persistences } from './scenario.ts'
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
  nodes: 3,
  payload: 4_000,
  patience: 30,
}

/** The command line, in a sentence, cannot be understood. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readCommand(args: readonly string[]): Command | 'help' {
  const values = parse(args)
  if (values.help) return 'help'
  const { scenario = 'cuts', 'fail-fast': failFast, until, snapshot = false, json = false, hub, persistence } = values
  if (!isScenario(scenario)) {
    throw new UsageError(`--scenario: expected one of ${Object.keys(scenarios).join(', ')}, got ${scenario}`)
  }
  if (snapshot && scenario !== 'restart') throw new UsageError('--snapshot: expected together with --scenario restart')
  const { isShared, upsets } = scenarios[scenario]
  if (values.nodes !== undefined && !isShared)
    throw new UsageError(`--nodes: expected together with --scenario ${sharedNames.join(' or ')}`)
  if (persistence !== undefined && scenario !== 'redis-restart')
    throw new UsageError('--persistence: expected together with --scenario redis-restart')
  if (persistence !== undefined && !isPersistence(persistence)) {
    throw new UsageError(`--persistence: expected one of ${persistences.join(', ')}, got ${persistence}`)
  }
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
      upsets: atLeast(0, 'upsets', values.upsets) ?? upsets[1],
      // Whoever is taken away leaves somebody behind.
      nodes: number('nodes', 2),
      persistence: persistence ?? 'none',
      payload: number('payload', 0),
      patience: number('patience'),
      ...(minutes !== undefined && { minutes }),
      ...(failFast && { until: 'any' as const }),
      ...(until !== undefined && { until }),
      ...(values.facts !== undefined && { facts: values.facts }),
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
        nodes: text,
        persistence: text,
        minutes: text,
        payload: text,
        patience: text,
        until: text,
        hub: text,
        facts: text,
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

const sharedNames = Object.entries(scenarios).flatMap(([name, { isShared }]) => (isShared ? [name] : []))

function isPersistence(name: string): name is Settings['persistence'] {
  return (persistences as readonly string[]).includes(name)
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
  const { clients, channels, deliveries, cuts, nodes, payload, patience } = defaults
  const often = Object.entries(scenarios).flatMap(
    ([
      name,
      {
        upsets: [, count],
      },
    ]) => (count > 0 ? [`${name} ${count}`] : []),
  )
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
  ['--upsets N', `how often the scenario takes something away (${often.join(', ')})`],
  ['--minutes N', 'run for so long instead, with the same share of cuts'],
  ['--clients N', `how many pages there are (${clients})`],
  ['--channels N', `how many channels there are (${channels}); a page holds eight of them`],
  ['--payload N', `the longest ballast of a publish, in characters (${payload})`],
])}

What exactly
${list([
  ['--scenario NAME', 'one of the above (cuts)'],
  ['--snapshot', 'with restart: the hub keeps its memory in a file'],
  ['--nodes N', `with several nodes: how many (${nodes})`],
  ['--persistence WHAT', `with redis-restart: what Redis keeps when it is killed, ${persistences.join(' or ')} (none)`],
  ['--seed N', 'chooses the same again; without it, a new one is drawn and printed'],
  ['--fail-fast', 'stop at the first finding, of whatever kind'],
  ['--until KIND', 'stop at the first finding of a kind'],
  ['--patience N', `seconds in which everything must have come to rest at the end (${patience})`],
  ['--hub FILE', "another hub's command, as packages/server/dist/cli.js; else it is made of the sources"],
  ['--facts FILE', 'write down all that the checker is told, with the time of each'],
  ['--json', 'print the result as JSON, on one line'],
  ['-h, --help', 'print this'],
])}

What it looks for
${list(Object.entries(kinds))}`
}
