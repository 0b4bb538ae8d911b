import { expect, test } from 'vitest'
import { help, readOptions, UsageError } from '../src/options.ts'
import { peerNames } from '../src/peers.ts'
import { rowNames } from '../src/rows.ts'

test('without options everything is measured five times', () => {
  expect(readOptions([])).toEqual({
    rounds: 5,
    duration: 3,
    rows: rowNames,
    peers: undefined,
    get: false,
    compression: false,
    out: undefined,
  })
})

test('quickly, the most telling rows are, once', () => {
  const quick = { rounds: 1, duration: 2, rows: ['fan-out 1000', 'publish + ack', 'connect'] }
  expect(readOptions(['--quick'])).toMatchObject(quick)
  // Some versions of pnpm hand on the `--` that stands before what is for the script.
  expect(readOptions(['--', '--quick', '--rounds', '3', '--peers', 'hookbox,bun'])).toMatchObject({
    ...quick,
    rounds: 3,
    peers: ['hookbox', 'bun'],
  })
})

test.each([
  [['--rounds', '0'], '--rounds: expected a whole number above 0, got 0'],
  [['--duration', 'long'], '--duration: expected a whole number above 0, got long'],
  [['--rows', 'speed'], '--rows: expected some of fan-out 100, '],
  [['--peers', 'hookbox,pusher'], '--peers: expected some of hookbox, ws loop, '],
  [['--fast'], 'Unknown option'],
])('%j is told to be wrong', (args, message) => {
  expect(() => readOptions(args)).toThrow(UsageError)
  expect(() => readOptions(args)).toThrow(message)
})

test('help names everything that can be measured', () => {
  expect(readOptions(['-h'])).toBe('help')
  for (const name of [...rowNames, ...peerNames]) expect(help()).toContain(`  ${name}`)
})
