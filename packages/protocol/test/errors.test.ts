import { expect, test } from 'vitest'
import { errors, HookboxError, isErrorCode } from '../src/index.ts'
import { read } from './vectors.ts'

interface Row {
  readonly name: string
  readonly status: number
  readonly temporary: boolean
}

test('the table of errors is the published one', () => {
  const rows = read<Row>('errors').map(({ name, status, temporary }) => [name, { status, temporary }])
  expect(Object.fromEntries(rows)).toEqual(errors)
})

test('an error knows its code, its cause and whether trying again may help', () => {
  const cause = new Error('socket hang up')
  const error = new HookboxError('webhook_failed', 'the web application could not be asked', { cause })
  expect(error).toMatchObject({ name: 'HookboxError', code: 'webhook_failed', temporary: true, cause })
})

test('what came over the wire decides whether trying again may help', () => {
  expect(new HookboxError('refused', 'later', { temporary: true }).temporary).toBe(true)
  expect(new HookboxError('refused', 'no').temporary).toBe(false)
})

test.each(['on_fire', '', 'constructor', '__proto__'])('%j is no error code', (word) => {
  expect(isErrorCode(word)).toBe(false)
})
