import { expect, test } from 'vitest'
import { Feed } from '../src/feed.ts'

const numbers = (feed: Feed<string>, number?: number) => feed.after(number).map((told) => told.number)

test('what was told is kept in its order, and can be asked for from a number on', () => {
  const feed = new Feed<string>({ items: 10, bytes: 100 })
  for (const word of ['a', 'b', 'c']) feed.add(word, 1)
  expect(feed.after()).toEqual([
    { number: 1, what: 'a' },
    { number: 2, what: 'b' },
    { number: 3, what: 'c' },
  ])
  expect(numbers(feed, 2)).toEqual([3])
  expect(numbers(feed, 3)).toEqual([])
})

test('beyond either bound the oldest is forgotten, and numbers go on', () => {
  const feed = new Feed<string>({ items: 3, bytes: 10 })
  for (const bytes of [1, 1, 1, 1]) feed.add('', bytes)
  expect(numbers(feed)).toEqual([2, 3, 4])
  feed.add('', 9)
  expect(numbers(feed)).toEqual([4, 5])
  feed.add('', 11)
  expect(numbers(feed)).toEqual([])
  feed.add('', 10)
  expect(numbers(feed)).toEqual([7])
})
