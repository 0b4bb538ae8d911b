import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import type { WebhookConfig } from '../config/config.ts'
import type { Log } from '../log.ts'
import { secretsIn } from '../secrets.ts'
import type { Ask, Question, Reply } from './callbacks.ts'
import { conceal, concealer } from './conceal.ts'
import { mostCalls, Places } from './places.ts'
import { type Answer, excerpt, readReply } from './reply.ts'
import type { SawCall } from './seen-call.ts'
import { ShortCircuit } from './short-circuit.ts'
import { sign } from './sign.ts'
import { wantedCookies } from './wanted-cookies.ts'

/** What asking by HTTP needs. All of it is read anew for each question, so that getters may change it. */
export interface HttpExchangeOptions {
  readonly config: WebhookConfig
  /** The form field `secret`. */
  readonly secret: string | undefined
  readonly signingSecrets: readonly string[]
  /** The only cookie to carry; undefined: all of them. */
  readonly cookieIdentifier: string | undefined
  readonly version: string
  /** Marks every call as one that no browser caused, in the header `X-Hookbox-Probe`: who calls. */
  readonly probe?: string
  readonly log: Pick<Log, 'warn' | 'error'>
  readonly clock: Clock
}

/** What a hub needs besides. */
export interface HttpAskOptions extends HttpExchangeOptions {
  readonly saw?: SawCall
  /** What an application may repeat in what is no reply, and no log is to have. */
  readonly hidden: readonly (string | undefined)[]
}

/** One call: the reply that the hub goes by, and all that was seen of it, for whoever has to explain a fault. */
export interface Exchange {
  readonly reply: Reply
  /** As it came; undefined where none did. */
  readonly answer?: Answer
  /** What was thrown below HTTP. */
  readonly problem?: unknown
  /** There was no complete answer in time. */
  readonly late?: boolean
  /** Others were in its way for most of its time: that there was no answer says nothing of the application. */
  readonly waited?: boolean
}

/** Bytes of a reply; beyond it nothing more is read and the call is a fault. */
export const maxReply = 1_048_576

/** Bytes of the `Cookie` header; beyond it none is sent, as many servers would refuse the whole request. */
export const maxCookies = 8_192

/** Calls under way at a time; further ones wait, within their own deadline. */
export const maxConnections = 128

/** Asks the web application by HTTP POST (contract: Webhooks). `close` lets calls under way finish. */
export function createHttpAsk(options: HttpAskOptions): { ask: Ask; close(): Promise<void> } {
  const { exchange, close } = createHttpExchange(options)
  /** One for each configuration, as another one may name another application. */
  const circuits = new WeakMap<WebhookConfig, ShortCircuit>()

  function circuitOf(config: WebhookConfig): ShortCircuit {
    const circuit = circuits.get(config) ?? new ShortCircuit(options.clock, options.log)
    circuits.set(config, circuit)
    return circuit
  }

  return {
    async ask(question) {
      const circuit = circuitOf(options.config)
      const unasked = circuit.begin()
      if (unasked) return unasked
      const { name, id, fields, caller } = question
      const { cookies, address } = caller
      const at = options.clock.now()
      const begun = performance.now()
      const seen = await exchange(question)
      const { reply, answer, problem, late = false, waited = false } = seen
      if (!late || !waited) circuit.ended(reply)
      const duration = performance.now() - begun
      options.saw?.({ at, name, id, url: reply.url, fields, cookies, address, duration, answer, problem, late })
      if (reply.kind === 'answer') return reply
      const hidden = [...options.hidden, ...Object.values(fields).flatMap(secretsIn)]
      return conceal(seen, concealer(hidden, cookies)).reply
    },
    close,
  }
}

