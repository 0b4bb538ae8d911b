import { expect, test } from 'vitest'
import type { Measurement } from '../src/results.ts'
import { number, tables } from '../src/table.ts'

const of = (row: Measurement['row'], peer: Measurement['peer'], figures: Record<string, number | string>) =>
  ({ peer, row, at: '', ...figures }) satisfies Measurement

test('the best stands first, ours is bold, and what broke has no number', () => {
  const text = tables([
    of('connect', 'hookbox', { per_s: 3_000, kb_per_conn: 10 }),
    of('connect', 'ws loop', { per_s: 2_000, kb_per_conn: 11 }),
    of('connect', 'nats', { error: 'it | ended' }),
    of('fan-out 1000', 'hookbox', { deliveries_per_s: 900_000, cpu_us: 0.9, lost: 0 }),
    of('fan-out 1000', 'hookbox', { deliveries_per_s: 1_100_000, cpu_us: 0.9, lost: 0 }),
    of('fan-out 1000', 'bun', { deliveries_per_s: 1_800_000, cpu_us: 0.45, lost: 0 }),
    of('fan-out 1000', 'bun', { deliveries_per_s: 1_100_000, cpu_us: 0.45, lost: 0 }),
  ])
  expect(text.split('\n')).toEqual([
    '### fan-out 1000',
    '',
    'One publisher, 1,000 subscribers, 16 publishes in flight.',
    '',
    '| server | deliveries/s | ours to it | CPU of the server, µs each | ours to it |',
    '| --- | ---: | ---: | ---: | ---: |',
    '| bun | 1.45M (1.10M–1.80M) | 0.75× | 0.45 (0.45–0.45) | 0.50× |',
    '| **hookbox** | 1.00M (900k–1.10M) |  | 0.90 (0.90–0.90) |  |',
    '',
    '### connect',
    '',
    '5,000 pages connect and subscribe to one channel, 128 at a time; the memory that each takes then. Without presence.',
    '',
    '| server | connects/s | ours to it | KB per connection | ours to it |',
    '| --- | ---: | ---: | ---: | ---: |',
    '| **hookbox** | 3,000 |  | 10.0 |  |',
    '| ws loop | 2,000 | 1.50× | 11.0 | 1.10× |',
    '| nats | broken: it / ended |  | broken: it / ended |  |',
  ])
})

test('what was not as busy as it could be is told under the table', () => {
  const busy = (peer: Measurement['peer'], server_cpu: number, gen_cpu: number) =>
    of('publish + ack', peer, { msgs_per_s: 1_000, cpu_us: 1, server_cpu, gen_cpu })
  const text = tables([busy('hookbox', 1, 0.5), busy('bun', 0.5, 1), busy('nats', 0.5, 0.99), busy('nchan', 0.3, 0.1)])
  expect(text.split('\n').slice(-4)).toEqual([
    '',
    'The generator, and not the server, was at its limit with bun, nats.',
    '',
    'Neither the server nor the generator was busy all the time with nchan.',
  ])
})

test('what stands beneath the hub stands beside it, and Redis is told apart', () => {
  const text = tables([
    of('through Redis', 'hookbox', { msgs_per_s: 4_000, cpu_us: 100, redis_us: 50 }),
    of('through Redis', 'ioredis', { msgs_per_s: 5_000, cpu_us: 40, redis_us: 60 }),
  ])
  expect(text.split('\n').slice(-4)).toEqual([
    '| server | publishes/s | ours to it | CPU of the server, µs each | ours to it | CPU of Redis, µs each | ours to it |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| ioredis | 5,000 | 0.80× | 40.0 | 0.40× | 60.0 | 1.20× |',
    '| **hookbox** | 4,000 |  | 100 |  | 50.0 |  |',
  ])
})

test.each([
  [0, '0'],
  [0.004, '0.00'],
  [0.994, '0.99'],
  [0.995, '1.0'],
  [99.94, '99.9'],
  [100, '100'],
  [9_994, '9,994'],
  [9_995, '10k'],
  [999_499, '999k'],
  [999_500, '1.00M'],
])('%d is written %s', (value, text) => {
  expect(number(value)).toBe(text)
})
