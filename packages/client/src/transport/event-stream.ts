import type { WebSocketLike } from './transport.ts'

/** Milliseconds for the first event; beyond it something on the way holds answers back. */
const firstEvent = 5_000

/** Milliseconds for which what failed is tried again: as long as the hub waits for a page without a stream. */
const patience = 10_000

/** Characters that may be heard before the hub is told so; it keeps what it was not told of. */
const unacknowledged = 65_536

/** Characters of several messages that go out as one POST, whatever their bytes. */
const together = 300_000

/** Characters of a POST that browsers send even while the page goes away: they allow 64 KiB. */
const parting = 20_000

/** How an event stream is opened. */
export interface StreamWay {
  /** By long polling: every answer ends, so that nothing on the way can hold it back. */
  readonly poll: boolean
  /** The first event did not come in time. */
  late(): void
  /** Asked once there is a way to the hub: false gives it up again. */
  wanted(): Promise<boolean>
}

/**
 * What passes for a WebSocket where none gets through: it reads an event stream and speaks by POSTs, one after another, so
 * that nothing overtakes anything. A stream that breaks is taken up again and a POST that fails is sent again, for as long as
 * the hub waits, without anybody hearing of it.
 */
export class StreamSocket extends EventTarget implements WebSocketLike {
  binaryType = 'blob'
  readyState = 0
  readonly #address: string
  readonly #way: StreamWay
  readonly #abort = new AbortController()
  readonly #protocol: string
  readonly #late: ReturnType<typeof setTimeout>
  #session: string | undefined
  #queue: string[] = []
  #posting = false
  #seq = 0
  #ack = 0
  /** Whether the answer that is being read brought anything. */
  #progress = false
  /** Characters heard since the hub was told. */
  #heard = 0

  constructor(address: string, protocol: string, way: StreamWay) {
    super()
    this.#address = address.replace(/^ws/, 'http')
    this.#protocol = protocol
    this.#way = way
    this.#late = setTimeout(() => {
      way.late()
      this.#end(1006)
    }, firstEvent)
    void this.#read()
  }

  send(text: string): void {
    this.#queue.push(text)
    void this.#post()
  }

  /** Does not wait for a POST that is under way: the hub brings them into their order. */
  close(code = 1000, reason = ''): void {
    if (this.readyState === 1) {
      const text = this.#queue.join('\n')
      this.readyState = 2
      const told = () => this.#end(code, reason)
      this.#fetch('/send', { seq: ++this.#seq, close: code, reason }, text, text.length < parting).then(told, told)
    } else if (this.readyState === 0) this.#end(1006)
    this.#abort.abort()
  }

  async #read(): Promise<void> {
    const { poll } = this.#way
    while (this.readyState < 2) {
      const response = await this.#ask('', { protocol: this.#protocol, poll })
      if (!response?.ok) return this.#refused(response)
      this.#progress = false
      // what breaks is asked for again below
      await this.#listen(response).catch(() => {})
      if (this.#session === undefined) return this.#end(1006)
      // all pages that lost their stream together must not come back together
      if (!(poll && this.#progress)) await pause(1_000 * Math.random())
    }
  }

  async #listen({ body }: Response): Promise<void> {
    const reader = body?.getReader()
    const decoder = new TextDecoder()
    let text = ''
    for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
      // a piece may end within a character
      const events = (text + decoder.decode(piece.value, { stream: true })).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) await this.#event(event)
    }
  }

  async #event(event: string): Promise<void> {
    const fields: Record<string, string> = {}
    for (const line of event.split('\n')) {
      const [, name = '', value = ''] = /^(\w+): (.*)/s.exec(line) ?? []
      fields[name] = name in fields ? `${fields[name]}\n${value}` : value
    }
    const { event: kind, id, data = '' } = fields
    if (kind === 'session') {
      this.#session = JSON.parse(data).session
      this.#progress = true
      clearTimeout(this.#late)
      if (!(await this.#way.wanted())) this.#end(1006)
      else if (this.readyState === 0) {
        this.readyState = 1
        this.dispatchEvent(new Event('open'))
      }
    } else if (kind === 'close') {
      const { code, reason } = JSON.parse(data)
      this.#end(code, reason)
    } else if (Number(id) > this.#ack && this.readyState === 1) {
      this.#ack = Number(id)
      this.#progress = true
      this.#heard += data.length
      this.dispatchEvent(Object.assign(new Event('message'), { data }))
      if (this.#heard > unacknowledged) void this.#post()
    }
  }

  async #post(): Promise<void> {
    if (this.#posting) return
    this.#posting = true
    while (this.readyState === 1 && (this.#queue.length > 0 || this.#heard > unacknowledged)) {
      const all = this.#queue.join('\n')
      const text = this.#queue.splice(0, all.length > together ? 1 : this.#queue.length).join('\n')
      const response = await this.#ask('/send', { seq: ++this.#seq }, text)
      if (!response?.ok) return this.#refused(response)
    }
    this.#posting = false
  }

  /** Asks until there is an answer that is not a passing trouble; undefined when the hub has stopped waiting. */
  async #ask(path: string, head: object, text = ''): Promise<Response | undefined> {
    const until = Date.now() + patience
    let delay = 100
    do {
      const response = await this.#fetch(path, head, text).catch(() => undefined)
      if (response && response.status < 500 && response.status !== 429) return response
      delay *= 2
      await pause(delay * (0.5 + Math.random()))
    } while (this.#session !== undefined && this.readyState < 2 && Date.now() < until)
    return undefined
  }

  #fetch(path: string, head: object, text: string, keepalive = false): Promise<Response> {
    this.#heard = 0
    const address = this.#address.replace(/\/ws(?=\?|$)/, `/stream${path}`)
    const body = `${JSON.stringify({ session: this.#session, ack: this.#ack, ...head })}\n${text}`
    const signal = path === '' ? this.#abort.signal : null
    return fetch(address, { method: 'POST', body, credentials: 'include', keepalive, signal })
  }

  #refused(response: Response | undefined): void {
    if (this.readyState < 2) this.#end(response?.status === 413 ? 1009 : 1006)
  }

  #end(code: number, reason = ''): void {
    if (this.readyState === 3) return
    this.readyState = 3
    clearTimeout(this.#late)
    this.#abort.abort()
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason, wasClean: code !== 1006 }))
  }
}

function pause(delay: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delay))
}