/** The same, and more is told of each call. */
export function createHttpExchange(options: HttpExchangeOptions): {
  exchange(question: Question): Promise<Exchange>
  close(): Promise<void>
} {
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    maxResponseSize: maxReply,
    // The deadline of the whole call stands for these.
    headersTimeout: 0,
    bodyTimeout: 0,
    // Shorter than any usual server's, which would otherwise close a connection just when the next call is written to it.
    // A server's own `keep-alive: timeout=…` goes before.
    keepAliveTimeout: 1_000,
  })

  const places = new Places(maxConnections, mostCalls)

  /** One promise for all of it, as a hub asks about everything that happens. */
  function exchange(question: Question): Promise<Exchange> {
    return new Promise((resolve) => {
      const { config, clock } = options
      // What happens in a channel waits for what happens there; without one, for what is asked in the same way.
      const { channel_name: channelName } = question.fields
      const about = channelName === undefined ? question.name : `#${channelName}`
      let late = false
      let isUnderWay = false
      let begun = 0
      const giveUp = () => {
        late = true
        if (isUnderWay) return post.giveUp()
        stopWaiting?.()
        unasked(`not asked within ${config.timeout} ms, as others about the same were in the way`)
      }
      const cancel = clock.after(config.timeout, giveUp, 'roughly')
      let url = ''
      const ended = (exchange: Exchange) => {
        cancel()
        const hadPlace = isUnderWay
        isUnderWay = false
        resolve(exchange)
        if (hadPlace) places.leave(about)
      }
      const unasked = (fault: string) => ended({ reply: { kind: 'fault', why: 'unasked', fault, url } })
      const answered = (answer: Answer) => ended({ reply: readReply(answer, url), answer })
      // Expected outcomes are values: nothing that a web application does may throw in the hub.
      const failed = (problem: unknown) => {
        const fault = late ? `no complete answer within ${config.timeout} ms` : describe(problem)
        const waited = clock.now() - begun < config.timeout / 2
        ended({ reply: { kind: 'fault', why: late ? 'time' : 'connection', fault, url }, problem, late, waited })
      }
      const post = new Post(answered, failed)
      let stopWaiting: (() => void) | undefined
      const attempt = (task: () => void) => {
        try {
          task()
        } catch (problem) {
          failed(problem)
        }
      }
      attempt(() => {
        const { origin, path, shown } = targetOf(config, question.name)
        url = shown
        stopWaiting = places.take(about, () => {
          isUnderWay = true
          begun = clock.now()
          attempt(() => {
            const body = form(question, options.secret)
            const headers = buildHeaders(question, body, options)
            agent.dispatch({ origin, path, method: 'POST', headers, body }, post)
          })
        })
        if (stopWaiting === undefined) unasked('not asked, as too many calls wait already')
      })
    })
  }

  let closed: Promise<void> | undefined
  return {
    exchange,
    close() {
      closed ??= places.nobodyWaits().then(() => agent.close())
      return closed
    },
  }
}

/** The URL of a webhook. */
export function webhookUrl(config: WebhookConfig, name: string): URL {
  if (config.singleUrl !== undefined) return new URL(config.singleUrl)
  const host = config.host.includes(':') && !config.host.startsWith('[') ? `[${config.host}]` : config.host
  const path = config.path.replace(/\/+$/, '')
  const last = (Object.hasOwn(config.names, name) ? config.names[name] : undefined) ?? name
  const slash = config.trailingSlash && !last.endsWith('/') ? '/' : ''
  const base = `${config.https ? 'https' : 'http'}://${host}:${config.port}`
  return new URL(
    `${base}${path.startsWith('/') || path === '' ? path : `/${path}`}/${last.replace(/^\/+/, '')}${slash}`,
  )
}

/** Where a webhook goes, taken apart. */
interface Target {
  readonly origin: string
  readonly path: string
  /** Without user name and query string. */
  readonly shown: string
}

const targets = new WeakMap<WebhookConfig, Map<string, Target>>()

/** A configuration does not change: where another one holds, it is another object. */
function targetOf(config: WebhookConfig, name: string): Target {
  const known = targets.get(config) ?? new Map<string, Target>()
  targets.set(config, known)
  const found = known.get(name)
  if (found) return found
  const { origin, pathname, search } = webhookUrl(config, name)
  const target = { origin, path: pathname + search, shown: `${origin}${pathname}` }
  known.set(name, target)
  return target
}

const utf8 = new TextDecoder()

/** One request and its whole answer: as all of it is read anyway, no stream is made of it. */
class Post implements Dispatcher.DispatchHandler {
  readonly #answered: (answer: Answer) => void
  readonly #failed: (problem: unknown) => void
  readonly #body: Buffer[] = []
  #controller: Dispatcher.DispatchController | undefined
  /** Of the answer proper; 0 before it has begun. */
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #isGivenUp = false

