import {
  type ClientArgs,
  closeCodes,
  comesBack,
  decodeServerMessage,
  encodeFrame,
  formatPosition,
  HookboxError,
  type Json,
  joinFrames,
  limits,
  type Position,
  type ServerArgs,
  type ServerFrame,
} from '@hookbox/protocol'
import { Channel, type ChannelLine, type Hold, toPosition } from './channel.ts'
import { type Deferred, deferred } from './deferred.ts'
import { Emitter } from './emitter.ts'
import type { ConnectionEvents, ConnectionStatus, StatusEvent } from './events.ts'
import { fetchHistory } from './fetch-history.ts'
import { Outbox, type WaitOptions } from './outbox.ts'
import { type Backoff, delayBefore, Watchdog } from './reconnect.ts'
import { type Given, Requests, toError } from './requests.ts'
import { Subscription } from './subscription.ts'
import type { Cancel, Surroundings } from './surroundings.ts'
import type { LineEnd, LineEvents, Transport } from './transport/transport.ts'
import { listenToPage } from './wake.ts'

/** Milliseconds for a line to open. */
const opening = 10_000

/** A connection that lasted this long was a good one: the next break starts with short waits again. */
const lasting = 5_000

/** How a page that goes to sleep closes its line: 1001 is the browser's own, and 1000 would mean to leave for good. */
const asleep = 4001

/** Replaced with the package's version when it is built. */
declare const packageVersion: string
const client = `hookbox-js/${typeof packageVersion === 'string' ? packageVersion : 'source'}`

/** What a session is made of. */
export interface SessionSettings {
  readonly payload?: Json | undefined
  readonly cookies?: string | undefined
  readonly backoff: Backoff
  readonly timeout: number
  readonly whenOffline?: WaitOptions | 'wait' | 'refuse' | undefined
  readonly log: (text: string, details?: unknown) => void
  /** The hub's WebSocket address. */
  readonly address: string
  readonly open: (events: LineEvents) => Transport
}

/** What the hub said when it agreed. */
export interface Welcome {
  readonly user: string
  readonly id: string
  readonly payload: Json
}

/**
 * Keeps one connection alive over many lines: opens one, shakes hands, takes every channel up where it was, sends again what
 * was not answered, and comes back when the line is lost.
 */
export class Session {
  readonly events: Emitter<ConnectionEvents> = new Emitter()
  readonly ready: Deferred<void> = deferred()
  readonly outbox: Outbox
  welcome: Welcome | undefined
  readonly #around: Surroundings
  readonly #settings: SessionSettings
  readonly #requests: Requests
  readonly #watch: Watchdog
  readonly #channels = new Map<string, Channel>()
  readonly #channelLine: ChannelLine
  readonly #stopListening: Cancel
  #transport: Transport | undefined
  #phase: 'waiting' | 'opening' | 'open' | 'connected' | 'closed' = 'opening'
  /** Grows with every end of a line: what began before belongs to another one. */
  #line = 0
  #told: StatusEvent = { status: 'connecting' }
  #offline = false
  #tries = 0
  /** When the next try is due; undefined while the page sleeps, and then only waking up brings one. */
  #due: number | undefined
  #goOn: (() => void) | undefined
  #cancelWait: Cancel | undefined
  #connectedAt = 0
  #ticket: string | undefined
  #messages: Position | undefined
  #refusal: HookboxError | undefined
  #unsent: string[] = []

