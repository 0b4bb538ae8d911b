import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readView } from '../../../packages/server/src/admin/view.ts'
import { hashOf, type ListView, viewOf } from '../src/route.ts'

const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const list = fc.record({
  name: fc.constantFrom<ListView['name']>('channels', 'users'),
  search: fc.string({ unit: 'grapheme', maxLength: 50 }),
  sort: fc.constantFrom<ListView['sort']>('name', 'size'),
  descending: fc.boolean(),
  from: fc.nat(100_000),
})

test('every view has an address that leads back to it', () => {
  const view = fc.oneof(
    fc.record({ name: fc.constantFrom('overview' as const, 'webhooks' as const, 'log' as const) }),
    fc.record({ name: fc.constant('channel' as const), channel: name }),
    fc.record({ name: fc.constant('user' as const), user: name }),
    list,
  )
  fc.assert(fc.property(view, (one) => void expect(viewOf(hashOf(one))).toEqual(one)))
})

test('whatever the address is, it leads to a view that the hub understands', () => {
  const channels = { name: 'channels', search: '', sort: 'name', descending: false, from: 0 }
  expect(viewOf('')).toEqual({ name: 'overview' })
  expect(viewOf('#/nowhere')).toEqual({ name: 'overview' })
  expect(viewOf('#/channels?from=-5&sort=colour')).toEqual(channels)
  expect(viewOf('#/channels/%E0%A4%A')).toEqual({ name: 'channel', channel: '%E0%A4%A' })
  fc.assert(
    fc.property(fc.constantFrom('channels', 'users', 'log'), fc.string({ maxLength: 300 }), (path, query) => {
      expect(() => readView(viewOf(`#/${path}?${query}`))).not.toThrow()
    }),
  )
})
