import { expect, test } from 'vitest'
import { closeCodes, comesBack } from '../src/index.ts'
import { read } from './vectors.ts'

interface Row {
  readonly name: string
  readonly code: number
  readonly comes_back: boolean
}

const rows = read<Row>('close-codes')

test.each(rows)('$code, $name: comes back is $comes_back', (row) => {
  expect(comesBack(row.code)).toBe(row.comes_back)
})

test('every close code has a row', () => {
  const known = rows.map(({ code }) => code)
  for (const code of Object.values(closeCodes)) expect(known).toContain(code)
})
