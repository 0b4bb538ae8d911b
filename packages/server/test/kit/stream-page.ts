import { type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { deferred, Inbox, within } from '@hookbox/testkit'
import { type Asked, portOf } from './http.ts'

/** One event of a stream. */
export interface StreamEvent {
  readonly event: string
  readonly id: number | undefined
  readonly data: string
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A request of a page that reads, with its events as they come. */
export interface Reading {
  readonly request: ClientRequest
  readonly response: Promise<IncomingMessage>
  readonly events: Inbox<StreamEvent>
  /** The text so far, comments included. */
  readonly text: string
  /** Whether it ended as it should or broke. */
  readonly ended: Promise<'ended' | 'broke'>
  next(): Promise<StreamEvent>
}

const show = (event: StreamEvent) => JSON.stringify(event)

/** `POST /stream`. */
export function read(server: Asked, head: object | string = {}, headers: OutgoingHttpHeaders = {}): Reading {
  const events = new Inbox<StreamEvent>(show)
  const answered = deferred<IncomingMessage>()
  const ended = deferred<'ended' | 'broke'>()
  let text = ''
  let rest = ''
  const asked = request({
    port: portOf(server),
    host: '127.0.0.1',
    path: '/stream',
    method: 'POST',
    headers,
    agent: false,
  })
  asked.on('error', (error) => {
    answered.reject(error)
    ended.resolve('broke')
    events.end('the request broke')
  })
  asked.on('response', (response) => {
    answered.resolve(response)
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      rest += chunk
      for (let end = rest.indexOf('\n\n'); end >= 0; end = rest.indexOf('\n\n')) {
        const event = parse(rest.slice(0, end))
        rest = rest.slice(end + 2)
        if (event) events.put(event)
      }
    })
    response.on('error', () => {})
    response.on('close', () => {
      ended.resolve(response.complete ? 'ended' : 'broke')
      events.end('the stream ended')
    })
  })
  asked.end(typeof head === 'string' ? head : JSON.stringify(head))
  answered.promise.catch(() => {})
  return {
    request: asked,
    response: within(answered.promise, 'an answer'),
    events,
    get text() {
      return text
    },
    get ended() {
      return within(ended.promise, 'the stream to end', () => text)
    },
    next: () => events.take(() => true, 'an event'),
  }
}

/** `POST /stream/send`, or wherever. */
export function post(
  server: Asked,
  head: object | string,
  message?: string,
  headers: OutgoingHttpHeaders = {},
  path = '/stream/send',
): Promise<Answered> {
  const answered = deferred<Answered>()
  const asked = request({ port: portOf(server), host: '127.0.0.1', path, method: 'POST', headers, agent: false })
  asked.on('error', answered.reject)
  asked.on('response', async (response) => {
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    answered.resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
  })
  const line = typeof head === 'string' ? head : JSON.stringify(head)
  asked.end(message === undefined ? line : `${line}\n${message}`)
  return within(answered.promise, 'an answer to a POST')
}

/** The secret in the first event. */
export async function sessionOf(reading: Reading): Promise<string> {
  const { event, data } = await reading.next()
  if (event !== 'session') throw new Error(`expected the session, got ${data}`)
  return (JSON.parse(data) as { session: string }).session
}

/** As the standard of server-sent events says; a block of comments alone is none. */
function parse(block: string): StreamEvent | undefined {
  let event = 'message'
  let id: number | undefined
  const data: string[] = []
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, field, value = ''] = /^([^:]+):? ?(.*)$/s.exec(line) ?? []
    if (field === 'event') event = value
    else if (field === 'id') id = Number(value)
    else if (field === 'data') data.push(value)
  }
  return data.length > 0 ? { event, id, data: data.join('\n') } : undefined
}
