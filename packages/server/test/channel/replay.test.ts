import type { Position } from '@hookbox/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Replay } from '../../src/channel/replay.ts'

test('whatever is read and heard in whatever order, each entry is delivered once and in order', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(20), fc.nat(20), (before, whileReading, after) => {
      const delivered: number[] = []
      const replay = new Replay<{ position: { epoch: string; offset: number } }>(({ position }) =>
        delivered.push(position.offset),
      )
      const entry = (offset: number) => ({ position: { epoch: 'e', offset } })
      replay.hold()
      let next = 1
      for (let i = 0; i < before; i++) replay.hear(entry(next++))
      // The snapshot is taken here: it holds all that came before.
      const top = next - 1
      for (let i = 0; i < whileReading; i++) replay.hear(entry(next++))
      expect(delivered).toEqual([])
      replay.release({ epoch: 'e', offset: top })
      for (let i = 0; i < after; i++) replay.hear(entry(next++))
      expect(delivered).toEqual(Array.from({ length: whileReading + after }, (_, i) => top + 1 + i))
    }),
  )
})

test('held entries of a newer epoch than the snapshot are delivered', () => {
  const delivered: string[] = []
  const replay = new Replay<{ position: { epoch: string; offset: number } }>(({ position }) =>
    delivered.push(position.epoch),
  )
  replay.hold()
  replay.hear({ position: { epoch: 'new', offset: 1 } })
  replay.release({ epoch: 'old', offset: 5 })
  expect(delivered).toEqual(['new'])
})

test('entries pass again only when the last of several snapshots has been sent', () => {
  const delivered: number[] = []
  const replay = new Replay<{ position: { epoch: string; offset: number } }>(({ position }) =>
    delivered.push(position.offset),
  )
  const entry = (offset: number) => ({ position: { epoch: 'e', offset } })
  replay.hold()
  replay.hold()
  replay.hear(entry(1))
  replay.hear(entry(2))
  replay.release({ epoch: 'e', offset: 0 })
  expect(delivered).toEqual([])
  replay.release({ epoch: 'e', offset: 1 })
  expect(delivered).toEqual([2])
})

test('where no snapshot could be read nothing that was held is lost', () => {
  const delivered: number[] = []
  const replay = new Replay<{ position: { epoch: string; offset: number } }>(({ position }) =>
    delivered.push(position.offset),
  )
  replay.hold()
  replay.hear({ position: { epoch: 'e', offset: 1 } })
  replay.release()
  replay.hear({ position: { epoch: 'e', offset: 2 } })
  expect(delivered).toEqual([1, 2])
})

describe('a further snapshot, to a page that has one', () => {
  function held() {
    const delivered: number[] = []
    const replay = new Replay<{ position: Position }>(({ position }) => delivered.push(position.offset))
    const hear = (...offsets: number[]) => {
      for (const offset of offsets) replay.hear({ position: { epoch: 'e', offset } })
    }
    replay.hold()
    replay.release({ epoch: 'e', offset: 2 })
    return { delivered, replay, hear }
  }

  test('stands for nothing: what was held up to it is told before it, the rest after it', () => {
    const { delivered, replay, hear } = held()
    replay.hold()
    hear(3, 4, 5)
    replay.pass({ epoch: 'e', offset: 4 })
    expect(delivered).toEqual([3, 4])
    replay.release({ epoch: 'e', offset: 4 })
    expect(delivered).toEqual([3, 4, 5])
    hear(6)
    expect(delivered).toEqual([3, 4, 5, 6])
  })

  test('does not bring again what the one before brought', () => {
    const { delivered, replay, hear } = held()
    replay.hold()
    hear(1, 2, 3)
    replay.pass({ epoch: 'e', offset: 3 })
    replay.release({ epoch: 'e', offset: 3 })
    expect(delivered).toEqual([3])
  })

  test('that overtakes another one on its way loses nothing, and tells nothing twice', () => {
    const { delivered, replay, hear } = held()
    replay.hold()
    hear(3)
    replay.hold()
    hear(4, 5)
    replay.pass({ epoch: 'e', offset: 4 })
    replay.release({ epoch: 'e', offset: 4 })
    expect(delivered).toEqual([3, 4])
    replay.pass({ epoch: 'e', offset: 3 })
    replay.release({ epoch: 'e', offset: 3 })
    expect(delivered).toEqual([3, 4, 5])
  })

  test('is nothing to somebody who has left', () => {
    const { delivered, replay, hear } = held()
    replay.hold()
    hear(3)
    replay.end()
    replay.pass({ epoch: 'e', offset: 3 })
    replay.release({ epoch: 'e', offset: 3 })
    hear(4)
    expect(delivered).toEqual([])
  })

  test('the first one stands for everything up to it', () => {
    const delivered: number[] = []
    const replay = new Replay<{ position: Position }>(({ position }) => delivered.push(position.offset))
    replay.hold()
    replay.hear({ position: { epoch: 'e', offset: 1 } })
    replay.pass({ epoch: 'e', offset: 1 })
    replay.release({ epoch: 'e', offset: 1 })
    expect(delivered).toEqual([])
  })
})
