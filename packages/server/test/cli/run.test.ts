import { EventEmitter } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { HookboxError } from '@hookbox/protocol'
import { expect, test } from 'vitest'
import { run, type Startable, type Terminal } from '../../src/cli/run.ts'
import { version } from '../../src/config/version.ts'
import { sink } from '../kit/sink.ts'

const quiet: Startable = { listen: async () => ({ url: 'http://127.0.0.1:8001' }), close: async () => {} }

async function hookbox(args: string[], hub: () => Startable = () => quiet) {
  const exits: number[] = []
  const stdout = sink()
  const stderr = sink()
  const terminal = Object.assign(new EventEmitter(), {
    argv: ['node', 'hookbox', ...args],
    env: {},
    stdout,
    stderr,
    exit: (code: number) => void exits.push(code),
  }) satisfies Terminal
  await run(terminal, hub)
  return { exits, stdout, stderr, terminal }
}

test('--help prints the options and starts nothing', async () => {
  const { stdout, exits, terminal } = await hookbox(['--help'], () => expect.unreachable())
  expect(stdout.text).toContain('--cb-create_channel NAME')
  expect(exits).toEqual([])
  expect(terminal.listenerCount('SIGTERM')).toBe(0)
})

test('--version prints the version of the package', async () => {
  expect((await hookbox(['--version'])).stdout.text).toBe(`${version}\n`)
})

test('a mistake in the options is one line and exit code 2', async () => {
  const { stdout, stderr, exits } = await hookbox(['--port', 'abc'])
  expect(stderr.text).toBe('hookbox: --port: expected a whole number from 0 to 65535, got "abc"\n')
  expect(stdout.text).toBe('')
  expect(exits).toEqual([2])
})

test('a log file that cannot be opened is one line and exit code 2', async () => {
  const { stderr, exits } = await hookbox(['-E', '/nowhere/e.log'])
  expect(stderr.text).toMatch(/^hookbox: log_file_errors: cannot write to \/nowhere\/e.log, ENOENT.*\n$/)
  expect(exits).toEqual([2])
})

test('a taken port is one sentence and exit code 1', async () => {
  const { stderr, exits } = await hookbox([], () => ({
    ...quiet,
    listen: async () => {
      throw new HookboxError('unavailable', 'port 8001 of 127.0.0.1 is taken')
    },
  }))
  expect(stderr.text).toBe('hookbox: port 8001 of 127.0.0.1 is taken\n')
  expect(exits).toEqual([1])
})

test('a bug while starting is logged with its stack', async () => {
  const { stdout, exits } = await hookbox([], () => {
    throw new TypeError('x is not a function')
  })
  expect(stdout.lines[0]).toMatchObject({ level: 'fatal', err: { type: 'TypeError', stack: expect.any(String) } })
  expect(exits).toEqual([1])
})

test('it says where it listens', async () => {
  const { stdout, stderr } = await hookbox(['--cbport', '3000', '-s', 'short'], () => ({
    ...quiet,
    listen: async () => ({ url: 'http://127.0.0.1:8001', restUrl: 'http://127.0.0.1:8002' }),
  }))
  expect(stdout.lines.map(({ level, msg }) => [level, msg])).toEqual([
    ['warn', '-s: a secret of less than 24 bytes can be guessed'],
    ['info', 'listening at http://127.0.0.1:8001, on every address of this machine, REST at http://127.0.0.1:8002'],
  ])
  expect(stderr.text).toBe('')
})

test('open mode is warned about, in a box and in the log', async () => {
  const { stdout, stderr } = await hookbox([])
  const box = stripVTControlCharacters(stderr.text)
  expect(box).toMatch(/^┌─+┐\n│ OPEN MODE: .*│\n│ .*│\n└─+┘\n$/)
  expect(
    new Set(
      box
        .trim()
        .split('\n')
        .map((line) => line.length),
    ).size,
  ).toBe(1)
  expect(stdout.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: 'open mode: everyone is admitted' }),
  )
})