  constructor(settings: SessionSettings, around: Surroundings) {
    this.#settings = settings
    this.#around = around
    this.#requests = new Requests(around, (text) => this.#send(text))
    this.outbox = new Outbox(around, this.#requests, settings.whenOffline)
    this.#watch = new Watchdog(around, () => this.#drop(closeCodes.silent, 'nothing heard'))
    this.#channelLine = this.#lineForChannels()
    this.#due = around.now()
    this.#dial()
    this.#stopListening = listenToPage(around, {
      wake: () => this.#wake(),
      offline: () => this.#setOffline(true),
      sleep: () => this.#sleep(),
    })
  }

  get status(): ConnectionStatus {
    if (this.#phase === 'closed') return 'closed'
    if (this.#offline) return 'offline'
    if (this.#phase === 'connected' || this.#phase === 'waiting') return this.#phase
    return 'connecting'
  }

  hold(name: string): { channel: Channel; hold: Hold } {
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      channel = new Channel(name, this.#channelLine)
      if (this.#phase !== 'closed') this.#channels.set(name, channel)
    }
    const hold = channel.hold(true)
    if (this.#phase === 'closed') channel.close(closed())
    return { channel, hold }
  }

  disconnect(): void {
    if (this.#phase === 'closed') return
    this.#flush()
    this.#transport?.close(closeCodes.normal, 'disconnected')
    this.#ended({ code: closeCodes.normal, reason: 'disconnected', wasClean: true })
  }

  #dial(): void {
    this.#transport = this.#settings.open({
      next: () => this.#next(),
      opened: () => this.#opened(),
      heard: (text) => this.#heard(text),
      ended: (end) => this.#ended(end),
      failed: (cause) =>
        this.events.emit('error', new HookboxError('unavailable', 'the line could not be opened', { cause })),
    })
  }

  #next(): Promise<string> {
    return new Promise((resolve) => {
      const go = (): void => {
        this.#stopWaiting()
        this.#phase = 'opening'
        this.#watch.expect(opening)
        this.#tellStatus()
        resolve(this.#settings.address)
      }
      const wait = (this.#due ?? 0) - this.#around.now()
      if (wait <= 0) return go()
      this.#goOn = go
      this.#cancelWait = this.#around.after(wait, go)
    })
  }

  #stopWaiting(): void {
    this.#goOn = undefined
    this.#cancelWait?.()
    this.#cancelWait = undefined
  }

  #opened(): void {
    this.#phase = 'open'
    this.#watch.expect(this.#settings.timeout)
    const { payload, cookies } = this.#settings
    const since: [string, string][] = []
    for (const { name, holds, view } of this.#channels.values()) {
      if (holds.size > 0 && view.position !== undefined) since.push([name, formatPosition(view.position)])
    }
    const args: Given<ClientArgs['CONNECT']> = {
      payload,
      cookie_string: cookies,
      ticket: this.#ticket,
      since: since.length > 0 ? Object.fromEntries(since) : undefined,
      messages_since: this.#messages && formatPosition(this.#messages),
      client,
    }
    this.#requests.ask('CONNECT', args, {
      done: (answer: ServerArgs['CONNECTED']) => this.#connected(answer),
      // the hub closes then, and the code says whether to come back; it does not where the frame itself is wrong, and so
      // would be the next
      failed: (error) => {
        this.#refusal = error
        this.events.emit('error', error)
        if (/bad_request|too_large/.test(error.code)) this.disconnect()
      },
    })
    for (const channel of [...this.#channels.values()]) channel.opened()
    this.#flush()
  }

  #connected(welcome: ServerArgs['CONNECTED']): void {
    const { name, id, payload, ticket, ping, messages } = welcome
    const again = this.welcome !== undefined
    const recovered = messages?.recovered
    if (messages !== undefined && !(recovered && this.#messages)) this.#messages = toPosition(messages.position)
    this.welcome = { user: name, id, payload }
    this.#ticket = ticket
    this.#refusal = undefined
    this.#phase = 'connected'
    this.#connectedAt = this.#around.now()
    if (ping > 0) this.#watch.expect(ping * 1000 + 10_000)
    else this.#watch.stop()
    this.outbox.frameLimit = welcome.limits?.frame ?? limits.frame
    this.ready.resolve()
    this.outbox.connected()
    const line = this.#line
    this.#tellStatus()
    if (line !== this.#line) return
    const { user } = this.welcome
    this.events.emit('open', { user, id, payload, again, ...(recovered !== undefined && { recovered }) })
  }

  #heard(text: string): void {
    const line = this.#line
    this.#watch.heard()
    this.#settings.log('heard', text)
    this.#setOffline(false)
    try {
      for (const frame of decodeServerMessage(text)) {
        // a handler of the frame before may have ended this line
        if (line !== this.#line) return
        this.#take(frame)
      }
    } catch (cause) {
      // handlers cannot throw to here, so it is what the hub sent
      if (line === this.#line) this.#drop(closeCodes.internal, 'not understood')
      this.events.emit('error', new HookboxError('malformed', 'the hub sent what is not understood', { cause }))
    }
  }

  #take(frame: ServerFrame): void {
    if (frame.id > 0) return this.#requests.answered(frame)
    switch (frame.name) {
      case 'SUBSCRIBED':
        return this.#subscribed(frame.args)
      case 'UNSUBSCRIBED':
        return this.#unsubscribed(frame.args)
      case 'MESSAGE':
        return this.#message(frame.args)
      case 'SET_COOKIE':
        return this.#setCookie(frame.args.cookie)
      case 'PING':
        this.#send(encodeFrame({ id: 0, name: 'PONG', args: {} }))
        return this.#flush()
      case 'ERROR':
        return this.events.emit('error', toError(frame.args))
      case 'CONNECTED':
      case 'RESULT':
        // an answer to nothing
        return
      default:
        return this.#channels.get(frame.args.channel_name)?.heard(frame)
    }
  }

  #subscribed(args: ServerArgs['SUBSCRIBED']): void {
    const held = this.#channels.get(args.channel_name)
    if (held !== undefined) return held.joined(args)
    const channel = new Channel(args.channel_name, this.#channelLine)
    this.#channels.set(channel.name, channel)
    const hold = channel.hold(false)
    channel.joined(args)
    this.events.emit('subscribed', this.subscription(channel, hold))
  }

  subscription(channel: Channel, hold: Hold): Subscription {
    return new Subscription(channel, hold, {
      publish: (name, payload, options) => this.outbox.publish(name, payload, options),
      history: (of, by, options) => fetchHistory(of, by, options, this.#requests, this.#around, this.#settings.timeout),
    })
  }

  #unsubscribed({ channel_name: channel, reason }: ServerArgs['UNSUBSCRIBED']): void {
    const error = new HookboxError('closed', `the subscription has ended: ${reason}`)
    if (this.#channels.get(channel)?.removed(error)) this.events.emit('unsubscribed', { channel, reason })
  }

  #message(message: ServerArgs['MESSAGE']): void {
    const { offset } = message
    if (offset !== undefined && this.#messages !== undefined) {
      if (offset <= this.#messages.offset) return
      // only a connect can ask for what was lost
      if (offset > this.#messages.offset + 1) return this.#drop(closeCodes.internal, 'a message was lost')
      this.#messages = { epoch: this.#messages.epoch, offset }
    }
    this.events.emit('message', message)
  }

  #setCookie(cookie: string): void {
    const { document } = this.#around
    if (document === undefined) return
    try {
      document.cookie = cookie
    } catch (cause) {
      // a sandboxed page may not; the hub has the cookie all the same
      this.#settings.log('cookie not set', cause)
    }
  }

  /** Frames of one tick go out as one message. */
  #send(text: string): void {
    if (this.#unsent.push(text) === 1) queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    let message: string[] = []
    let bytes = 0
    for (const frame of this.#unsent.splice(0)) {
      // a character is at most three bytes; counting them truly would cost more than a message too many
      const size = frame.length * 3 + 1
      if (bytes + size > limits.message && message.length > 0) {
        this.#sendMessage(message)
        message = []
        bytes = 0
      }
      message.push(frame)
      bytes += size
    }
    if (message.length > 0) this.#sendMessage(message)
  }

  #sendMessage(frames: string[]): void {
    const text = joinFrames(frames)
    this.#settings.log('sent', text)
    this.#transport?.send(text)
  }

  /** Gives the line up, as the hub seems gone or its state unknown, and comes back. */
  #drop(code: number, reason: string): void {
    this.#letGo(code, reason)
    this.#ended({ code, reason, wasClean: false })
    // a handler may have woken it up already
    if (this.#phase === 'waiting' && this.#transport === undefined) this.#dial()
  }

  #letGo(code: number, reason: string): void {
    this.#stopWaiting()
    this.#transport?.close(code, reason)
    this.#transport = undefined
  }

  #ended(end: LineEnd, sleeps = false): void {
    if (this.#phase === 'closed') return
    this.#settings.log('line ended', end)
    const wasConnected = this.#phase === 'connected'
    const back = comesBack(end.code)
    const now = this.#around.now()
    this.#line++
    this.#watch.stop()
    this.#unsent = []
    this.#requests.lost()
    this.outbox.lost()
    if (wasConnected && now - this.#connectedAt >= lasting) this.#tries = 0
    this.#due = sleeps ? undefined : now + this.#delay(++this.#tries)
    this.#phase = 'waiting'
    if (back) for (const channel of [...this.#channels.values()]) channel.lost()
    else this.#finish(this.#refusal ?? closed(end))
    this.#refusal = undefined
    const { code, reason, wasClean } = end
    this.events.emit('close', { code, reason, wasClean, wasConnected, comesBack: back })
    this.#tellStatus()
  }

  #finish(error: HookboxError): void {
    this.#phase = 'closed'
    // ends the tries of the transport, also when it was the hub that closed
    this.#letGo(closeCodes.normal, '')
    this.#stopListening()
    this.ready.reject(error)
    this.outbox.close(error)
    for (const channel of this.#channels.values()) channel.close(error)
    this.#channels.clear()
  }

  #wake(): void {
    this.#setOffline(false)
    this.#watch.check()
    if (this.#phase !== 'waiting') return
    this.#due = this.#around.now()
    if (this.#transport === undefined) this.#dial()
    else this.#goOn?.()
  }

  #sleep(): void {
    if (this.#phase === 'closed') return
    this.#letGo(asleep, 'asleep')
    if (this.#phase !== 'waiting') return this.#ended({ code: asleep, reason: 'asleep', wasClean: true }, true)
    this.#due = undefined
    this.#tellStatus()
  }

  #setOffline(offline: boolean): void {
    if (this.#offline === offline || this.#phase === 'closed') return
    this.#offline = offline
    this.#tellStatus()
  }

  #tellStatus(): void {
    const { status } = this
    const retryAt = this.#phase === 'waiting' ? this.#due : undefined
    if (status === this.#told.status && retryAt === this.#told.retryAt) return
    this.#told = { status, ...(retryAt !== undefined && { retryAt }) }
    this.events.emit('status', this.#told)
  }

  #delay(n: number): number {
    return delayBefore(n, this.#settings.backoff, this.#around.random)
  }

  #lineForChannels(): ChannelLine {
    const session = this
    const { timeout } = this.#settings
    return {
      get open() {
        return session.#phase === 'open' || session.#phase === 'connected'
      },
      ask: (name, args, answer) => this.#requests.ask(name, args, answer, timeout),
      delay: (n) => this.#delay(n),
      timeout,
      after: (delay, run) => this.#around.after(delay, run),
      now: () => this.#around.now(),
      sentHere: (id) => this.outbox.sentHere(id),
      drop: (reason) => this.#drop(closeCodes.silent, reason),
      forget: (channel) => {
        if (this.#channels.get(channel.name) === channel) this.#channels.delete(channel.name)
      },
    }
  }
}

function closed(end?: LineEnd): HookboxError {
  if (end?.code === closeCodes.refused) return new HookboxError('unauthorized', end.reason || 'the connect was refused')
  const why = end === undefined || end.code === closeCodes.normal ? '' : ` with ${end.code} ${end.reason}`.trimEnd()
  return new HookboxError('closed', `the connection was closed${why}`)
}
