import { decodeServerMessage } from '@hookbox/protocol'
import { describe, expect, test } from 'vitest'
import { answersTo, messagesOf, type Said } from '../src/page/fake-hub.ts'
import { html } from '../src/page/html.ts'
import { faultOfPage, type PageMeasured } from '../src/page/measure-page.ts'
import { type PageRow, pageRowNames, pageRows } from '../src/page/page-rows.ts'
import { pageTables } from '../src/page/page-table.ts'

const of = (row: PageMeasured['row'], figures: Record<string, number | string>): PageMeasured => ({
  ...{ row, at: '' },
  ...figures,
})

describe('the hub that is none', () => {
  test('answers what a page asks at first, as the wire has it', () => {
    const asked = '[1,"CONNECT",{"payload":{"name":"page"}}]\n[2,"SUBSCRIBE",{"channel_name":"c0"}]\n[3,"PONG",{}]'
    const answers = answersTo(asked, { history_size: 7 })
    const frames = decodeServerMessage(answers.join('\n'))
    expect(frames).toMatchObject([
      { id: 1, name: 'CONNECTED', args: { payload: { name: 'page' } } },
      { id: 2, name: 'SUBSCRIBED', args: { channel_name: 'c0', history_size: 7, position: '9c1d:0' } },
    ])
  })

  test('joins frames, so many in a message, in order', () => {
    const frames: Said[] = [1, 2, 3].map((offset) => ['POSITION', { channel_name: 'c0', offset }])
    expect(messagesOf(frames, 2)).toEqual([
      '[0,"POSITION",{"channel_name":"c0","offset":1}]\n[0,"POSITION",{"channel_name":"c0","offset":2}]',
      '[0,"POSITION",{"channel_name":"c0","offset":3}]',
    ])
  })
})

test('the page connects to the hub that it is given, with the client or with nothing', () => {
  expect(html('http://127.0.0.1:8001', 'client')).toContain("hookbox.connect('http://127.0.0.1:8001'")
  const bare = html('http://127.0.0.1:8001', 'nothing')
  expect(bare).toContain("new Watched('ws://127.0.0.1:8001/ws', 'hookbox.v1')")
  expect(bare).not.toContain('hookbox.js')
})

describe('a measurement is no number', () => {
  test.each([
    [{ error: 'the page has history 9, not 10000' }, 'the page has history 9, not 10000'],
    [{ deliveries_per_s: 1 }, 'there is no busy_us'],
  ])('%j', (figures, fault) => {
    expect(faultOfPage(of('burst', figures))).toBe(fault)
  })

  test.each(pageRowNames)('%s is one with all of its figures', (row) => {
    const { figures }: PageRow = pageRows[row]
    expect(faultOfPage(of(row, Object.fromEntries(figures.map((figure) => [figure, 0]))))).toBeUndefined()
  })
})

test('a table has a line for each figure, and what broke has no number', () => {
  const figures = { busy_us: 4.5, long_tasks: 0, longest_ms: 0 }
  const text = pageTables([
    of('presence', { error: 'waited 120 seconds | for the page' }),
    of('burst at once', { deliveries_per_s: 100_000, ...figures }),
    of('burst at once', { deliveries_per_s: 200_000, ...figures }),
  ])
  expect(text.split('\n').slice(0, 12)).toEqual([
    '### burst at once',
    '',
    'The same 10,000 from a hub that is none, and has them ready: what the page itself can take.',
    '',
    '| | |',
    '| --- | ---: |',
    '| deliveries/s to handlers | 150k (100k–200k) |',
    '| main thread, µs a delivery | 4.5 (4.5–4.5) |',
    '| long tasks (over 50 ms) | 0 (0–0) |',
    '| longest of them, ms | 0 (0–0) |',
    '',
    '### presence',
  ])
  expect(text).toContain('| from SUBSCRIBED to ready, ms | broken: waited 120 seconds / for the page |')
})
