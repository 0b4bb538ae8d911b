import type { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import * as ws from 'ws'
import { Message } from '../../src/transport/message.ts'
import { PreparedFrame } from '../../src/transport/prepared-frame.ts'

/** What reads messages in `ws`; its types lack it. */
const { Receiver, PerMessageDeflate } = ws as unknown as {
  Receiver: new (options: object) => Writable
  PerMessageDeflate: new (options: object, isServer: boolean, maxPayload: number) => { accept(offers: object[]): void }
}

test('frames are joined by line feeds, as UTF-8', () => {
  const message = new Message(['a', 'é', ''].map((text) => new PreparedFrame(text)))
  expect(message.bytes.toString()).toBe('a\né\n')
  expect(message.length).toBe(5)
  expect(message.bytes).toHaveLength(5)
})

test.each([0, 1, 125, 126, 65_535, 65_536, 1_048_576])('of %i bytes it is a text in one frame', (length) => {
  const text = 'x'.repeat(length)
  const message = new Message([new PreparedFrame(text)])
  const heard: string[] = []
  const receiver = new Receiver({ isServer: false })
  receiver.on('message', (data: Buffer, isBinary: boolean) => heard.push(`${isBinary} ${data}`))
  receiver.write(message.webSocket)
  expect(heard).toEqual([`false ${text}`])
  expect(message.webSocket).toBe(message.webSocket)
})

test('it is the same for the same frames in the same order', () => {
  const [a, b, other] = ['a', 'b', 'a'].map((text) => new PreparedFrame(text)) as [
    PreparedFrame,
    PreparedFrame,
    PreparedFrame,
  ]
  const message = new Message([a, b])
  expect(message.isOf([a, b])).toBe(true)
  for (const frames of [[a], [b, a], [other, b], [a, b, a]]) expect(message.isOf(frames)).toBe(false)
})

test.each([300, 70_000, 1_048_576])('of %i bytes it is compressed by itself, in one frame', (length) => {
  const text = JSON.stringify({ text: 'hello '.repeat(length / 6) })
  const message = new Message([new PreparedFrame(text)])
  const heard: string[] = []
  const inflating = new PerMessageDeflate({}, false, 2_097_152)
  inflating.accept([{ server_no_context_takeover: [true] }])
  const receiver = new Receiver({ isServer: false, extensions: { 'permessage-deflate': inflating } })
  const both = new Promise<void>((resolve) => {
    receiver.on('message', (data: Buffer, isBinary: boolean) => {
      if (heard.push(`${isBinary} ${data}`) === 2) resolve()
    })
  })
  receiver.write(message.compressedWebSocket)
  receiver.write(message.compressedWebSocket)
  expect(message.compressedWebSocket.length).toBeLessThan(length / 4)
  return both.then(() => expect(heard).toEqual([`false ${text}`, `false ${text}`]))
})

test('what is short is not compressed', () => {
  const message = new Message([new PreparedFrame('x'.repeat(255))])
  expect(message.compressedWebSocket).toBe(message.webSocket)
})
