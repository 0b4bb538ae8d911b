import { expect, test } from 'vitest'
import type { Measurement } from '../src/results.ts'
import { type Row, rows } from '../src/rows.ts'
import { tables } from '../src/table.ts'
import { hubs, workersRowNames, workersView } from '../src/workers/workers.ts'

test('each row has its own figures, and besides what the hub and Redis cost', () => {
  for (const row of workersRowNames) {
    const { figures }: Row = rows[row]
    const columns = workersView.figures?.[row]
    expect(columns).toEqual(expect.arrayContaining([...figures, 'cpu_us', 'redis_us']))
    expect(columns?.[0]).toBe(figures[0])
  }
})

test('two workers are compared with one, and with a hub in memory', () => {
  const of = (peer: Measurement['peer'], figures: Record<string, number>): Measurement => ({
    ...{ peer, row: 'connect', at: '' },
    ...figures,
  })
  const text = tables(
    [
      of(hubs[0], { per_s: 800, cpu_us: 1_000, redis_us: 0, kb_per_conn: 20, redis_kb_per_conn: 0 }),
      of(hubs[1], { per_s: 400, cpu_us: 2_000, redis_us: 400, kb_per_conn: 25, redis_kb_per_conn: 2 }),
      of(hubs[2], { per_s: 600, cpu_us: 2_500, redis_us: 500, kb_per_conn: 25, redis_kb_per_conn: 2 }),
    ],
    workersView,
  )
  const lines = text.split('\n').map((line) => line.split(' | ').slice(0, 5).join(' | '))
  expect(lines.slice(-5)).toEqual([
    '| server | connects/s | 2 workers to it | CPU of the server, µs each | 2 workers to it',
    '| --- | ---: | ---: | ---: | ---:',
    '| hookbox | 800 | 0.75× | 1,000 | 0.40×',
    '| **2 workers** | 600 |  | 2,500 | ',
    '| 1 worker | 400 | 1.50× | 2,000 | 0.80×',
  ])
})
