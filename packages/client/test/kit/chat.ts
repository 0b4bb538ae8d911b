import { clock } from './clock.ts'
import type { FakeSocket } from './socket.ts'
import { subscribed, World } from './world.ts'

/** A page that is connected and has one subscription to `chat`, agreed at `e1:0`. */
export async function inChat(args: Record<string, unknown> = {}) {
  const world = new World()
  const conn = world.connect()
  const socket = await world.welcome()
  const chat = conn.subscribe('chat')
  await clock.settle()
  const heard: unknown[] = []
  const told: [string, unknown][] = []
  chat.on('publish', ({ payload }) => heard.push(payload))
  chat.on('gap', (event) => told.push(['gap', event]))
  chat.on('subscribed', (event) => told.push(['subscribed', event]))
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', args))
  await clock.settle()
  return { world, conn, socket, chat, heard, told }
}

/** Answers the last SUBSCRIBE, for `chat`. */
export const answer = (socket: FakeSocket, args: Record<string, unknown> = {}) =>
  socket.hears(subscribed(socket.last('SUBSCRIBE')[0], 'chat', args))
