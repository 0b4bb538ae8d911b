import { describe, expect, test } from 'vitest'
import { type Curve, curveNames, curves } from '../src/growth/curves.ts'

const points = curveNames.flatMap((name) => {
  const curve: Curve = curves[name]
  return curve.points.map((point) => ({ name, curve, point }))
})

function given(load: readonly string[], option: string): number | undefined {
  const at = load.indexOf(option)
  return at < 0 ? undefined : Number(load[at + 1])
}

test.each(curveNames)('%s grows from point to point, and its cost is one of its figures', (name) => {
  const { points, figures, cost }: Curve = curves[name]
  const sizes = points.map(({ at }) => at)
  expect(sizes).toEqual([...new Set(sizes)].sort((a, b) => a - b))
  expect(figures).toContain(cost)
})

describe('what a point asks of the hub', () => {
  test.each(points)('$name $point.at: a channel has the same number of subscribers as every other', ({ point }) => {
    const { load } = point
    const held = (given(load, '--subs') ?? 0) * (given(load, '--each') ?? 1)
    expect(held % (given(load, '--channels') ?? 1)).toBe(0)
  })

  test.each(points)('$name $point.at: a connection holds at most 128 channels, and a frame 64 KiB', ({ point }) => {
    expect(given(point.load, '--each') ?? 1).toBeLessThanOrEqual(128)
    expect(given(point.load, '--size') ?? 128).toBeLessThan(65_536 - 200)
  })

  test.each(points)('$name $point.at: what is in flight is less than a page may leave unread', ({ point }) => {
    const size = given(point.load, '--size') ?? 128
    expect(size * (given(point.load, '--window') ?? 1)).toBeLessThan(1_048_576 / 2)
  })
})

test('each of the channels has a subscriber, up to 100,000', () => {
  const held = curves.channels.points.map(({ load }) => [given(load, '--subs'), given(load, '--each')])
  expect(held).toEqual([
    [1, 1],
    [100, 1],
    [1_000, 1],
    [1_000, 10],
    [1_000, 100],
  ])
})

test('who enters is one of the members, so that all of them are named in the answer', () => {
  expect(curves.presence.points.map(({ load }) => given(load, '--subs'))).toEqual([9, 99, 999, 9_999])
})

test.each(['history publish', 'history subscribe'] as const)('%s fills the history before anything counts', (name) => {
  const { points }: Curve = curves[name]
  for (const { at, load, channel } of points) {
    expect(given(load, '--fill')).toBe(at)
    expect(channel.history_size).toBe(at)
  }
})
