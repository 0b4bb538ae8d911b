import {
  type ClientFrameName,
  closeCodes,
  decodeMessage,
  HookboxError,
  limits,
  members,
  type Received,
  spliceFrame,
  toJsonText,
  type UnsubscribedReason,
} from '@hookbox/protocol'
import type { ConnectionRecord } from '../broker/broker.ts'
import type { Cancel } from '../clock.ts'
import { Gate } from '../gate.ts'
import type { Hub } from '../hub/hub.ts'
import type { UserOptions } from '../hub/user-options.ts'
import type { UserConnection } from '../hub/users.ts'
import { randomId } from '../ids.ts'
import { SmallMap } from '../small-map.ts'
import { type ReadonlySmallSet, SmallSet } from '../small-set.ts'
import { after, rescue, type Soon } from '../soon.ts'
import type { Batch } from '../transport/batch.ts'
import { PreparedFrame } from '../transport/prepared-frame.ts'
import type { Arrival, Session, Transport } from '../transport/transport.ts'
import type { Caller } from '../webhooks/callbacks.ts'
import { CookieJar } from './cookies.ts'
import { handshake } from './handshake.ts'
import { type Beating, Heartbeat } from './heartbeat.ts'
import { Lanes } from './lanes.ts'
import { Rate } from './rate.ts'
import { requests } from './requests.ts'

/** What every connection of a hub is bound by. */
export interface ConnectionSettings {
  /** Milliseconds for which a connection that broke off still counts. */
  readonly linger: number
  /** Frames per second; 0 switches it off. */
  readonly rate: number
  /** What users begin with, before the application says anything. */
  readonly userDefaults: UserOptions
  /** A number from 0 up to 1. */
  random(): number
}

/** Requests of one connection under way at a time; the others wait. */
const maxRequestsAtOnce = 16

/** Requests of one connection that are under way or wait, for whatever; beyond it `too_many`. */
const maxRequests = 1_024

/** Frames that wait for the handshake, and their characters together; beyond it `too_many`. */
const maxBeforeConnected = { frames: 1_000, length: 2 * limits.message }

const ping = new PreparedFrame(spliceFrame(0, 'PING', ''))

/** The transport of a connection that was taken over without one. */
const brokenLine: Transport = {
  kind: 'websocket',
  buffered: 0,
  send() {},
  sendMissed() {},
  follow() {},
  unfollow() {},
  close() {},
}

/** Where nothing is to be stopped. */
const nothing: Cancel = () => {}

const noEntering: UserConnection['entering'] = new SmallMap()
const noNames: ReadonlySmallSet<string> = new SmallSet()

/** One tab's life on the hub. There may be very many: what most of them never need is made when it is needed. */
export class Connection implements Session, UserConnection, Beating {
  readonly id: string
  readonly channels: SmallSet<string> = new SmallSet()
  readonly settings: ConnectionSettings
  readonly cookies: CookieJar
  readonly caller: Caller
  readonly #hub: Hub
  readonly #transport: Transport
  readonly #rate: Rate
  readonly #heartbeat: Heartbeat
  readonly #gate = new Gate(maxRequestsAtOnce)
  #entering: SmallMap<Promise<unknown>> | undefined
  #promised: SmallSet<string> | undefined
  #given: SmallSet<string> | undefined
  /** By channel, or, for private messages, recipient. */
  readonly #lanes = new Lanes()
  #state: 'new' | 'connecting' | 'connected' | 'lingering' | 'gone' = 'new'
  #user = ''
  #pageId: string
  #early: Received[] | undefined
  #earlyLength = 0
  #requests = 0
  /** The line has ended. */
  #broken = false
  #cancelDeadline: Cancel
  #cancelExpiry: Cancel = nothing

