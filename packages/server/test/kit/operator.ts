import { Inbox } from '@hookbox/testkit'
import type { Told, View } from '../../src/admin/told.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly [name: string]: unknown }
}

/** Somebody at the console of a hub, without a browser. */
export class Operator {
  readonly #url: string
  readonly #feeds: OperatorFeed[] = []
  cookie = ''
  /** What a browser would send along. */
  headers: { readonly [name: string]: string }

  constructor(hubUrl: string) {
    this.#url = hubUrl
    this.headers = { origin: new URL(hubUrl).origin }
  }

  async signIn(password: string): Promise<Answer> {
    const answer = await this.post('session', { password })
    this.cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? this.cookie
    return answer
  }

  /** Takes the session along to another node. */
  at(hubUrl: string): Operator {
    const other = new Operator(hubUrl)
    const [, secret] = this.cookie.split('=')
    other.cookie = `hookbox-admin-${new URL(hubUrl).port}=${secret}`
    return other
  }

  get(path: string): Promise<Answer> {
    return this.#ask(path, {})
  }

  delete(path: string): Promise<Answer> {
    return this.#ask(path, { method: 'DELETE' })
  }

  post(path: string, body: object, headers: { readonly [name: string]: string } = {}): Promise<Answer> {
    return this.#ask(path, { method: 'POST', body: JSON.stringify(body) }, headers)
  }

  async feed(view: View): Promise<OperatorFeed> {
    const ended = new AbortController()
    const response = await fetch(`${this.#url}/admin/feed`, {
      ...{ method: 'POST', body: JSON.stringify(view), signal: ended.signal },
      headers: { ...this.headers, cookie: this.cookie, 'content-type': 'application/json' },
    })
    if (!response.ok || !response.body) throw new Error(`feed: status ${response.status} ${await response.text()}`)
    const feed = new OperatorFeed(response.body, ended)
    this.#feeds.push(feed)
    return feed
  }

  /** Ends all feeds. */
  leave(): void {
    for (const feed of this.#feeds) feed.end()
  }

  async #ask(path: string, init: RequestInit, headers: { readonly [name: string]: string } = {}): Promise<Answer> {
    const response = await fetch(`${this.#url}/admin/${path}`, {
      ...init,
      redirect: 'manual',
      headers: {
        ...this.headers,
        ...(this.cookie !== '' && { cookie: this.cookie }),
        ...(init.body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : { text } }
  }
}

/** What an open feed tells. */
export class OperatorFeed {
  readonly #inbox = new Inbox<Told>(({ of }) => of)
  readonly #ended: AbortController
  /** The hub has ended it. */
  readonly over: Promise<void>

  constructor(body: ReadableStream<Uint8Array>, ended: AbortController) {
    this.#ended = ended
    this.over = this.#read(body)
    this.over.catch(() => {})
  }

  /** The next of this kind that nobody has taken yet, and that fits. */
  async next<Of extends Told['of']>(
    of: Of,
    fits: (told: Extract<Told, { readonly of: Of }>) => boolean = () => true,
  ): Promise<Extract<Told, { readonly of: Of }>> {
    const told = await this.#inbox.take((one) => one.of === of && fits(one as never), `“${of}” that fits`)
    return told as Extract<Told, { readonly of: Of }>
  }

  end(): void {
    this.#ended.abort()
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of body) {
      const events = (text + decoder.decode(chunk, { stream: true })).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) this.#inbox.put(JSON.parse(event.slice('data: '.length)) as Told)
    }
  }
}
