import { describe, expect, test } from 'vitest'
import { readView } from '../../src/admin/view.ts'

describe('what a page may look at', () => {
  test.each([{ name: 'overview' }, { name: 'webhooks' }, { name: 'log' }])('$name', (view) => {
    expect(readView({ ...view, more: 1 })).toEqual(view)
  })

  test('a list, from its beginning where nothing else is said', () => {
    const whole = { search: '', sort: 'name', descending: false, from: 0 }
    expect(readView({ name: 'channels' })).toEqual({ name: 'channels', ...whole })
    const view = { name: 'users', search: 'an', sort: 'size', descending: true, from: 50 }
    expect(readView(view)).toEqual(view)
  })

  test('one channel or user', () => {
    expect(readView({ name: 'channel', channel: 'a/b' })).toEqual({ name: 'channel', channel: 'a/b' })
    expect(readView({ name: 'user', user: 'ann' })).toEqual({ name: 'user', user: 'ann' })
  })
})

test.each([
  { view: 'overview', says: /^view: expected an object/ },
  { view: { name: 'secrets' }, says: /^name: expected overview, .*got "secrets"/ },
  { view: {}, says: /^name: / },
  { view: { name: 'channel' }, says: /^channel: expected a text/ },
  { view: { name: 'channel', channel: '' }, says: /^channel: / },
  { view: { name: 'user', user: 7 }, says: /^user: / },
  { view: { name: 'channels', search: 'x'.repeat(201) }, says: /^search: / },
  { view: { name: 'channels', sort: 'colour' }, says: /^sort: expected name or size, got "colour"/ },
  { view: { name: 'channels', descending: 'yes' }, says: /^descending: / },
  { view: { name: 'users', from: -1 }, says: /^from: / },
])('$view is refused', ({ view, says }) => {
  expect(() => readView(view)).toThrow(says)
})