  constructor(hub: Hub, transport: Transport, arrival: Arrival, settings: ConnectionSettings, id: string = randomId()) {
    this.id = id
    this.#pageId = id
    this.#hub = hub
    this.#transport = transport
    this.settings = settings
    this.#rate = new Rate(settings.rate, hub.clock)
    this.cookies = new CookieJar(arrival.cookies)
    const { request, address } = arrival
    this.caller = new PageCaller(this, address)
    this.#heartbeat = new Heartbeat(hub.clock, this)
    hub.log.debug({ connection: id, request, transport: transport.kind, address }, 'connection opened')
    const late = () => this.close(closeCodes.silent, 'no CONNECT in time')
    this.#cancelDeadline = hub.clock.after(limits.handshake, late, 'roughly')
  }

  /** A connection that another node had, or the hub before this one: it lingers from now on. */
  static takeOver(hub: Hub, record: ConnectionRecord, settings: ConnectionSettings): Connection {
    const { id, pageId, user, cookies, address = '' } = record
    const arrival: Arrival = { address, cookies, origin: undefined, userAgent: undefined }
    const connection = new Connection(hub, brokenLine, arrival, settings, id)
    connection.#pageId = pageId
    connection.#user = user
    connection.#broken = true
    connection.#waitForPage()
    return connection
  }

  /** The user's name; empty until the application gave one. */
  get user(): string {
    return this.#user
  }

  get pageId(): string {
    return this.#pageId
  }

  get entering(): UserConnection['entering'] {
    return this.#entering ?? noEntering
  }

  get promised(): ReadonlySmallSet<string> {
    return this.#promised ?? noNames
  }

  get given(): ReadonlySmallSet<string> {
    return this.#given ?? noNames
  }

  get buffered(): number {
    return this.#transport.buffered
  }

  get live(): boolean {
    return this.#state === 'connected'
  }

  get gone(): boolean {
    return this.#state === 'gone'
  }

