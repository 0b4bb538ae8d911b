import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Inbox } from './inbox.ts'

/** A call that the fake web application received. */
export interface WebhookCall {
  /** The `action` field; without one (a polled URL) the path. */
  readonly action: string
  /** The form fields, or those of the query string. */
  readonly fields: Readonly<Record<string, string>>
  readonly cookies: Readonly<Record<string, string>>
  readonly headers: IncomingHttpHeaders
  readonly method: string
  readonly path: string
  /** The body as it came, for checking signatures. */
  readonly body: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Any HTTP answer, for what is not a reply of the right form. */
export interface RawReply {
  /** Default 200. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Uint8Array
}

/** `[success, details]`, a raw HTTP answer, no answer at all, or a connection that breaks off. */
export type WebhookReply = readonly unknown[] | RawReply | 'hang' | 'close'

/** What is answered to a webhook. */
export type WebhookReplies =
  | WebhookReply
  | ((fields: WebhookCall['fields'], call: WebhookCall) => WebhookReply | Promise<WebhookReply>)

/**
 * A web application that answers webhooks from a table, and records them.
 *
 * A webhook that is not in the table is allowed without details; `connect` then takes the user's name from the payload,
 * which is the name itself or an object with `name`.
 */
export interface WebApplication extends AsyncDisposable {
  readonly port: number
  /** `http://127.0.0.1:port`, without a slash at the end. */
  readonly url: string
  /** Changes the answer to a webhook (or to a polled path such as `/points`) from now on. */
  reply(action: string, reply: WebhookReplies): void
  /** What was received so far, oldest first. */
  calls(action?: string): WebhookCall[]
  /** The oldest call of that webhook that was not taken yet, or the next one. */
  next(action: string): Promise<WebhookCall>
}

export async function startWebApplication(
  replies: Readonly<Record<string, WebhookReplies>> = {},
  /** Without a record nothing is kept of the calls, for tests that run for hours. */
  { record = true }: { readonly record?: boolean } = {},
): Promise<WebApplication> {
  const table = new Map(Object.entries(replies))
  const received: WebhookCall[] = []
  const inbox = new Inbox<WebhookCall>((call) => call.action)

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await read(request)
    if (record) {
      received.push(call)
      inbox.put(call)
    }
    const reply = table.get(call.action) ?? byDefault
    const answer = typeof reply === 'function' ? await reply(call.fields, call) : reply
    if (answer === 'hang') return
    if (answer === 'close') request.socket.destroy()
    else write(response, answer)
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => write(response, { status: 500, body: String(error) }))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    port,
    url: `http://127.0.0.1:${port}`,
    reply: (action, reply) => void table.set(action, reply),
    calls: (action) => received.filter((call) => action === undefined || call.action === action),
    next: (action) => inbox.take((call) => call.action === action, `a call of ${action}`),
    async [Symbol.asyncDispose]() {
      inbox.end('the web application was stopped')
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function byDefault(fields: WebhookCall['fields']): WebhookReply {
  if (fields.action !== 'connect') return [true, {}]
  const payload: unknown = JSON.parse(fields.payload ?? 'null')
  const name = typeof payload === 'object' && payload !== null && 'name' in payload ? payload.name : payload
  return [true, { name }]
}

async function read(request: IncomingMessage): Promise<WebhookCall> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks).toString()
  const url = new URL(request.url ?? '/', 'http://localhost')
  const fields = Object.fromEntries(request.method === 'GET' ? url.searchParams : new URLSearchParams(body))
  return {
    action: fields.action ?? url.pathname,
    fields,
    cookies: parseCookies(request.headers.cookie),
    headers: request.headers,
    method: request.method ?? '',
    path: url.pathname,
    body,
    at: Date.now(),
  }
}

function parseCookies(header = ''): Record<string, string> {
  const pairs = header.split(/; */).filter((pair) => pair.includes('='))
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

function write(response: ServerResponse, answer: readonly unknown[] | RawReply): void {
  if (isList(answer)) {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  } else {
    for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
    response.writeHead(answer.status ?? 200).end(answer.body)
  }
}

function isList(answer: readonly unknown[] | RawReply): answer is readonly unknown[] {
  return Array.isArray(answer)
}
