import { expect, test } from 'vitest'
import { curveNames } from '../src/growth/curves.ts'
import { help, readOptions, UsageError } from '../src/options.ts'
import { pageRowNames } from '../src/page/page-rows.ts'
import { peerNames } from '../src/peers.ts'
import { rowNames } from '../src/rows.ts'
import { workersRowNames } from '../src/workers/workers.ts'

test('without options everything is measured three times', () => {
  expect(readOptions([])).toEqual({
    what: 'peers',
    rounds: 3,
    duration: 3,
    rows: rowNames,
    peers: undefined,
    get: false,
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

test('how the cost grows is measured curve by curve, three times', () => {
  const growth = { what: 'growth', rounds: 3, duration: 3, rows: curveNames, out: undefined }
  expect(readOptions(['--growth'])).toEqual(growth)
  expect(readOptions(['--growth', '--quick'])).toEqual({ ...growth, rounds: 1, duration: 2 })
  expect(readOptions(['--growth', '--rows', 'channels, history publish', '--out', 'x'])).toEqual({
    ...growth,
    rows: ['channels', 'history publish'],
    out: 'x',
  })
})

test('what a page costs is measured row by row', () => {
  const page = { what: 'page', rounds: 3, rows: pageRowNames, out: undefined }
  expect(readOptions(['--page'])).toEqual(page)
  expect(readOptions(['--page', '--quick', '--rows', 'burst kept'])).toEqual({
    ...page,
    rounds: 1,
    rows: ['burst kept'],
  })
})

test('what workers gain is measured in some of the rows, as often as beside others', () => {
  const workers = { what: 'workers', rounds: 3, duration: 3, rows: workersRowNames, out: undefined }
  expect(readOptions(['--workers'])).toEqual(workers)
  expect(readOptions(['--workers', '--quick', '--rows', 'connect, moderated'])).toEqual({
    ...workers,
    rounds: 1,
    duration: 2,
    rows: ['connect', 'moderated'],
  })
})

test.each([
  [['--rounds', '0'], '--rounds: expected a whole number above 0, got 0'],
  [['--duration', 'long'], '--duration: expected a whole number above 0, got long'],
  [['--rows', 'speed'], '--rows: expected some of fan-out 100, '],
  [['--peers', 'hookbox,pusher'], '--peers: expected some of hookbox, ws loop, '],
  [['--growth', '--rows', 'latency'], '--rows: expected some of connections, '],
  [['--rows', 'presence'], '--rows: expected some of fan-out 100, '],
  [['--growth', '--peers', 'bun'], '--peers: expected not to stand beside --growth'],
  [['--growth', '--get'], '--get: expected not to stand beside --growth'],
  [['--growth', '--page'], '--page: expected not to stand beside --growth'],
  [['--page', '--duration', '3'], '--duration: expected not to stand beside --page'],
  [['--workers', '--rows', 'latency'], '--rows: expected some of fan-out 1000, '],
  [['--workers', '--peers', 'bun'], '--peers: expected not to stand beside --workers'],
  [['--growth', '--workers'], '--workers: expected not to stand beside --growth'],
  [['--compression', '--workers'], '--workers: expected not to stand beside --compression'],
  [['--fast'], 'Unknown option'],
])('%j is told to be wrong', (args, message) => {
  expect(() => readOptions(args)).toThrow(UsageError)
  expect(() => readOptions(args)).toThrow(message)
})

test('help names everything that can be measured', () => {
  expect(readOptions(['-h'])).toBe('help')
  for (const name of [...rowNames, ...peerNames, ...curveNames, ...pageRowNames]) expect(help()).toContain(`  ${name}`)
})

test('compression is another load, which has no rows', () => {
  const asked = { what: 'compression', rounds: 2, duration: 2, out: undefined }
  expect(readOptions(['--compression', '--quick', '--rounds', '2'])).toEqual(asked)
  expect(() => readOptions(['--compression', '--peers', 'bun'])).toThrow(
    '--peers: expected not to stand beside --compression',
  )
})
