import { TestClock } from '@hookbox/testkit'
import { expect, test } from 'vitest'
import { BoundedIds } from '../../src/broker/memory/bounded-ids.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

test('what is kept for publishers alone is bounded in size, not only in number: the oldest goes first', () => {
  const ids = new BoundedIds(new TestClock())
  const frame = new PreparedFrame('x'.repeat(65_536))
  for (let i = 0; i < 17; i++) ids.set(`m${i}`, { frame })
  expect(ids.get('m0')).toBeUndefined()
  for (let i = 1; i < 17; i++) expect(ids.get(`m${i}`)).toEqual({ frame })
})

test('an id that is set again counts once', () => {
  const ids = new BoundedIds(new TestClock())
  const frame = new PreparedFrame('x'.repeat(65_536))
  for (let i = 0; i < 40; i++) ids.set('m', { frame })
  ids.set('n', { position: { epoch: 'e', offset: 1 } })
  expect(ids.get('m')).toEqual({ frame })
})
