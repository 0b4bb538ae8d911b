import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { type HttpProxy, startHttpProxy } from '../src/index.ts'
import { deferred, within } from '../src/within.ts'

async function behind(listener: RequestListener) {
  const server = createServer(listener)
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxy = await startHttpProxy((server.address() as AddressInfo).port)
  return {
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      sockets.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function dial({ port }: HttpProxy) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
  const end = deferred<string>()
  const heard = deferred<string>()
  socket.on('error', (error) => end.resolve(error.message))
  socket.on('close', (code) => end.resolve(String(code)))
  socket.on('message', (data) => heard.resolve(String(data)))
  const opened = new Promise<void>((resolve) => socket.once('open', () => resolve()))
  return { socket, opened: within(opened, 'open'), end: end.promise, heard: heard.promise }
}

test('passes requests and answers on, piece by piece', async () => {
  const more = deferred<void>()
  await using at = await behind(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.write(`${request.method} ${request.url} ${body}`)
    await more.promise
    response.end('!')
  })
  const response = await fetch(`${at.proxy.url}/stream?x`, { method: 'POST', body: 'hello' })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toBe('POST /stream?x hello')
  more.resolve()
  expect((await reader?.read())?.value).toBe('!')
  expect(at.proxy.requests).toEqual(['POST /stream?x'])
})

test('holds an answer back until it has ended, when told to', async () => {
  const more = deferred<void>()
  const written = deferred<void>()
  await using at = await behind(async (_request, response) => {
    response.write('a')
    written.resolve()
    await more.promise
    response.end('b')
  })
  at.proxy.holdBack()
  let answered = false
  const response = fetch(at.proxy.url).then((one) => {
    answered = true
    return one.text()
  })
  await written.promise
  await new Promise(setImmediate)
  expect(answered).toBe(false)
  more.resolve()
  expect(await response).toBe('ab')
})

test('lets WebSockets through, or refuses them, or swallows what is said', async () => {
  await using at = await behind((_request, response) => response.end())
  const open = dial(at.proxy)
  await open.opened
  open.socket.send('hello')
  expect(await open.heard).toBe('echo hello')
  at.proxy.refuseUpgrades()
  expect(await open.end).toMatch(/1006|ECONNRESET/)
  expect(await dial(at.proxy).end).toContain('400')
  at.proxy.swallowUpgrades()
  const silent = dial(at.proxy)
  await silent.opened
  silent.socket.send('lost')
  at.proxy.allowUpgrades()
  const other = dial(at.proxy)
  await other.opened
  other.socket.send('hello')
  expect(await other.heard).toBe('echo hello')
  at.proxy.swallowUpgrades()
  other.socket.send('lost')
  expect(await Promise.race([silent.heard, Promise.resolve('nothing')])).toBe('nothing')
  expect(at.proxy.requests).toEqual(Array.from({ length: 4 }, () => 'GET /ws'))
})
