import { expect, test } from 'vitest'
import { contractRows, rowsWithoutTest } from './contract-rows.ts'

const file = 'packages/server/test/contract/rest.test.ts'
const rows = [
  { row: 'REST publish', words: ['publish'], file },
  { row: 'REST publish_multi', words: ['publish_multi'], file },
]

function report(path: string, names: Record<string, string>) {
  const assertionResults = Object.entries(names).map(([fullName, status]) => ({ fullName, status }))
  return { testResults: [{ name: `/somewhere/${path}`, assertionResults }] }
}

test.each([
  ['named by a passed test', report(file, { 'a form publish reaches a page': 'passed' }), ['REST publish_multi']],
  [
    'named by a failed test only',
    report(file, { 'publish reaches a page': 'failed' }),
    ['REST publish', 'REST publish_multi'],
  ],
  ['named in another file', report('other.test.ts', { publish: 'passed' }), ['REST publish', 'REST publish_multi']],
  ['named by part of a word', report(file, { publish_multi: 'passed' }), ['REST publish']],
])('of rows %s those without a passed test of their own are listed', (_name, given, missing) => {
  expect(rowsWithoutTest(given, rows).map(({ row }) => row)).toEqual(missing)
})

test('there are rows of every kind', () => {
  const kinds = new Set(contractRows().map(({ row }) => row.split(' ')[0]))
  expect([...kinds]).toEqual(
    expect.arrayContaining([
      'webhook',
      'channel',
      'polling',
      'user',
      'REST',
      'flag',
      'connection',
      'subscription',
      'the',
    ]),
  )
})
