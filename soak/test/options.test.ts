import { describe, expect, test } from 'vitest'
import { kindNames } from '../src/checker.ts'
import { type Command, help, readCommand, UsageError } from '../src/options.ts'
import { scenarios } from '../src/scenarios.ts'

function command(...args: string[]): Command {
  const found = readCommand(args)
  if (found === 'help') throw new Error('expected a command')
  return found
}

test('without options it is a million deliveries over five thousand cuts, with a seed of its own', () => {
  const { settings, hub, json } = command()
  expect(settings).toMatchObject({ scenario: 'cuts', deliveries: 1_000_000, cuts: 5_000, snapshot: false })
  expect(settings.until).toBeUndefined()
  expect(settings.minutes).toBeUndefined()
  expect({ hub, json }).toEqual({ hub: undefined, json: false })
  expect(command().settings.seed).not.toBe(settings.seed)
})

test('every option is taken up', () => {
  const args =
    '--scenario restart --snapshot --seed 7 --clients 3 --channels 12 --deliveries 1,000 --cuts 0 --upsets 2 --minutes 0.5 --payload 9 --patience 4 --hub hub.js --json'
  expect(command(...args.split(' '))).toEqual({
    hub: 'hub.js',
    json: true,
    settings: {
      scenario: 'restart',
      snapshot: true,
      seed: 7,
      clients: 3,
      channels: 12,
      deliveries: 1_000,
      cuts: 0,
      upsets: 2,
      minutes: 0.5,
      payload: 9,
      patience: 4,
      nodes: 3,
      persistence: 'none',
    },
  })
  const { settings } = command('--scenario', 'redis-restart', '--nodes', '5', '--persistence', 'everysec')
  expect(settings).toMatchObject({ nodes: 5, persistence: 'everysec', upsets: 20 })
  expect(command('--facts', 'facts.txt').settings.facts).toBe('facts.txt')
  expect(command('--fail-fast').settings.until).toBe('any')
  expect(command('--until', 'stored twice').settings.until).toBe('stored twice')
})

describe('what cannot be understood is told in a sentence', () => {
  test.each([
    { args: ['--clients', '1'], text: '--clients: expected a whole number of at least 2, got 1' },
    { args: ['--cuts', 'many'], text: '--cuts: expected a whole number of at least 0, got many' },
    { args: ['--minutes', '0'], text: '--minutes: expected a number above 0, got 0' },
    { args: ['--scenario', 'flood'], text: /^--scenario: expected one of cuts, kill, .*, got flood$/ },
    { args: ['--nodes', '3'], text: /^--nodes: expected together with --scenario nodes or drain/ },
    { args: ['--scenario', 'nodes', '--nodes', '1'], text: '--nodes: expected a whole number of at least 2, got 1' },
    {
      args: ['--persistence', 'none'],
      text: '--persistence: expected together with --scenario redis-restart',
    },
    {
      args: ['--scenario', 'redis-restart', '--persistence', 'rdb'],
      text: '--persistence: expected one of none, everysec, got rdb',
    },
    { args: ['--snapshot'], text: '--snapshot: expected together with --scenario restart' },
    { args: ['--until', 'bad'], text: `--until: expected one of ${kindNames.join(', ')}; got bad` },
    { args: ['--speed'], text: /Unknown option '--speed'/ },
  ])('$args', ({ args, text }) => {
    expect(() => readCommand(args)).toThrow(UsageError)
    expect(() => readCommand(args)).toThrow(text)
  })
})

test('the help names every option, scenario and kind of finding', () => {
  expect(readCommand(['-h'])).toBe('help')
  const named = [
    '--clients',
    '--channels',
    '--deliveries',
    '--cuts',
    '--seed',
    '--scenario',
    '--minutes',
    '--until',
    '--nodes',
    '--persistence',
    '--facts',
  ]
  for (const name of [...named, ...Object.keys(scenarios), ...kindNames]) expect(help()).toContain(`  ${name}`)
})
