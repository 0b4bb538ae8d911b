import {
  type ClientArgs,
  type ClientFrameName,
  decodeServerMessage,
  encodeFrame,
  type HistoryPage,
  HookboxError,
  isErrorCode,
  type Published,
  type ServerArgs,
  type ServerFrame,
  type ServerFrameName,
  subprotocol,
} from '@hookbox/protocol'
import { type RawData, WebSocket } from 'ws'
import { Inbox } from './inbox.ts'
import { type Deferred, deferred, within } from './within.ts'

export interface WirePageOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as the `Cookie` header. */
  readonly cookies?: Readonly<Record<string, string>>
  /** None, as a process that is no browser, unless given. */
  readonly origin?: string
  /** Where the line comes from: `127.0.0.2` on Linux, where all of 127.0.0.0/8 is this machine. */
  readonly localAddress?: string
  /** Default `hookbox.v1`; `null` asks for none. */
  readonly subprotocol?: string | null
  /** Answers `PING` by itself; default true. */
  readonly pong?: boolean
}

/** The args of the answer to each frame that has one. */
export interface Answers {
  CONNECT: ServerArgs['CONNECTED']
  SUBSCRIBE: ServerArgs['SUBSCRIBED']
  UNSUBSCRIBE: Record<never, never>
  PUBLISH: Published
  MESSAGE: Record<never, never>
  HISTORY: HistoryPage
}

/** The answer to a frame. */
export interface AnswerFrame<N extends keyof Answers> {
  readonly id: number
  readonly name: ServerFrameName
  readonly args: Answers[N]
}

export type FrameOf<N extends ServerFrameName> = Extract<ServerFrame, { name: N }>

export interface Closed {
  readonly code: number
  readonly reason: string
}

/** Opens a raw `hookbox.v1` page. Rejects with the HTTP status where the hub refuses the upgrade. */
export async function openWirePage(url: string, options: WirePageOptions = {}): Promise<WirePage> {
  const { headers, cookies, origin, localAddress } = options
  const cookie = Object.entries(cookies ?? {}).map(([name, value]) => `${name}=${value}`)
  const socket = new WebSocket(url, options.subprotocol === null ? [] : [options.subprotocol ?? subprotocol], {
    ...(origin === undefined ? {} : { origin }),
    ...(localAddress === undefined ? {} : { localAddress }),
    headers: { ...headers, ...(cookie.length > 0 ? { cookie: cookie.join('; ') } : {}) },
    perMessageDeflate: false,
  })
  const page = new WirePage(socket, options.pong ?? true)
  const opened = deferred<void>()
  socket.once('open', opened.resolve)
  socket.on('error', opened.reject)
  socket.once('unexpected-response', (request, response) => {
    request.destroy()
    opened.reject(new Error(`${url}: the upgrade was refused with status ${response.statusCode}`))
  })
  try {
    await within(opened.promise, `the WebSocket at ${url} to open`)
  } catch (error) {
    socket.terminate()
    throw error
  }
  return page
}

/** A page that speaks the bare wire, so that a test sees and says every frame. */
export class WirePage implements AsyncDisposable {
  /** Every frame so far, in order. */
  readonly frames: ServerFrame[] = []
  /** Every message so far as it came, for tests of what is written together. */
  readonly messages: string[] = []
  readonly #socket: WebSocket
  readonly #inbox = new Inbox<ServerFrame>(show)
  readonly #asked = new Map<number, { readonly what: string } & Deferred<ServerFrame>>()
  readonly #closed = deferred<Closed>()
  readonly #pong: boolean
  #id = 0

  constructor(socket: WebSocket, pong: boolean) {
    this.#socket = socket
    this.#pong = pong
    socket.on('message', (data: RawData) => this.#received(String(data)))
    socket.on('close', (code, reason) => this.#ended({ code, reason: String(reason) }))
  }

  /** The subprotocol that the hub chose; empty where it chose none. */
  get protocol(): string {
    return this.#socket.protocol
  }

  /** Sends a frame and tells its number. Its answer is for {@link next}. */
  send<N extends ClientFrameName>(name: N, args: ClientArgs[N]): number {
    const id = ++this.#id
    this.sendRaw(encodeFrame({ id, name, args } as Parameters<typeof encodeFrame>[0]))
    return id
  }

  /** Sends a message as it is: frames that the types forbid, or several at once. Bytes go as a binary message. */
  sendRaw(message: string | Uint8Array): void {
    this.#socket.send(message)
  }

  /** Sends a frame and waits for its answer; an `ERROR` rejects as a `HookboxError`. The answer is not for {@link next}. */
  async ask<N extends keyof Answers>(name: N, args: ClientArgs[N]): Promise<AnswerFrame<N>> {
    const what = `the answer to ${name}`
    const asked = { what, ...deferred<ServerFrame>() }
    const id = this.send(name, args)
    this.#asked.set(id, asked)
    const frame = await within(asked.promise, what, () => this.#came())
    if (frame.name === 'ERROR') throw toError(frame.args)
    return frame as unknown as AnswerFrame<N>
  }

  async connect(args: ClientArgs['CONNECT'] = {}): Promise<ServerArgs['CONNECTED']> {
    return (await this.ask('CONNECT', args)).args
  }

  /** The oldest frame of that name that was not taken yet, or the next one. */
  async next<N extends ServerFrameName>(
    name: N,
    where: (args: ServerArgs[N]) => boolean = () => true,
  ): Promise<FrameOf<N>> {
    const match = (frame: ServerFrame) => frame.name === name && where(frame.args as ServerArgs[N])
    return (await this.#inbox.take(match, `a ${name} frame`)) as FrameOf<N>
  }

  /** How the connection ended, once it has. */
  get closed(): Promise<Closed> {
    return within(this.#closed.promise, 'the connection to close', () => this.#came())
  }

  /** Stops reading, as a page does that is too slow. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends the connection with a close frame. */
  close(code = 1000, reason = ''): Promise<Closed> {
    this.#socket.close(code, reason)
    return this.closed
  }

  /** Breaks the line off without a word. */
  drop(): Promise<Closed> {
    this.#socket.terminate()
    return this.closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drop()
  }

  #received(message: string): void {
    this.messages.push(message)
    let frames: ServerFrame[]
    try {
      frames = decodeServerMessage(message)
    } catch (error) {
      this.#fail(`the hub sent ${JSON.stringify(message)}: ${error instanceof Error ? error.message : error}`)
      return
    }
    for (const frame of frames) {
      this.frames.push(frame)
      if (frame.name === 'PING' && this.#pong) this.send('PONG', {})
      const asked = this.#asked.get(frame.id)
      this.#asked.delete(frame.id)
      if (asked) asked.resolve(frame)
      else this.#inbox.put(frame)
    }
  }

  #ended(closed: Closed): void {
    this.#closed.resolve(closed)
    this.#fail(`the connection closed with ${closed.code} ${JSON.stringify(closed.reason)}`)
  }

  #fail(why: string): void {
    this.#inbox.end(why)
    for (const { what, reject } of this.#asked.values()) {
      reject(new Error(`waited for ${what}, but ${why}; came instead: ${this.#came()}`))
    }
    this.#asked.clear()
  }

  #came(): string {
    return this.frames.slice(-10).map(show).join(', ') || 'nothing'
  }
}

function toError({ code, message, temporary }: ServerArgs['ERROR']): HookboxError {
  return new HookboxError(isErrorCode(code) ? code : 'internal', message, { temporary })
}

function show(frame: ServerFrame): string {
  const text = JSON.stringify([frame.id, frame.name, frame.args])
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
