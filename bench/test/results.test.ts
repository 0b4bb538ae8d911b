import { describe, expect, test } from 'vitest'
import { readOutput } from '../src/measure.ts'
import { cellOf, faultOf, limitOf, type Measurement, medianOf, ratioOf } from '../src/results.ts'

function measured(figures: Partial<Measurement>, peer: Measurement['peer'] = 'hookbox'): Measurement {
  return { peer, row: 'fan-out 1000', at: '2026-01-01T00:00:00.000Z', cpu_us: 1, lost: 0, dead: 0, ...figures }
}

describe('a measurement is no number', () => {
  test.each([
    [{ error: 'the server does not listen' }, 'the server does not listen'],
    [{ deliveries_per_s: 1, lost: 3 }, '3 deliveries were lost'],
    [{ deliveries_per_s: 1, lost: -1 }, '-1 deliveries were lost'],
    [{ deliveries_per_s: 1, dead: 2 }, '2 connections died'],
    [{}, 'there is no deliveries_per_s'],
    [{ deliveries_per_s: 0 }, 'deliveries_per_s is 0'],
  ])('%j', (figures, fault) => {
    expect(faultOf(measured(figures))).toBe(fault)
    expect(cellOf([measured({ deliveries_per_s: 5 }), measured(figures)], 'deliveries_per_s')).toBe(fault)
  })

  test('that is whole, is one', () => {
    expect(faultOf(measured({ deliveries_per_s: 5 }))).toBeUndefined()
  })
})

test('the median stands in the middle, or between the two that do', () => {
  expect([medianOf([1]), medianOf([1, 3]), medianOf([1, 2, 9]), medianOf([1, 2, 4, 9])]).toEqual([1, 2, 2, 3])
})

test('of several rounds the median is told, with the least and the most', () => {
  const rounds = [3, 1, 2].map((value) => measured({ deliveries_per_s: value }))
  expect(cellOf(rounds, 'deliveries_per_s')).toEqual({ median: 2, least: 1, most: 3, rounds: 3 })
  expect(cellOf([], 'deliveries_per_s')).toBeUndefined()
})

describe('what ours is to another', () => {
  const all = (values: readonly number[], figure: string) => values.map((value) => measured({ [figure]: value }))

  test('is taken within each round', () => {
    // Whole medians would say 1.
    const ours = all([200, 100, 50], 'deliveries_per_s')
    const theirs = all([100, 50, 100], 'deliveries_per_s')
    expect(ratioOf(ours, theirs, 'deliveries_per_s')).toBe(2)
  })

  test('is above one where less is better and we take less', () => {
    const kb = (value: number) => [{ ...measured({ kb_per_conn: value, per_s: 1 }), row: 'connect' as const }]
    expect(ratioOf(kb(5), kb(10), 'kb_per_conn')).toBe(2)
  })

  test('is not told where a round broke, of whichever of them', () => {
    const broken = [measured({ error: 'it ended' }), measured({ deliveries_per_s: 10 })]
    const whole = all([5, 30], 'deliveries_per_s')
    expect(ratioOf(whole, broken, 'deliveries_per_s')).toBeUndefined()
    expect(ratioOf(broken, whole, 'deliveries_per_s')).toBeUndefined()
    expect(ratioOf(whole, whole, 'deliveries_per_s')).toBe(1)
  })
})

test('what the generator prints is read, and said where it is of no use', () => {
  expect(readOutput('{"mode":"ingest","msgs_per_s":5}\n')).toEqual({ mode: 'ingest', msgs_per_s: 5 })
  expect(() => readOutput('')).toThrow('the generator said nothing of use: nothing')
  expect(() => readOutput('Segmentation fault')).toThrow('the generator said nothing of use: Segmentation fault')
})

describe('what was at its limit', () => {
  const load = (server_cpu: number, gen_cpu: number, more: Partial<Measurement> = {}) =>
    measured({ deliveries_per_s: 1, server_cpu, gen_cpu, ...more })

  test.each([
    { what: 'server', rounds: [load(0.99, 0.5)] },
    { what: 'server', rounds: [load(0.99, 0.99)] },
    { what: 'generator', rounds: [load(0.6, 0.99)] },
    { what: 'neither', rounds: [load(0.54, 0.3)] },
    { what: 'server', rounds: [load(0.54, 0.3), load(0.99, 0.5), load(1, 0.5)] },
    { what: undefined, rounds: [load(0.54, 0.3), load(0.99, 0.5, { lost: 1 })] },
    { what: undefined, rounds: [load(0.54, 0.3, { row: 'one at a time' })] },
    { what: undefined, rounds: [measured({ deliveries_per_s: 1 })] },
    { what: undefined, rounds: [] },
  ])('$what: $rounds', ({ what, rounds }) => {
    expect(limitOf(rounds)).toBe(what)
  })
})