  /** One of these is called in the end; after it, whatever is called counts for nothing. */
  constructor(answered: (answer: Answer) => void, failed: (problem: unknown) => void) {
    this.#answered = answered
    this.#failed = failed
  }

  /** There is no more time for it, also where it still waits for a connection. */
  giveUp(): void {
    this.#isGivenUp = true
    this.#failed(tooLate)
    this.#controller?.abort(tooLate)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#isGivenUp) controller.abort(tooLate)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // What comes before the answer proper (RFC 9110 §15.2).
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#body.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#status === 0) return
    const [first] = this.#body
    const bytes = first && this.#body.length === 1 ? first : Buffer.concat(this.#body)
    this.#answered(this.#answerWith(utf8.decode(bytes)))
  }

  onResponseError(_: Dispatcher.DispatchController, problem: Error): void {
    // The status says more than how the rest of the answer failed.
    if (this.#status !== 0 && this.#status !== 200) this.#answered(this.#answerWith(''))
    else this.#failed(problem)
  }

  #answerWith(body: string): Answer {
    const headers = this.#headers
    return {
      status: this.#status,
      location: one(headers.location),
      encoding: one(headers['content-encoding']),
      contentType: one(headers['content-type']),
      setCookies: many(headers['set-cookie']),
      body,
    }
  }
}

const tooLate = new Error('there was no complete answer in time')

function form(question: Question, secret: string | undefined): string {
  const form = new URLSearchParams({ action: question.name })
  if (secret !== undefined) form.append('secret', secret)
  for (const [field, value] of Object.entries(question.fields)) form.append(field, value)
  return form.toString()
}

/** Built from nothing for every call: no header of a browser's request gets here but its cookies. */
function buildHeaders(question: Question, body: string, options: HttpExchangeOptions): { [name: string]: string } {
  const { caller, id } = question
  const headers: { [name: string]: string } = {
    'content-type': 'application/x-www-form-urlencoded',
    'user-agent': `hookbox/${options.version}`,
    'webhook-id': id,
  }
  const cookies = cookieHeader(question, options)
  if (cookies !== undefined) headers.cookie = cookies
  if (caller.address !== undefined) headers['x-real-ip'] = caller.address
  if (options.config.sendVersion) headers['x-hookbox-version'] = options.version
  if (options.probe !== undefined) headers['x-hookbox-probe'] = options.probe
  if (options.signingSecrets.length > 0) {
    const timestamp = Math.floor(options.clock.now() / 1_000)
    headers['webhook-timestamp'] = String(timestamp)
    headers['webhook-signature'] = sign(options.signingSecrets, id, timestamp, body)
  }
  return headers
}

function cookieHeader(question: Question, { cookieIdentifier, log }: HttpExchangeOptions): string | undefined {
  const { cookies, connection } = question.caller
  const wanted = wantedCookies(cookies, cookieIdentifier)
  if (wanted === undefined) return undefined
  // A header's characters are bytes; what came from `document.cookie` may hold others, which a browser sends as UTF-8.
  const header = wanted.replace(/[\u{100}-\u{10ffff}]/gu, (character) => Buffer.from(character).toString('latin1'))
  if (header.length > maxCookies) {
    log.warn(
      { webhook: question.name, connection, bytes: header.length },
      `cookies beyond ${maxCookies} bytes are not sent`,
    )
    return undefined
  }
  if (/[^\t -~\x80-\xff]/.test(header)) {
    log.warn({ webhook: question.name, connection }, 'cookies with control characters are not sent')
    return undefined
  }
  return header
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function many(value: string | string[] | undefined): string[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value]
}

/** What went wrong below HTTP, in words for the log. */
function describe(cause: unknown): string {
  const { code, message } = cause as { code?: unknown; message?: unknown }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return `expected an answer of at most ${maxReply} bytes, got more`
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') return 'connection closed before the answer was complete'
  if (code === 'UND_ERR_CLOSED' || code === 'UND_ERR_DESTROYED') return 'not sent, as the hub is stopping'
  // A connection that was tried at several addresses fails with an empty message.
  const text = typeof message === 'string' && message !== '' ? message : String(code ?? cause)
  return `no answer: ${excerpt(text)}`
}
