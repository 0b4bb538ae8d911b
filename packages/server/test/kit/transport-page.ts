import type { OutgoingHttpHeaders } from 'node:http'
import { deferred, Inbox, within } from '@hookbox/testkit'
import { WebSocket } from 'ws'
import { portOf } from './http.ts'
import { post, read } from './stream-page.ts'
import type { TransportHub } from './transport-hub.ts'

/** A page's end of a transport, whatever it goes by. */
export interface TransportPage {
  /** Resolves once it is open; rejects with the status where it is refused. */
  readonly opened: Promise<void>
  send(message: string): void
  /** The oldest message that was not taken yet, or the next one. */
  message(): Promise<string>
  /** All so far. */
  readonly messages: string[]
  close(code: number, reason: string): void
  /** How the hub ended it. */
  readonly closed: Promise<[code: number, reason: string]>
  /** Does not read any more. */
  pause(): void
  resume(): void
  /** Breaks off and does not come back. */
  drop(): void
}

export type OpenPage = (hub: TransportHub, headers?: OutgoingHttpHeaders) => TransportPage

export const openWebSocketPage: OpenPage = (hub, headers = {}) => {
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(hub.server)}/ws`, 'hookbox.v1', {
    headers: headers as { [name: string]: string },
  })
  const inbox = new Inbox<string>(JSON.stringify)
  const messages: string[] = []
  const opened = deferred<void>()
  const closed = deferred<[number, string]>()
  socket.on('open', () => opened.resolve())
  socket.on('error', opened.reject)
  socket.on('unexpected-response', (_request, response) => {
    response.resume()
    opened.reject(new Error(String(response.statusCode)))
  })
  socket.on('message', (data) => {
    messages.push(data.toString())
    inbox.put(data.toString())
  })
  socket.on('close', (code, reason) => closed.resolve([code, reason.toString()]))
  opened.promise.catch(() => {})
  return {
    opened: within(opened.promise, 'open'),
    send: (message) => socket.send(message),
    message: () => inbox.take(() => true, 'a message'),
    messages,
    close: (code, reason) => socket.close(code, reason),
    get closed() {
      return within(closed.promise, 'close')
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    drop: () => socket.terminate(),
  }
}

export const openStreamPage: OpenPage = (hub, headers) => openHttpPage(hub, false, headers)
export const openPollPage: OpenPage = (hub, headers) => openHttpPage(hub, true, headers)

/** Comes back at once when an answer ended, and says each time what it has. */
function openHttpPage(hub: TransportHub, poll: boolean, headers: OutgoingHttpHeaders = {}): TransportPage {
  const { server } = hub
  const inbox = new Inbox<string>(JSON.stringify)
  const messages: string[] = []
  const opened = deferred<void>()
  const closed = deferred<[number, string]>()
  let session: string | undefined
  let ack = 0
  let seq = 0
  let going = true
  let paused = false
  let reading = read(server, { poll }, headers)

  async function follow(): Promise<void> {
    while (going) {
      const { statusCode = 0 } = await reading.response
      if (statusCode !== 200) throw new Error(String(statusCode))
      for (let event = await next(); event !== undefined; event = await next()) {
        if (event.event === 'session') {
          session = (JSON.parse(event.data) as { session: string }).session
          opened.resolve()
        } else if (event.event === 'close') {
          const { code, reason } = JSON.parse(event.data) as { code: number; reason: string }
          going = false
          closed.resolve([code, reason])
        } else if (event.id === ack + 1) {
          ack++
          messages.push(event.data)
          inbox.put(event.data)
        }
      }
      await until(() => !paused)
      if (going) reading = read(server, { session, ack, poll }, headers)
    }
  }

  let goOn = () => {}
  const until = async (isSo: () => boolean) => {
    while (!isSo())
      await new Promise<void>((resolve) => {
        goOn = resolve
      })
  }
  const next = () => reading.events.take(() => true, 'an event', 60_000).catch(() => undefined)
  const running = follow().catch(opened.reject)
  opened.promise.catch(() => {})
  const say = (message: string, close: object = {}) => {
    seq++
    const head = { session, seq, ack, ...close }
    post(server, head, message, headers).catch(() => {})
  }

  return {
    opened: within(opened.promise, 'open'),
    send: (message) => say(message),
    message: () => inbox.take(() => true, 'a message'),
    messages,
    close(code, reason) {
      going = false
      say('', { close: code, reason })
    },
    get closed() {
      return within(closed.promise, 'close')
    },
    pause() {
      paused = true
      reading.response.then((response) => response.pause())
    },
    resume() {
      paused = false
      goOn()
      reading.response.then((response) => response.resume())
    },
    drop() {
      going = false
      reading.request.destroy()
      void running
    },
  }
}
