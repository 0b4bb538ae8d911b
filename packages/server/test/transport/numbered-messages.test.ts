import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { NumberedMessages } from '../../src/transport/numbered-messages.ts'

const bytes = (text: string) => Buffer.from(text)
const numbers = (messages: readonly { number: number }[] | undefined) => messages?.map(({ number }) => number)

test('messages are numbered from 1, and wait until they are written', () => {
  const messages = new NumberedMessages()
  messages.add(bytes('a'), undefined)
  messages.add(bytes('é'), undefined)
  expect([messages.written, messages.waitingBytes]).toEqual([0, 3])
  expect(numbers(messages.takeWaiting())).toEqual([1, 2])
  expect([messages.written, messages.waitingBytes]).toEqual([2, 0])
  expect(messages.takeWaiting()).toEqual([])
})

test('what was written is missing until the page says that it arrived', () => {
  const messages = new NumberedMessages()
  for (const text of ['a', 'b', 'c']) messages.add(bytes(text), undefined)
  expect(numbers(messages.missing)).toEqual([])
  messages.takeWaiting()
  expect(numbers(messages.missing)).toEqual([1, 2, 3])
  messages.arrived(2)
  messages.arrived(1)
  expect(numbers(messages.missing)).toEqual([3])
})

test('beyond the bound the oldest are forgotten, and a page that lacks one of those is told so', () => {
  const messages = new NumberedMessages(10)
  for (const text of ['12345', '67890', 'x']) messages.add(bytes(text), undefined)
  messages.takeWaiting()
  expect(messages.missing).toBeUndefined()
  messages.arrived(1)
  expect(numbers(messages.missing)).toEqual([2, 3])
})

test('whoever waits for a message to leave is let go when all is discarded', () => {
  const messages = new NumberedMessages()
  const sent = vi.fn()
  messages.add(bytes('a'), sent)
  messages.discard()
  expect(sent).toHaveBeenCalledOnce()
  expect([messages.waitingBytes, numbers(messages.missing)]).toEqual([0, []])
})

test('whatever happens, a page gets each message once in order, or is told that it cannot', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), size: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ do: fc.constant('write' as const), arrives: fc.boolean() }),
    fc.record({ do: fc.constant('say' as const) }),
    fc.record({ do: fc.constant('resume' as const) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const messages = new NumberedMessages(100)
      let added = 0
      let got = 0
      let broken = false
      const receive = (written: readonly { number: number }[]) => {
        for (const { number } of written) if (number === got + 1) got = number
      }
      for (const one of steps) {
        if (one.do === 'add') {
          messages.add(Buffer.alloc(one.size), undefined)
          added++
        } else if (one.do === 'write') {
          const written = messages.takeWaiting()
          if (one.arrives && !broken) receive(written)
          else broken ||= written.length > 0
        } else if (one.do === 'say') messages.arrived(got)
        else {
          messages.arrived(got)
          const { missing } = messages
          if (missing === undefined) return
          receive(missing)
          expect(got).toBe(messages.written)
          broken = false
        }
      }
      messages.takeWaiting()
      messages.arrived(got)
      if (messages.missing !== undefined) expect(got + messages.missing.length).toBe(added)
    }),
  )
})
