import type { Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { within } from '@hookbox/testkit'
import { createRouter, type Router, type RouterOptions } from '../../src/http/router.ts'
import { createLog, type Log } from '../../src/log.ts'
import { type Sink, sink } from './sink.ts'

/** A log whose lines can be read. */
export function readLog(): { log: Log; lines: Sink } {
  const lines = sink()
  return { log: createLog({ level: 'trace', errorFile: undefined, accessFile: undefined }, { stdout: lines }), lines }
}

export function router(options: Partial<RouterOptions> = {}): Router {
  return createRouter({
    basePath: '',
    routes: [],
    addressOf: () => '',
    log: readLog().log,
    access: { write() {}, close() {} },
    ...options,
  })
}

/** What can be asked: a server here, or the port of another process. */
export type Asked = Pick<Server, 'address'>

export function portOf(server: Asked): number {
  return (server.address() as AddressInfo).port
}

/** Sends bytes as they are and gives all that comes back until the other side closes. */
export function raw(server: Asked, ...chunks: (string | Buffer)[]): Promise<string> {
  const socket = open(server)
  for (const chunk of chunks) socket.write(chunk)
  return untilClosed(socket)
}

export function open(server: Asked): Socket {
  const socket = connect(portOf(server), '127.0.0.1')
  socket.on('error', () => {})
  return socket
}

export function untilClosed(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk) => {
    text += chunk
  })
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)))
  return within(closed, 'the socket to be closed', () => JSON.stringify(text))
}