  received(message: string): void {
    if (this.#state === 'connecting') this.#earlyLength += message.length
    for (const decoded of decodeMessage(message)) {
      this.#hub.signals.receivedFrames++
      if (this.#state === 'gone' || this.#state === 'lingering') return
      if ('frame' in decoded) this.#accept(decoded.frame)
      else if (decoded.error.code === 'malformed') this.close(closeCodes.malformed, decoded.error.message)
      else this.fail(decoded.id, decoded.error)
    }
  }

  closed(code: number, reason: string): void {
    if (this.#broken) return
    this.#broken = true
    this.#hub.signals.lineClosed(code)
    const wasConnected = this.#state === 'connected'
    this.#endLine()
    this.#hub.log.debug({ connection: this.id, user: this.#user, code, reason }, 'connection closed')
    this.#state = 'gone'
    if (!wasConnected || this.#hub.stopping) return
    const forGood = isForGood(code)
    if (forGood) this.#hub.endLingering(this)
    if (forGood || this.settings.linger === 0) return this.#leave()
    this.#linger()
  }

  send(frame: PreparedFrame): void {
    this.#transport.send(frame)
  }

  sendMissed(frames: readonly PreparedFrame[]): void {
    this.#transport.sendMissed(frames)
  }

  follow(batch: Batch): void {
    this.#transport.follow(batch)
  }

  unfollow(batch: Batch): void {
    this.#transport.unfollow(batch)
  }

  /** Sends an answer or something for this connection alone. */
  answer(id: number, name: string, inside: string): void {
    this.send(new PreparedFrame(spliceFrame(id, name, inside)))
  }

  /** An error is not a close. What is no error for the page to read is a bug, and told as `internal`. */
  fail(id: number, thrown: unknown, channelName?: string): void {
    const error =
      thrown instanceof HookboxError ? thrown : new HookboxError('internal', 'internal error', { cause: thrown })
    this.#hub.signals.errors.add(error.code)
    if (error.code === 'internal') this.#hub.log.error({ connection: this.id, err: thrown }, 'a request failed')
    // Where the trouble is, and in whose words, is for the log.
    const isOfRedis = error.code === 'unavailable' && error.cause !== undefined
    if (isOfRedis) this.#hub.log.warn({ connection: this.id, err: thrown }, 'a request could not be carried out')
    const inside = members({
      code: toJsonText(error.code),
      message: toJsonText(isOfRedis ? 'the hub cannot do this at the moment' : error.message),
      temporary: toJsonText(error.temporary),
      channel_name: channelName === undefined ? undefined : toJsonText(channelName),
    })
    this.answer(id, 'ERROR', inside)
  }

  close(code: number, reason: string): void {
    if (isForGood(code) && this.#user !== '') this.#hub.voidTicket(this)
    if (this.#state === 'lingering') this.#stopLingering()
    else this.#transport.close(code, reason)
  }

  superseded(): void {
    if (this.#state === 'lingering') return this.#waitForPage()
    if (this.#state !== 'connected') return
    const reason = 'the page is back on another line'
    this.#transport.close(closeCodes.silent, reason)
    // The other side may take seconds to agree, if there is one.
    this.closed(closeCodes.silent, reason)
  }

  released(code: number, reason: string): void {
    if (!this.#broken) this.#hub.signals.lineClosed(code)
    this.#broken = true
    this.#endLine()
    this.#state = 'gone'
    this.#transport.close(code, reason)
  }

  ping(): void {
    this.send(ping)
  }

  silent(): void {
    this.close(closeCodes.silent, 'no PONG in time')
  }

  enters(channelName: string, decided: Promise<unknown>): void {
    this.#entering ??= new SmallMap()
    this.#entering.set(channelName, decided)
  }

  decided(channelName: string): void {
    this.#entering?.delete(channelName)
    if (this.#entering?.size === 0) this.#entering = undefined
  }

  promise(channelName: string): void {
    this.#promised ??= new SmallSet()
    this.#promised.add(channelName)
  }

  keptPromise(channelName: string): void {
    this.#promised?.delete(channelName)
  }

  joined(channelName: string): void {
    this.channels.add(channelName)
  }

  gave(channelName: string): void {
    if (!this.channels.has(channelName)) return
    this.#given ??= new SmallSet()
    this.#given.add(channelName)
  }

  asked(channelName: string): void {
    this.#given?.delete(channelName)
  }

  left(channelName: string): void {
    this.channels.delete(channelName)
    this.#given?.delete(channelName)
  }

  putOut(channelName: string, reason: UnsubscribedReason): void {
    this.answer(0, 'UNSUBSCRIBED', members({ channel_name: toJsonText(channelName), reason: toJsonText(reason) }))
  }

  /** This page was admitted before, on a line that broke off: it is the same page, with the cookies of then. */
  takesUp(before: UserConnection): void {
    this.#pageId = before.pageId
    this.cookies.replace(before.caller.cookies ?? '')
  }

  /**
   * The application has admitted this page as `user`; `enter` lets it in. What it sent behind its `CONNECT` is taken up by
   * {@link begin}.
   */
  admitted(user: string, enter: () => void): void {
    this.#user = user
    this.#stopDeadline()
    const broken = this.#state !== 'connecting'
    if (!broken) this.#state = 'connected'
    this.#hub.log.debug({ connection: this.id, user }, 'connection admitted')
    enter()
    // The application counts this user among those who are here: it is told that this was for a moment only.
    if (broken && !this.#hub.stopping) this.#leave()
  }

  /**
   * The handshake is answered: what waited for it goes on. `expiry` is cancelled with the line. What comes back are the
   * channels that the page has asked for so far.
   */
  begin(expiry: (() => Cancel) | undefined): ReadonlySet<string> {
    const askedFor = new Set<string>()
    if (this.#state !== 'connected') return askedFor
    if (expiry) this.#cancelExpiry = expiry()
    this.#heartbeat.start(this.settings.random())
    const early = this.#early ?? []
    this.#early = undefined
    for (const frame of early) {
      if (frame.name === 'SUBSCRIBE') askedFor.add(frame.args.channel_name)
      this.#request(frame)
    }
    return askedFor
  }

  #accept(frame: Received): void {
    if (frame.name === 'PONG') return this.#heartbeat.pong()
    if (!this.#rate.take()) {
      return this.fail(frame.id, new HookboxError('too_many', `expected at most ${this.settings.rate} frames a second`))
    }
    if (frame.name === 'CONNECT') return this.#connect(frame)
    if (this.#state === 'connected') return this.#request(frame)
    if (this.#state === 'new') return this.fail(frame.id, new HookboxError('bad_request', 'expected CONNECT first'))
    const { frames, length } = maxBeforeConnected
    this.#early ??= []
    if (this.#early.length < frames && this.#earlyLength <= length) return void this.#early.push(frame)
    const text = `expected at most ${frames} frames and ${length} characters before CONNECTED`
    this.fail(frame.id, new HookboxError('too_many', text))
  }

  #connect(frame: Extract<Received, { name: 'CONNECT' }>): void {
    if (this.#state !== 'new') return this.fail(frame.id, new HookboxError('bad_request', 'expected one CONNECT'))
    this.#state = 'connecting'
    this.#stopDeadline()
    handshake(this, this.#hub, frame).catch((error: unknown) => {
      this.fail(frame.id, error)
      this.close(closeCodes.internal, 'internal error')
    })
  }

  /** The only catch: whatever a request throws becomes its `ERROR`. */
  #request(frame: Received): void {
    const request = requests[frame.name]
    if (!request) return
    const channelName = 'channel_name' in frame.args ? frame.args.channel_name : undefined
    if (this.#requests >= maxRequests) {
      const error = new HookboxError('too_many', `expected at most ${maxRequests} requests that wait`)
      return this.fail(frame.id, error, channelName)
    }
    const key = 'name' in frame.args ? `@${frame.args.name}` : `#${channelName}`
    const answered = rescue(
      () =>
        this.#lanes.run(
          key,
          () => this.#gate.run(() => this.#answer(request, frame)),
          request.shares(this.#hub, frame),
        ),
      (error) => this.fail(frame.id, error, channelName),
    )
    if (!(answered instanceof Promise)) return
    this.#requests++
    answered.then(() => {
      this.#requests--
    })
  }

  #answer(request: NonNullable<(typeof requests)[ClientFrameName]>, frame: Received): Soon<void> {
    return after(request.run(this.#hub, this, frame), (inside) => {
      if (inside !== undefined) this.answer(frame.id, 'RESULT', inside)
    })
  }

  /** A webhook's reply has set cookies for this page. */
  setCookies(lines: readonly string[]): void {
    if (lines.length === 0) return
    for (const line of lines) {
      const shown = this.cookies.set(line, this.#hub.clock.now())
      if (shown) this.answer(0, 'SET_COOKIE', members({ cookie: toJsonText(line) }))
      else this.#hub.cookieHidden()
    }
    if (this.#user !== '') this.#hub.cookiesChanged(this)
  }

  #endLine(): void {
    this.#stopDeadline()
    this.#cancelExpiry()
    this.#heartbeat.stop()
    this.#early = undefined
  }

  #stopDeadline(): void {
    this.#cancelDeadline()
    this.#cancelDeadline = nothing
  }

  #linger(): void {
    this.#waitForPage()
    this.#hub.lingers(this)
  }

  /** The page may come back for a while, counted from now. */
  #waitForPage(): void {
    this.#stopDeadline()
    this.#state = 'lingering'
    this.#cancelDeadline = this.#hub.clock.after(this.settings.linger, () => this.#stopLingering(), 'roughly')
  }

  /** Nobody leaves because the hub stops; what is left is the timer. */
  #stopLingering(): void {
    this.#stopDeadline()
    if (!this.#hub.stopping) this.#leave()
  }

  #leave(): void {
    this.#state = 'gone'
    this.#hub
      .leave(this)
      .catch((error: unknown) => this.#hub.log.error({ connection: this.id, err: error }, 'leaving failed'))
  }
}

/** A page as the one that acts: its cookies as they stand when they are asked for. */
class PageCaller implements Caller {
  readonly address: string
  readonly #page: Connection

  constructor(page: Connection, address: string) {
    this.#page = page
    this.address = address
  }

  get cookies(): string | undefined {
    return this.#page.cookies.header
  }

  get connection(): string {
    return this.#page.id
  }

  setCookies(lines: readonly string[]): void {
    this.#page.setCookies(lines)
  }
}

/** The page does not come back by itself: it left, or was told not to. */
function isForGood(code: number): boolean {
  return code === closeCodes.normal || (code >= 4400 && code < 4500)
}
