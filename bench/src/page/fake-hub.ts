import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

/** What is said, without the number, which is 0. */
export type Said = readonly [name: string, args: object]

/** A hub that admits one page and tells it whatever it is told to: for what a real one could not be made to say at once. */
export interface FakeHub {
  readonly url: string
  /** As messages of at most so many frames, all of them now. */
  tell(frames: readonly Said[], together: number): void
  close(): void
}

/** Answers CONNECT, and SUBSCRIBE by this. */
export async function startFakeHub(subscribed: object): Promise<FakeHub> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/ws', perMessageDeflate: false })
  let page: WebSocket | undefined
  server.on('connection', (socket) => {
    page = socket
    socket.on('message', (data) => {
      const answers = answersTo(String(data), subscribed)
      if (answers.length > 0) socket.send(answers.join('\n'))
    })
  })
  await new Promise<void>((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tell(frames, together) {
      for (const message of messagesOf(frames, together)) page?.send(message)
    },
    close() {
      page?.terminate()
      server.close()
    },
  }
}

/** One frame for each that asks something. */
export function answersTo(message: string, subscribed: object): string[] {
  return message.split('\n').flatMap((line) => {
    const [id, name, args = {}] = JSON.parse(line) as [number, string, { payload?: unknown; channel_name?: string }?]
    if (name === 'CONNECT') return [JSON.stringify([id, 'CONNECTED', { ...connected, payload: args.payload ?? null }])]
    if (name === 'SUBSCRIBE') {
      return [JSON.stringify([id, 'SUBSCRIBED', { channel_name: args.channel_name, ...channel, ...subscribed }])]
    }
    return []
  })
}

export function messagesOf(frames: readonly Said[], together: number): string[] {
  const messages: string[] = []
  for (let from = 0; from < frames.length; from += together) {
    const some = frames.slice(from, from + together)
    messages.push(some.map(([name, args]) => JSON.stringify([0, name, args])).join('\n'))
  }
  return messages
}

const connected = {
  name: 'page',
  id: '0'.repeat(32),
  ping: 25,
  linger: 15,
  limits: { frame: 65_536, message: 1_048_576, channels: 128 },
}

const channel = {
  position: '9c1d:0',
  presenceful: false,
  reflective: true,
  history_size: 50,
  history_duration: 0,
  history: [],
  state: {},
}
