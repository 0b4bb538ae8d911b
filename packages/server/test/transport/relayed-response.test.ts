import { expect, test, vi } from 'vitest'
import { RelayedResponse } from '../../src/transport/relayed-response.ts'

/** What was told so far, and whether it has ended. */
function start() {
  const response = new RelayedResponse()
  const closed = vi.fn()
  response.on('close', closed)
  return { response, closed }
}

test('gives all that was written, once it has ended', async () => {
  const { response, closed } = start()
  const sent = vi.fn()
  response.writeHead()
  response.flushHeaders()
  response.write('one ', sent)
  response.write('two ')
  response.end('three', sent)
  expect(await response.text).toBe('one two three')
  expect([sent.mock.calls.length, closed.mock.calls.length]).toEqual([2, 1])
})

test('says in a turn of its own that something was sent, and then that it has ended, as a response does', async () => {
  const { response, closed } = start()
  const order: string[] = []
  closed.mockImplementation(() => order.push('closed'))
  response.write('one', () => order.push('sent'))
  response.end('', () => order.push('ended'))
  expect(order).toEqual([])
  await response.text
  expect(order).toEqual(['sent', 'ended', 'closed'])
})

test('ends once', async () => {
  const { response, closed } = start()
  response.end('one')
  response.end('two')
  response.destroy()
  expect(await response.text).toBe('one')
  expect(closed).toHaveBeenCalledOnce()
})

test('that is given up has what was written so far', async () => {
  const { response, closed } = start()
  response.write('one')
  response.destroy()
  expect(await response.text).toBe('one')
  expect(closed).toHaveBeenCalledOnce()
})

test('holds nothing back', () => {
  const { response } = start()
  response.write('x'.repeat(1_000))
  expect(response.writableLength).toBe(0)
})
