import { exceeds, HookboxError, type Json, limits, type Published } from '@hookbox/protocol'
import { type Deferred, deferred } from './deferred.ts'
import { aborted, late, onAbort } from './giving-up.ts'
import type { Requests } from './requests.ts'
import type { Cancel, Surroundings } from './surroundings.ts'

/** How long the hub remembers a message id; what is older may have been stored or not, and a repeat could be a second one. */
const repeatable = 300_000

/** How many ids that the caller chose are remembered as this page's own. */
const rememberedIds = 1_000

/** What happens to what is published while there is no connection. */
export interface WaitOptions {
  /** How many publishes and messages may be unanswered; beyond it `too_many`. Default 256. */
  limit?: number | undefined
  /** Milliseconds that one may wait to be sent; beyond it `offline`. Default 60,000. */
  timeToLive?: number | undefined
}

/** How one publish or message is sent. */
export interface SendOptions {
  /** The key by which the hub recognises a repeat; one is made where none is given. */
  id?: string | undefined
  /** Gives up waiting. What was sent stays sent. */
  signal?: AbortSignal | undefined
  /** Milliseconds to wait for the answer; beyond it `timeout`. Default: as long as the hub could recognise a repeat. */
  timeout?: number | undefined
}

/** What the hub says to a publish. */
export interface PublishResult {
  /** Where it stands in the channel's log; missing where the application sent it to this page alone. */
  readonly position?: string
  /** Whether the hub had it already. */
  readonly duplicate: boolean
}

interface Item {
  readonly name: 'PUBLISH' | 'MESSAGE'
  readonly text: string
  readonly answer: Deferred<PublishResult>
  sentAt?: number
  cancelWait: Cancel
  readonly cleanUp: Cancel[]
}

/**
 * What was published and is not answered: kept in the order of the calls, sent when there is a connection, and sent again
 * under the same id after a break, until the answer comes or the hub may have forgotten the id.
 */
export class Outbox {
  readonly #around: Surroundings
  readonly #requests: Requests
  readonly #refuse: boolean
  readonly #limit: number
  readonly #timeToLive: number
  readonly #items = new Set<Item>()
  readonly #prefix: string
  readonly #chosen = new Set<string>()
  #count = 0
  #connected = false
  #closed: HookboxError | undefined
  frameLimit: number = limits.frame

  constructor(around: Surroundings, requests: Requests, whenOffline: WaitOptions | 'wait' | 'refuse' = 'wait') {
    this.#around = around
    this.#requests = requests
    this.#refuse = whenOffline === 'refuse'
    const { limit, timeToLive }: WaitOptions = typeof whenOffline === 'object' ? whenOffline : {}
    this.#limit = limit ?? 256
    this.#timeToLive = timeToLive ?? 60_000
    const random = () => around.random().toString(36).slice(2, 12)
    this.#prefix = `${around.now().toString(36)}${random()}${random()}-`
  }

  publish(channel: string, payload: Json, options?: SendOptions): Promise<PublishResult> {
    return this.#add('PUBLISH', { channel_name: channel }, payload, options)
  }

  message(user: string, payload: Json, options?: SendOptions): Promise<PublishResult> {
    return this.#add('MESSAGE', { name: user }, payload, options)
  }

  /** Whether an id is one that this page gave. */
  sentHere(messageId: string): boolean {
    return messageId.startsWith(this.#prefix) || this.#chosen.has(messageId)
  }

  connected(): void {
    this.#connected = true
    for (const item of [...this.#items]) this.#send(item)
  }

  lost(): void {
    this.#connected = false
  }

  close(error: HookboxError): void {
    this.#connected = false
    this.#closed = error
    for (const item of [...this.#items]) this.#fail(item, error)
  }

  #add(name: Item['name'], to: object, payload: Json, options: SendOptions = {}): Promise<PublishResult> {
    const { signal, timeout, id } = options
    const answer = deferred<PublishResult>()
    try {
      const text = this.#admit(name, { ...to, payload, message_id: id ?? this.#prefix + ++this.#count }, signal)
      const item: Item = { name, text, answer, cancelWait: () => {}, cleanUp: [] }
      this.#items.add(item)
      if (id !== undefined) this.#remember(id)
      this.#limitWait(item, signal, timeout)
      if (this.#connected) this.#send(item)
    } catch (error) {
      answer.reject(error as HookboxError)
    }
    return answer.promise
  }

  /** The text to send, if it may be sent. */
  #admit(name: string, args: { payload: Json; message_id: string }, signal: AbortSignal | undefined): string {
    if (this.#closed !== undefined) throw this.#closed
    if (signal?.aborted) throw aborted(signal)
    if (this.#refuse && !this.#connected) throw new HookboxError('offline', `${name}: not connected`)
    if (this.#items.size >= this.#limit) {
      throw new HookboxError('too_many', `${name}: expected at most ${this.#limit} unanswered`)
    }
    const text = encode(name, args)
    // the number and the name of the frame come on top of its arguments
    if (exceeds(text, this.frameLimit - 32)) {
      throw new HookboxError('too_large', `${name}: expected at most ${this.frameLimit} bytes`)
    }
    return text
  }

  #limitWait(item: Item, signal: AbortSignal | undefined, timeout: number | undefined): void {
    const { name, cleanUp } = item
    cleanUp.push(onAbort(signal, () => this.#fail(item, aborted(signal))))
    if (timeout !== undefined) {
      cleanUp.push(this.#around.after(timeout, () => this.#fail(item, late(name, timeout))))
    }
    if (this.#connected) return
    const waited = () =>
      this.#fail(item, new HookboxError('offline', `${name}: not connected for ${this.#timeToLive} ms`))
    item.cancelWait = this.#around.after(this.#timeToLive, waited)
  }

  #remember(id: string): void {
    this.#chosen.add(id)
    if (this.#chosen.size <= rememberedIds) return
    for (const oldest of this.#chosen) {
      this.#chosen.delete(oldest)
      break
    }
  }

  #send(item: Item): void {
    const now = this.#around.now()
    if (item.sentAt === undefined) {
      item.sentAt = now
      item.cancelWait()
      item.cancelWait = this.#around.after(repeatable, () => this.#fail(item, unknown(item.name)))
    } else if (now - item.sentAt >= repeatable) {
      // timers sleep with the page
      this.#fail(item, unknown(item.name))
      return
    }
    this.#requests.askText(item.name, item.text, {
      done: ({ position, duplicate }: Published) => {
        this.#remove(item)
        item.answer.resolve({ ...(position !== undefined && { position }), duplicate: duplicate === true })
      },
      failed: (error) => this.#fail(item, error),
    })
  }

  #fail(item: Item, error: HookboxError): void {
    this.#remove(item)
    item.answer.reject(error)
  }

  #remove(item: Item): void {
    this.#items.delete(item)
    item.cancelWait()
    for (const cleanUp of item.cleanUp) cleanUp()
  }
}

function unknown(name: string): HookboxError {
  return new HookboxError('outcome_unknown', `${name}: sent, but not answered within ${repeatable} ms`)
}

function encode(name: string, args: { payload: Json }): string {
  let cause: unknown
  try {
    if (JSON.stringify(args.payload) !== undefined) return JSON.stringify(args)
  } catch (error) {
    cause = error
  }
  throw new HookboxError('bad_request', `${name} payload: expected JSON`, { cause })
}
