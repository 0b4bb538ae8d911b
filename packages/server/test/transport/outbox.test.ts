import { expect, test } from 'vitest'
import { type Line, Outbox } from '../../src/transport/outbox.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

function outbox(bound?: number) {
  const line = {
    unsent: 0,
    written: [] as string[],
    overflows: 0,
    write: (message: Buffer) => void line.written.push(message.toString()),
    overflowed: () => void line.overflows++,
  } satisfies Line & { [more: string]: unknown }
  return { line, outbox: new Outbox(line, bound) }
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

test('a lone frame leaves as the bytes that everyone shares', () => {
  const shared = frame('a')
  const written: Buffer[] = []
  const box = new Outbox({ unsent: 0, write: (message) => void written.push(message), overflowed() {} })
  box.add(shared)
  box.flush()
  expect(written[0]).toBe(shared.bytes)
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
