import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HookboxError } from '@hookbox/protocol'
import { expect, test } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { openWirePage, within } from '../src/index.ts'

/** A hub that says what the test lets it say. */
async function startScriptedHub(hear: (message: string, socket: WebSocket) => void = () => {}) {
  const server = createServer()
  const sockets = new WebSocketServer({ server, handleProtocols: (offered) => offered.values().next().value ?? false })
  const arrivals: Record<string, unknown>[] = []
  let refuse = false
  server.prependListener('upgrade', (request, socket) => {
    if (refuse) socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
    arrivals.push(request.headers)
  })
  sockets.options.verifyClient = () => !refuse
  sockets.on('connection', (socket) => socket.on('message', (data) => hear(String(data), socket)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`,
    arrivals,
    refuse() {
      refuse = true
    },
    say(...frames: unknown[]) {
      for (const socket of sockets.clients) socket.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
    },
    close(code: number, reason: string) {
      for (const socket of sockets.clients) socket.close(code, reason)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answer(reply: (id: number) => unknown[][]) {
  return (message: string, socket: WebSocket) => {
    const [id] = JSON.parse(message) as [number]
    socket.send(
      reply(id)
        .map((frame) => JSON.stringify(frame))
        .join('\n'),
    )
  }
}

test('the handshake carries subprotocol, cookies, origin and headers', async () => {
  await using hub = await startScriptedHub()
  await using page = await openWirePage(hub.url, {
    cookies: { a: '1', b: '2' },
    origin: 'https://example.org',
    headers: { 'x-forwarded-for': '192.0.2.1' },
  })
  expect(page.protocol).toBe('hookbox.v1')
  expect(hub.arrivals).toMatchObject([
    { cookie: 'a=1; b=2', origin: 'https://example.org', 'x-forwarded-for': '192.0.2.1' },
  ])
})

test('a refused upgrade rejects with its status', async () => {
  await using hub = await startScriptedHub()
  hub.refuse()
  await expect(openWirePage(hub.url)).rejects.toThrow('the upgrade was refused with status 403')
})

test('an answer goes to who asked, all else to whoever waits for it, also when it came before', async () => {
  await using hub = await startScriptedHub(
    answer((id) => [
      [0, 'PUBLISH', { channel_name: 'c', payload: 1 }],
      [id, 'RESULT', { position: 'e:1' }],
      [0, 'PUBLISH', { channel_name: 'c', payload: 2 }],
    ]),
  )
  await using page = await openWirePage(hub.url)
  const result = await page.ask('PUBLISH', { channel_name: 'c', payload: 0 })
  expect(result).toEqual({ id: 1, name: 'RESULT', args: { position: 'e:1' } })
  expect((await page.next('PUBLISH', ({ payload }) => payload === 2)).args.payload).toBe(2)
  expect((await page.next('PUBLISH')).args.payload).toBe(1)
  expect(page.frames.map((frame) => frame.name)).toEqual(['PUBLISH', 'RESULT', 'PUBLISH'])
  expect(page.messages).toHaveLength(1)
})

test('an ERROR rejects the question that it answers', async () => {
  const args = { code: 'refused', message: 'not here', temporary: true }
  await using hub = await startScriptedHub(answer((id) => [[id, 'ERROR', args]]))
  await using page = await openWirePage(hub.url)
  const error = await page.ask('SUBSCRIBE', { channel_name: 'c' }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(HookboxError)
  expect(error).toMatchObject(args)
})

test('a PING is answered, unless told not to', async () => {
  const heard: string[] = []
  await using hub = await startScriptedHub((message) => void heard.push(message))
  await using page = await openWirePage(hub.url)
  await using mute = await openWirePage(hub.url, { pong: false })
  hub.say([0, 'PING', {}])
  await Promise.all([page.next('PING'), mute.next('PING')])
  page.close(1000)
  mute.close(1000)
  await Promise.all([page.closed, mute.closed])
  expect(heard).toEqual(['[1,"PONG",{}]'])
})

test('the close is told with code and reason, and to whoever still waits', async () => {
  await using hub = await startScriptedHub()
  await using page = await openWirePage(hub.url)
  const waiting = page.next('PUBLISH').catch((error: unknown) => String(error))
  const asking = page.ask('SUBSCRIBE', { channel_name: 'c' }).catch((error: unknown) => String(error))
  hub.say([0, 'PING', {}])
  hub.close(4403, 'removed')
  expect(await page.closed).toEqual({ code: 4403, reason: 'removed' })
  expect(await waiting).toContain('waited for a PUBLISH frame, but the connection closed with 4403 "removed"')
  expect(await asking).toContain('waited for the answer to SUBSCRIBE, but the connection closed with 4403')
})

test('what is not a frame is shown to whoever waits', async () => {
  await using hub = await startScriptedHub((_, socket) => socket.send('hello'))
  await using page = await openWirePage(hub.url)
  await expect(page.ask('SUBSCRIBE', { channel_name: 'c' })).rejects.toThrow('the hub sent "hello"')
})

test('a paused page reads nothing until it resumes', async () => {
  await using hub = await startScriptedHub()
  await using page = await openWirePage(hub.url)
  await using awake = await openWirePage(hub.url)
  page.pause()
  hub.say([0, 'EPOCH', { channel_name: 'c', epoch: 'e' }])
  await awake.next('EPOCH')
  expect(page.frames).toEqual([])
  page.resume()
  await within(page.next('EPOCH'), 'the frame that was held back')
})

test('a page that is paused can be dropped', async () => {
  await using hub = await startScriptedHub()
  await using page = await openWirePage(hub.url)
  page.pause()
  hub.say([0, 'PING', {}])
  expect(await page.drop()).toEqual({ code: 1006, reason: '' })
})
