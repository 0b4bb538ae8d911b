import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Batch } from '../../src/transport/batch.ts'
import type { Message } from '../../src/transport/message.ts'
import { Outbox } from '../../src/transport/outbox.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

const turn = () => new Promise(setImmediate)
const frame = (text: string) => new PreparedFrame(text)

/** An outbox with what it wrote, and what it asked for of its line. */
class Box {
  readonly written: Message[] = []
  readonly sent: (() => void)[] = []
  readonly traffic = { sentFrames: 0, sentBytes: 0 }
  unsent = 0
  overflows = 0
  readonly outbox: Outbox

  constructor(bound?: number) {
    this.outbox = new Outbox(this, this.traffic, bound)
  }

  write(message: Message, onSent?: () => void): void {
    this.written.push(message)
    if (onSent) this.sent.push(onSent)
  }

  overflowed(): void {
    this.overflows++
  }

  get texts(): string[] {
    return this.written.map(({ bytes }) => bytes.toString())
  }
}

function batch(): Batch {
  return new Batch(() => {})
}

test('who follows it from its beginning gets the very same message', async () => {
  const boxes = [new Box(), new Box(), new Box()]
  const one = batch()
  for (const { outbox } of boxes) outbox.follow(one)
  one.add(frame('a'))
  await Promise.resolve()
  one.add(frame('é'))
  expect(boxes.map(({ outbox }) => outbox.unread)).toEqual([4, 4, 4])
  boxes[2]?.outbox.add(frame('own'))
  await turn()
  expect(boxes.map(({ texts }) => texts)).toEqual([['a\né'], ['a\né'], ['a\né\nown']])
  expect(boxes[1]?.written[0]).toBe(boxes[0]?.written[0])
  expect(boxes[0]?.written[0]?.isShared).toBe(true)
  expect(boxes.map(({ traffic }) => traffic)).toEqual([
    { sentFrames: 2, sentBytes: 4 },
    { sentFrames: 2, sentBytes: 4 },
    { sentFrames: 3, sentBytes: 8 },
  ])
  expect(boxes.map(({ outbox }) => outbox.unread)).toEqual([0, 0, 0])
})

test('what one page alone gets of it is not shared', async () => {
  const box = new Box()
  const one = batch()
  box.outbox.follow(one)
  one.add(frame('a'))
  await turn()
  expect(box.written.map(({ isShared }) => isShared)).toEqual([false])
})

test('it is over with its turn, and says so before anything is flushed', async () => {
  const log: string[] = []
  const one = new Batch(() => log.push('over'))
  const box = new Box()
  box.write = () => void log.push('flushed')
  box.outbox.add(frame('before'))
  box.outbox.follow(one)
  one.add(frame('a'))
  expect(one.over).toBe(false)
  await turn()
  expect(log).toEqual(['over', 'flushed'])
  expect(one.over).toBe(true)
})

test('a batch that got nothing is not written', async () => {
  const box = new Box()
  box.outbox.follow(batch())
  await turn()
  expect(box.texts).toEqual([])
})

test('beyond the bound a page is given up that reads too slowly, the others are not', async () => {
  const [slow, well] = [new Box(10), new Box(10)]
  slow.unsent = 6
  const one = batch()
  for (const { outbox } of [slow, well]) outbox.follow(one)
  one.add(frame('abc'))
  one.add(frame('d'))
  await turn()
  expect([slow.overflows, well.overflows]).toEqual([1, 0])
  expect([slow.texts, well.texts]).toEqual([[], ['abc\nd']])
  const next = batch()
  for (const { outbox } of [slow, well]) outbox.follow(next)
  next.add(frame('e'))
  await turn()
  expect([slow.overflows, well.overflows]).toEqual([1, 0])
  expect([slow.texts, well.texts]).toEqual([[], ['abc\nd', 'e']])
})

test('where a page is behind with what it missed, the batch waits behind that', async () => {
  const box = new Box()
  const big = 'x'.repeat(200_000)
  box.outbox.addMissed([frame(big), frame(big)])
  await turn()
  const one = batch()
  box.outbox.follow(one)
  one.add(frame('a'))
  await turn()
  expect(box.texts).toEqual([big])
  box.sent[0]?.()
  expect(box.texts).toEqual([big, `${big}\na`])
})

/** What may happen to some pages and some channels in a turn. */
const step = fc.record({
  do: fc.constantFrom('tell', 'tell', 'tell', 'follow', 'unfollow', 'own', 'read', 'turn'),
  page: fc.nat(2),
  channel: fc.nat(2),
})

test('whatever comes in between, each page gets what it follows, and all in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
      const boxes = [new Box(), new Box(), new Box()]
      const expected: string[][] = [[], [], []]
      let batches = [batch(), batch(), batch()]
      let following = batches.map(() => new Set<number>())
      for (const [index, { do: what, page, channel }] of steps.entries()) {
        const outbox = boxes[page]?.outbox as Outbox
        const one = batches[channel] as Batch
        const followers = following[channel] as Set<number>
        if (what === 'turn') {
          await turn()
          batches = [batch(), batch(), batch()]
          following = batches.map(() => new Set<number>())
        } else if (what === 'tell') {
          one.add(frame(`${index}`))
          for (const follower of followers) expected[follower]?.push(`${index}`)
        } else if (what === 'own') {
          outbox.add(frame(`own ${index}`))
          expected[page]?.push(`own ${index}`)
        } else if (what === 'read') {
          expect(outbox.unread).toBeGreaterThanOrEqual(0)
        } else {
          outbox[what](one)
          followers[what === 'follow' ? 'add' : 'delete'](page)
        }
      }
      await turn()
      expect(boxes.map(({ texts }) => texts.flatMap((text) => text.split('\n')))).toEqual(expected)
    }),
  )
})
