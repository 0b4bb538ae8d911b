import { expect, test } from 'vitest'
import type { Message } from '../../src/transport/message.ts'
import { type Line, Outbox } from '../../src/transport/outbox.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

function outbox(bound?: number) {
  const traffic = { sentFrames: 0, sentBytes: 0 }
  const line = {
    unsent: 0,
    written: [] as string[],
    sent: [] as (() => void)[],
    overflows: 0,
    write({ bytes }: Message, onSent?: () => void) {
      line.written.push(bytes.toString())
      if (onSent) line.sent.push(onSent)
    },
    overflowed: () => void line.overflows++,
  } satisfies Line & { [more: string]: unknown }
  return { line, outbox: new Outbox(line, traffic, bound), traffic }
}

const turn = () => new Promise(setImmediate)
const frame = (text: string) => new PreparedFrame(text)

test('what is queued in one turn leaves as one message, in order', async () => {
  const { line, outbox: box } = outbox()
  box.add(frame('a'))
  await Promise.resolve()
  box.add(frame('é'))
  box.add(frame('c'))
  expect(line.written).toEqual([])
  expect(box.unread).toBe(6)
  await turn()
  box.add(frame('d'))
  await turn()
  expect(line.written).toEqual(['a\né\nc', 'd'])
  expect(box.unread).toBe(0)
})

test('who gets the same frames in a turn gets the very same message', async () => {
  const written: Message[] = []
  const boxes = Array.from(
    { length: 4 },
    () =>
      new Outbox(
        { unsent: 0, write: (message) => void written.push(message), overflowed() {} },
        { sentFrames: 0, sentBytes: 0 },
      ),
  )
  const shared = [frame('a'), frame('b')]
  for (const one of shared) for (const box of boxes) box.add(one)
  boxes[3]?.add(frame('c'))
  await turn()
  expect(written[1]).toBe(written[0])
  expect(written[2]).toBe(written[0])
  expect(written.map(({ bytes }) => `${bytes}`)).toEqual(['a\nb', 'a\nb', 'a\nb', 'a\nb\nc'])
})

test('one turn wakes up once for all outboxes', async () => {
  const boxes = Array.from({ length: 10 }, () => outbox())
  for (const { outbox: box } of boxes) box.add(frame('a'))
  await turn()
  expect(boxes.map(({ line }) => line.written)).toEqual(boxes.map(() => ['a']))
})

test('a flush before the turn ends leaves nothing for later', async () => {
  const { line, outbox: box } = outbox()
  box.add(frame('a'))
  box.flush()
  await turn()
  expect(line.written).toEqual(['a'])
})

test('up to the bound it keeps, beyond it it gives up, once', async () => {
  const { line, outbox: box } = outbox(10)
  line.unsent = 5
  box.add(frame('abc'))
  box.add(frame('d'))
  expect(line.overflows).toBe(0)
  expect(box.unread).toBe(10)
  box.add(frame(''))
  expect(line.overflows).toBe(1)
  box.add(frame('e'))
  await turn()
  expect(line.overflows).toBe(1)
  expect(line.written).toEqual([])
  expect(box.unread).toBe(5)
})

test('what was discarded is not written', async () => {
  const { line, outbox: box } = outbox()
  box.add(frame('a'))
  box.discard()
  box.add(frame('b'))
  await turn()
  expect(line.written).toEqual([])
})

test('what was missed does not count towards the bound, and leaves in pieces, each when the one before has left', async () => {
  const { line, outbox: box } = outbox()
  const missed = Array.from({ length: 12 }, (_, i) => frame(`${i}`.padEnd(120_000, '.')))
  box.add(frame('answer'))
  box.addMissed(missed)
  box.add(frame('live'))
  expect(box.unread).toBeLessThan(100)
  expect(box.buffered).toBeGreaterThan(1_440_000)
  const texts: string[] = []
  await turn()
  while (line.written.length > 0) {
    expect(line.written).toHaveLength(1)
    const message = line.written.pop() ?? ''
    expect(message.length).toBeLessThanOrEqual(262_144 + 20)
    texts.push(...message.split('\n'))
    box.flush()
    expect(line.written).toEqual([])
    line.sent.pop()?.()
  }
  expect(texts).toEqual(['answer', ...missed.map(({ text }) => text), 'live'])
  expect(line.overflows).toBe(0)
  expect(box.buffered).toBe(0)
  box.add(frame('later'))
  await turn()
  expect(line.written).toEqual(['later'])
})

test('live frames behind what was missed count towards the bound', async () => {
  const { line, outbox: box } = outbox(10)
  box.addMissed([frame('x'.repeat(100))])
  box.add(frame('12345'))
  expect(line.overflows).toBe(0)
  box.add(frame('12345'))
  expect(line.overflows).toBe(1)
  await turn()
  expect(line.written).toEqual([])
  expect(box.buffered).toBe(0)
})

test('what a page missed and asked for twice leaves twice', async () => {
  const { line, outbox: box } = outbox()
  const missed = [frame('a'), frame('b')]
  box.addMissed(missed)
  box.addMissed(missed)
  await turn()
  expect(line.written).toEqual(['a\nb\na\nb'])
  expect(box.buffered).toBe(0)
})
