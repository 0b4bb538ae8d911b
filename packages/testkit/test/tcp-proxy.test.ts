import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { Inbox, startTcpProxy } from '../src/index.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanup.splice(0)) await clean()
})

/** Answers every text with the same in capitals. */
async function startEcho(): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => socket.write(String(bytes).toUpperCase()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

async function openLine(port: number) {
  const heard = new Inbox<string>((text) => text)
  const socket = connect(port, '127.0.0.1')
  socket.on('data', (bytes) => heard.put(String(bytes)))
  socket.on('error', (error: NodeJS.ErrnoException) => heard.put(String(error.code)))
  cleanup.push(() => socket.destroy())
  await once(socket, 'connect')
  return { socket, say: (text: string) => socket.write(text), hear: () => heard.take(() => true, 'bytes') }
}

test('bytes are carried both ways until the line is cut, which both ends feel as a reset', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const line = await openLine(proxy.port)
  line.say('hello')
  expect(await line.hear()).toBe('HELLO')
  expect(proxy.lines).toBe(1)
  proxy.cut()
  expect(await line.hear()).toBe('ECONNRESET')
  const again = await openLine(proxy.port)
  again.say('again')
  expect(await again.hear()).toBe('AGAIN')
})

test('a stopped proxy holds back what was said until it goes again, on old lines and new ones', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const old = await openLine(proxy.port)
  old.say('one')
  expect(await old.hear()).toBe('ONE')
  proxy.stop()
  const young = await openLine(proxy.port)
  old.say('two')
  young.say('three')
  let silent = true
  const heard = Promise.all([old.hear(), young.hear()]).finally(() => {
    silent = false
  })
  // A line that is carried would have answered before these hundred round trips of another one.
  await using other = await startTcpProxy(await startEcho())
  const probe = await openLine(other.port)
  for (let i = 0; i < 100; i++) {
    probe.say('x')
    await probe.hear()
  }
  expect(silent).toBe(true)
  proxy.go()
  expect(await heard).toEqual(['TWO', 'THREE'])
})

test('an end that goes while the proxy is stopped is told to the other when it goes again', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const line = await openLine(proxy.port)
  line.say('one')
  await line.hear()
  proxy.stop()
  line.socket.resetAndDestroy()
  await once(line.socket, 'close')
  proxy.go()
  await expect.poll(() => proxy.lines).toBe(0)
})

test('a refusing proxy resets new lines and keeps the open ones', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const line = await openLine(proxy.port)
  line.say('one')
  await line.hear()
  proxy.refuse()
  const refused = connect(proxy.port, '127.0.0.1')
  const [error] = (await once(refused.resume(), 'error').catch((thrown) => [thrown])) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNRESET')
  line.say('two')
  expect(await line.hear()).toBe('TWO')
})

test('new lines can be led elsewhere', async () => {
  await using proxy = await startTcpProxy(1)
  proxy.lead(await startEcho())
  const line = await openLine(proxy.port)
  line.say('here')
  expect(await line.hear()).toBe('HERE')
})

test('a line is cut in the middle of what is said, after as many bytes as were named', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const line = await openLine(proxy.port)
  line.say('one')
  expect(await line.hear()).toBe('ONE')
  const cut = proxy.cutAfter(5)
  line.say('abc')
  // three there, and two of the three on the way back
  expect(await line.hear()).toBe('AB')
  await cut
  if (!line.socket.closed) await once(line.socket, 'close')
  expect(proxy.lines).toBe(0)
  const again = await openLine(proxy.port)
  again.say('a long text that is not cut any more')
  expect(await again.hear()).toHaveLength(36)
})

test('an abandoned line is reset on the near side, and the far one hears of it at the next cut', async () => {
  const heard = new Inbox<string>((text) => text)
  const server = createServer((socket) => {
    socket.on('data', (bytes) => heard.put(String(bytes)))
    socket.on('error', (error: NodeJS.ErrnoException) => heard.put(String(error.code)))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => new Promise((resolve) => server.close(resolve)))
  await using proxy = await startTcpProxy((server.address() as AddressInfo).port)
  const line = await openLine(proxy.port)
  line.say('one')
  expect(await heard.take(() => true, 'bytes')).toBe('one')
  proxy.abandon()
  expect(await line.hear()).toBe('ECONNRESET')
  const again = await openLine(proxy.port)
  again.say('two')
  // what comes first is the new line's, and not the end of the old one
  expect(await heard.take(() => true, 'bytes')).toBe('two')
  expect(proxy.lines).toBe(2)
  proxy.cut()
  expect(await heard.take(() => true, 'the end of a line')).toBe('ECONNRESET')
  expect(await heard.take(() => true, 'the end of a line')).toBe('ECONNRESET')
})

test('a lost line is silent while new ones are carried, and says what was held back when it goes again', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const old = await openLine(proxy.port)
  old.say('one')
  expect(await old.hear()).toBe('ONE')
  proxy.lose()
  old.say('two')
  const heard = old.hear()
  const young = await openLine(proxy.port)
  young.say('three')
  expect(await Promise.race([heard, young.hear()])).toBe('THREE')
  proxy.go()
  expect(await heard).toBe('TWO')
  expect(proxy.asked).toBe(2)
})

test('bytes travel in pieces and late, in their order, the end after them', async () => {
  await using proxy = await startTcpProxy(await startEcho())
  const delay = 20
  proxy.shape({ delay, piece: () => 3 })
  const line = await openLine(proxy.port)
  const begun = Date.now()
  line.say('the end')
  line.socket.end()
  let text = ''
  let pieces = 0
  while (text.length < 7) {
    text += await line.hear()
    pieces++
  }
  expect(text).toBe('THE END')
  expect(pieces).toBeGreaterThan(1)
  // both ways, and a timer may be a millisecond early
  expect(Date.now() - begun).toBeGreaterThanOrEqual(2 * delay - 2)
  proxy.shape({})
})
