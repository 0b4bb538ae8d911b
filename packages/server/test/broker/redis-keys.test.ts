import { expect, test } from 'vitest'
import { escapeName, Keys, type Spot, unescapeName } from '../../src/broker/redis/keys.ts'
import { shardOf } from '../../src/broker/redis/shards.ts'
import { slotOf } from '../../src/broker/redis/slots.ts'

const odd = [
  'a',
  'a}',
  '{a}',
  '{',
  '}',
  '%',
  '%7d',
  '%257d',
  'a:meta',
  'c:a',
  '}:meta',
  '🦊',
  '"',
  "'",
  ' ',
  '__proto__',
  '*',
]

/** What Redis takes for the tag: what stands between the first brace and the one after it. */
function tagOf(key: string): string | undefined {
  return /\{([^}]*)\}/.exec(key)?.[1]
}

test('no name reaches into another: neither its keys nor its tag', () => {
  const keys = new Keys('hookbox:', '0')
  const spots = odd.flatMap((name): Spot[] => [
    keys.channel(name),
    keys.user(name),
    keys.node(name),
    keys.connection(name),
    keys.ticket(name),
    keys.probe(name, 1),
  ])
  spots.push(keys.index('channels'), keys.index('users'), keys.nodes())
  const all = spots.flatMap((spot) => [spot.key('meta'), spot.key('lease:visit:{x}'), spot.topic])
  expect(new Set(all).size).toBe(all.length)
  for (const { tag, topic, key } of spots) {
    expect([key('meta'), key('lease:visit:{x}'), topic].map(tagOf)).toEqual(Array(3).fill(tag.slice(1, -1)))
  }
  expect(new Set(spots.map(({ tag }) => tag)).size).toBe(spots.length)
})

test('a name comes back as it was', () => {
  for (const name of odd) expect(unescapeName(escapeName(name))).toBe(name)
})

test('hubs with other prefixes, or in other databases of one server, hear nothing of each other', () => {
  const topics = [new Keys('a:', '0'), new Keys('b:', '0'), new Keys('a:', '1')].map(
    (keys) => keys.channel('chat').topic,
  )
  expect(new Set(topics).size).toBe(3)
})

test('a prefix with a brace is refused', () => {
  expect(() => new Keys('{a}', '0')).toThrow('expected no braces')
})

test('the slot is the one that Redis reckons', () => {
  expect(slotOf('{123456789}')).toBe(12_739)
  expect(slotOf('{foo}')).toBe(12_182)
  expect(slotOf('{c:🦊}')).toBe(slotOf('{c:🦊}'))
})

test('shards share what there is, and with one more only what falls to it moves', () => {
  const tags = Array.from({ length: 3_000 }, (_, n) => `{c:channel ${n}}`)
  const two = tags.map((tag) => shardOf([0, 1], tag))
  const three = tags.map((tag) => shardOf([0, 1, 2], tag))
  for (const shard of [0, 1]) expect(two.filter((one) => one === shard).length).toBeGreaterThan(1_350)
  for (const shard of [0, 1, 2]) expect(three.filter((one) => one === shard).length).toBeGreaterThan(850)
  expect(three.every((shard, n) => shard === 2 || shard === two[n])).toBe(true)
  expect(() => shardOf([], '{a}')).toThrow('there is no Redis')
})
