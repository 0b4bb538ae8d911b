import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { connect } from '../src/index.ts'
import type { Frame } from './kit/socket.ts'
import { connected, publish, result, subscribed } from './kit/world.ts'

test('over the `ws` package on Node: connect, break, come back, resume, publish once', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const since: unknown[] = []
  let publishes = 0
  server.on('connection', (line) => {
    const tell = (...frames: Frame[]) => line.send(frames.map((frame) => JSON.stringify(frame)).join('\n'))
    line.on('message', (data) => {
      for (const text of String(data).split('\n')) {
        const [id, name, args] = JSON.parse(text) as Frame
        if (name === 'CONNECT') tell(connected(id))
        else if (name === 'SUBSCRIBE' && args.since === undefined) {
          since.push(undefined)
          tell(subscribed(id, 'chat'), publish('chat', 1, 'one'))
        } else if (name === 'SUBSCRIBE') {
          since.push(args.since)
          tell(subscribed(id, 'chat', { position: 'e1:2', recovered: true, missed: 1 }), publish('chat', 2, 'two'))
        } else if (name === 'PUBLISH') {
          publishes++
          // the answer to the first is lost with the line
          if (publishes === 1) line.terminate()
          else tell(result(id, { position: 'e1:3', duplicate: true }))
        }
      }
    })
  })
  const conn = connect(`http://127.0.0.1:${port}`, { WebSocket, backoff: { min: 1, max: 5 } })
  const heard: unknown[] = []
  const chat = conn.subscribe<string>('chat')
  chat.on('publish', ({ payload, replayed }) => heard.push([payload, replayed]))
  await chat.ready
  expect(await chat.publish('mine')).toEqual({ position: 'e1:3', duplicate: true })
  expect(since).toEqual([undefined, 'e1:1'])
  expect(heard).toEqual([
    ['one', false],
    ['two', true],
  ])
  const left = new Promise((resolve) => {
    for (const line of server.clients) line.on('close', resolve)
  })
  conn.disconnect()
  expect(await left).toBe(1000)
  server.close()
})

test('a socket of the `ws` package that is given up while connecting does not end the process', async () => {
  const conn = connect('http://127.0.0.1:9', { WebSocket, backoff: { min: 1, max: 2 } })
  await new Promise<void>((resolve) => {
    conn.on('close', () => resolve(), { once: true })
  })
  conn.disconnect()
  expect(conn.status).toBe('closed')
})
