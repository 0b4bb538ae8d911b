import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { SavedPiece } from '../../src/broker/memory/memory-broker.ts'
import { takeSnapshot, writeSnapshot } from '../../src/snapshot/snapshot-file.ts'

let folder = ''
let file = ''
const errors: unknown[] = []
const log = { error: (fields: unknown, message?: unknown) => void errors.push([message, fields]) }

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookbox-snapshot-'))
  file = join(folder, 'hub.snapshot')
  errors.length = 0
})

afterEach(() => rmSync(folder, { recursive: true }))

const pieces: SavedPiece[] = [
  { kind: 'user', name: 'ann', options: { reflective: true }, connections: [] },
  { kind: 'sent', sender: 'ünï', ids: [['line\nbreak', 1]] },
]

test('what was written is taken up once, and the file is gone', () => {
  writeSnapshot(file, pieces)
  expect(takeSnapshot(file, log)).toEqual(pieces)
  expect(readdirSync(folder)).toEqual([])
  expect(takeSnapshot(file, log)).toBeUndefined()
  expect(errors).toEqual([])
})

test('the file is readable by its user alone, also where an older one was not', () => {
  writeFileSync(file, 'old', { mode: 0o644 })
  writeSnapshot(file, pieces)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['hub.snapshot'])
})

test.each([
  ['cut off in a line', (text: string) => text.slice(0, -3)],
  ['cut off between lines', (text: string) => text.slice(0, text.lastIndexOf('{'))],
  ['with a line lost', (text: string) => text.replace(/.*"sent".*\n/, '')],
  ['of another format', (text: string) => text.replace('"format":2', '"format":3')],
  ['that is something else', () => 'hello\n'],
  ['that is empty', () => ''],
])('one %s is not used, which is logged, and cannot be met again', (_how, spoil) => {
  writeSnapshot(file, pieces)
  writeFileSync(file, spoil(readFileSync(file, 'utf8')))
  expect(takeSnapshot(file, log)).toBeUndefined()
  expect(errors).toMatchObject([['the snapshot cannot be used: the hub starts without memory', { file }]])
  expect(readdirSync(folder)).toEqual([])
})

test('a folder that is not there is told at the start already', () => {
  const nowhere = join(folder, 'nowhere', 'hub.snapshot')
  expect(() => takeSnapshot(nowhere, log)).toThrow(`snapshot: cannot write beside ${nowhere}`)
  expect(() => writeSnapshot(nowhere, pieces)).toThrow(`snapshot: cannot write ${nowhere}`)
})

test('pieces that cannot be told to the end leave the older file as it was', () => {
  writeSnapshot(file, pieces)
  const failing = (function* () {
    yield* pieces
    throw new Error('no more')
  })()
  expect(() => writeSnapshot(file, failing)).toThrow('no more')
  expect(readdirSync(folder)).toEqual(['hub.snapshot'])
  expect(takeSnapshot(file, log)).toEqual(pieces)
})
