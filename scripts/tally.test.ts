import { describe, expect, test } from 'vitest'
import { add, isGood, readPlaywright, readVitest, tallyOf, write } from './tally.ts'

const vitest = (changes: object = {}) =>
  JSON.stringify({
    numPassedTests: 3,
    numFailedTests: 0,
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [{ status: 'passed', assertionResults: [{ status: 'passed' }] }],
    ...changes,
  })

const playwright = (stats: object = {}, errors: unknown[] = []) =>
  JSON.stringify({ stats: { expected: 4, unexpected: 0, flaky: 0, skipped: 0, ...stats }, errors })

describe('the last line', () => {
  test.each([
    { name: 'without skipped tests', tally: { passed: 12, failed: 0, skipped: 0 }, line: '12 passed, 0 failed' },
    { name: 'with skipped tests', tally: { passed: 1, failed: 2, skipped: 3 }, line: '1 passed, 2 failed, 3 skipped' },
  ])('$name', ({ tally, line }) => {
    expect(write(tally)).toBe(line)
  })

  test('sums what the checks say', () => {
    expect(add({ passed: 1, failed: 2, skipped: 3 }, { passed: 10, failed: 20, skipped: 30 })).toEqual({
      passed: 11,
      failed: 22,
      skipped: 33,
    })
  })

  test.each([
    { name: 'all passed', passed: 1, failed: 0, good: true },
    { name: 'one failed', passed: 1, failed: 1, good: false },
    { name: 'nothing ran', passed: 0, failed: 0, good: false },
  ])('it is good only where something passed and nothing failed: $name', ({ passed, failed, good }) => {
    expect(isGood({ passed, failed, skipped: 5 })).toBe(good)
  })
})

describe('a report of vitest', () => {
  test.each([
    { name: 'all passed', report: vitest(), exit: 0, passed: 3, failed: 0, skipped: 0 },
    { name: 'one failed', report: vitest({ numFailedTests: 1 }), exit: 1, passed: 3, failed: 1, skipped: 0 },
    {
      name: 'skipped and to do',
      report: vitest({ numPendingTests: 1, numTodoTests: 2 }),
      exit: 0,
      passed: 3,
      failed: 0,
      skipped: 3,
    },
    {
      name: 'a file that cannot be loaded',
      report: vitest({ testResults: [{ status: 'failed', assertionResults: [] }] }),
      exit: 1,
      passed: 3,
      failed: 1,
      skipped: 0,
    },
    { name: 'an error outside of every test', report: vitest(), exit: 1, passed: 3, failed: 1, skipped: 0 },
    { name: 'nothing ran', report: vitest({ numPassedTests: 0 }), exit: 0, passed: 0, failed: 1, skipped: 0 },
    { name: 'a crash before the report', report: undefined, exit: 1, passed: 0, failed: 1, skipped: 0 },
    { name: 'a crash in the report', report: '{"numPassed', exit: null, passed: 0, failed: 1, skipped: 0 },
    { name: 'a report of another shape', report: '{}', exit: 0, passed: 0, failed: 1, skipped: 0 },
  ])('$name', ({ report, exit, passed, failed, skipped }) => {
    expect(tallyOf(report, exit, readVitest)).toEqual({ passed, failed, skipped })
  })
})

describe('a report of Playwright', () => {
  test.each([
    { name: 'all passed', report: playwright(), exit: 0, passed: 4, failed: 0, skipped: 0 },
    { name: 'one failed', report: playwright({ unexpected: 1 }), exit: 1, passed: 4, failed: 1, skipped: 0 },
    {
      name: 'a shaky one is a failed one',
      report: playwright({ flaky: 1 }),
      exit: 0,
      passed: 4,
      failed: 1,
      skipped: 0,
    },
    { name: 'skipped', report: playwright({ skipped: 2 }), exit: 0, passed: 4, failed: 0, skipped: 2 },
    { name: 'a spec that cannot be loaded', report: playwright({}, [{}]), exit: 1, passed: 4, failed: 1, skipped: 0 },
    { name: 'nothing ran', report: playwright({ expected: 0 }), exit: 0, passed: 0, failed: 1, skipped: 0 },
  ])('$name', ({ report, exit, passed, failed, skipped }) => {
    expect(tallyOf(report, exit, readPlaywright)).toEqual({ passed, failed, skipped })
  })
})
