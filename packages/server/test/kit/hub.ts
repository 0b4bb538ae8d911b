import {
  decodeServerMessage,
  HookboxError,
  isErrorCode,
  type Json,
  type ServerArgs,
  type ServerFrame,
  type ServerFrameName,
} from '@hookbox/protocol'
import { patience, TestClock } from '@hookbox/testkit'
import type { Broker } from '../../src/broker/broker.ts'
import { createMemoryBroker, type MemoryBroker } from '../../src/broker/memory/memory-broker.ts'
import { Connection, type ConnectionSettings } from '../../src/connection/connection.ts'
import { Hub } from '../../src/hub/hub.ts'
import { defaultUserOptions } from '../../src/hub/user-options.ts'
import type { Log, LogFields } from '../../src/log.ts'
import type { PollFetch } from '../../src/polling/poller.ts'
import { startPoller } from '../../src/polling/poller.ts'
import { Signals } from '../../src/signals/signals.ts'
import type { Batch, Follower } from '../../src/transport/batch.ts'
import type { PreparedFrame } from '../../src/transport/prepared-frame.ts'
import type { Transport } from '../../src/transport/transport.ts'
import type { Question, WebhookName } from '../../src/webhooks/callbacks.ts'
import { createInProcessAsk, refuse } from '../../src/webhooks/in-process.ts'
import { createCallbacks } from '../../src/webhooks/verdict.ts'

/** What the application answers: details, `refuse(…)`, an Error for a fault, or a function of the fields that gives one. */
export type Answer = unknown | ((fields: Record<string, unknown>) => unknown)

export interface Call {
  readonly action: WebhookName
  readonly fields: Record<string, unknown>
  readonly cookies: string | undefined
  readonly id: string
}

/** What only streams and a configuration could do. */
async function nothingHere(): Promise<never> {
  throw new HookboxError('closed', 'nothing of that is here')
}

export type Answers = { [action in WebhookName]?: Answer }

/** The application, which is the test: one for all nodes. */
export class Application {
  readonly answers: Answers
  /** What it was asked, oldest first. */
  readonly calls: Call[] = []
  /** What polling finds; without it nobody polls. */
  polled: PollFetch | undefined

  constructor(answers: Answers) {
    this.answers = { connect: ({ payload }: { payload?: { name?: string } }) => ({ name: payload?.name }), ...answers }
  }
}

/** A node's part of what all share, which can vanish. */
export interface NodeBroker extends Broker {
  crash(): Promise<void>
}

/** A hub whose application is this test and whose clock stands still; over memory, unless another broker is given. */
export class TestHub<B extends NodeBroker = MemoryBroker> implements AsyncDisposable {
  readonly clock: TestClock
  readonly broker: B
  readonly hub: Hub
  readonly application: Application
  readonly signals: Signals = new Signals()
  readonly logged: { readonly level: string; readonly fields: LogFields; readonly message: string }[] = []
  readonly #pages = new Set<TestPage>()
  readonly settings: ConnectionSettings
  /** It is one of the nodes. */
  readonly started: Promise<void> | undefined

  constructor(
    application: Application | Answers,
    settings: Partial<ConnectionSettings> = {},
    clock: TestClock = new TestClock(),
    broker: B = createMemoryBroker(clock) as NodeBroker as B,
    starts = true,
  ) {
    this.clock = clock
    this.application = application instanceof Application ? application : new Application(application)
    this.settings = { linger: 0, rate: 0, userDefaults: defaultUserOptions, random: () => 0.5, ...settings }
    this.broker = broker
    const log = this.#log()
    const ask = createInProcessAsk({ functions: this.#functions() as never, timeout: 5_000, clock: this.clock })
    const asked = (question: Question) => {
      const fields = Object.fromEntries(
        Object.entries(question.fields).map(([key, value]) => [key, key === 'payload' ? JSON.parse(value) : value]),
      )
      this.calls.push({ action: question.name, fields, cookies: question.caller.cookies, id: question.id })
      return ask(question)
    }
    this.hub = new Hub({
      broker: this.broker,
      callbacks: createCallbacks(asked, log, { signals: this.signals }),
      clock: this.clock,
      signals: this.signals,
      log,
      poll: (options, target) => {
        const fetch = this.application.polled
        if (!fetch) return () => {}
        const asking = { options, fetch, clock, log, callbacksOrigin: undefined, secret: undefined }
        return startPoller({ ...target, ...asking })
      },
      verbs: {
        post: nothingHere,
        read: nothingHere,
        configure: nothingHere,
        configuration: async () => ({}),
        figures: nothingHere,
        webhookCalls: nothingHere,
        logLines: nothingHere,
        lines: nothingHere,
        operator: nothingHere,
        tryPassword: nothingHere,
        knewPassword: nothingHere,
      },
      takeOver: (hub, record) => Connection.takeOver(hub, record, this.settings),
    })
    if (starts) this.started = this.hub.start(false)
  }

  get answers(): Answers {
    return this.application.answers
  }

  /** What the application was asked, oldest first. */
  get calls(): Call[] {
    return this.application.calls
  }

  /** The calls of one webhook. */
  asked(action: WebhookName): Call[] {
    return this.calls.filter((call) => call.action === action)
  }

  /** A page that has connected under this name. */
  async page(name: string, payload: { [key: string]: Json } = {}): Promise<TestPage> {
    const page = this.stranger()
    await page.ask('CONNECT', { payload: { name, ...payload } })
    return page
  }

  /** A page that has not said anything yet. */
  stranger(cookies?: string): TestPage {
    const page = new TestPage(this, cookies)
    this.#pages.add(page)
    return page
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  /** Nothing changes any more, here at least: other nodes go on. */
  async stop(): Promise<void> {
    this.hub.stop()
    for (const page of this.#pages) page.close(4503, 'the hub is stopping')
    await this.broker.close()
  }

  /** Stops this hub and starts another one, which goes on where this one was; `away` passes in between. */
  async restart(this: TestHub, away = 0): Promise<TestHub> {
    await this.stop()
    await this.clock.advance(away)
    const next = new TestHub(this.answers, this.settings, this.clock, createMemoryBroker(this.clock), false)
    await next.takeUp(this)
    return next
  }

  /** Goes on where another one was stopped. */
  async takeUp(this: TestHub, before: TestHub): Promise<void> {
    // As it is read from a file.
    for (const piece of before.broker.save()) this.broker.restore(JSON.parse(JSON.stringify(piece)) as typeof piece)
    await this.hub.start(true)
  }

  /** Another node that shares what this one knows, with the same application. */
  join(this: TestHub, settings: Partial<ConnectionSettings> = {}): TestHub {
    return new TestHub(this.application, { ...this.settings, ...settings }, this.clock, this.broker.join())
  }

  /** The node is gone, as if its process were killed: its pages notice, nobody else does at once. */
  async crash(): Promise<void> {
    const gone = this.broker.crash()
    for (const page of this.#pages) page.vanish()
    this.hub.stop()
    await gone
  }

  #functions(): Record<string, unknown> {
    const actions: WebhookName[] = [
      'connect',
      'disconnect',
      'create_channel',
      'destroy_channel',
      'subscribe',
      'unsubscribe',
      'publish',
      'message',
    ]
    const answer = async (action: WebhookName, fields: Record<string, unknown>) => {
      const given = this.answers[action]
      const value = await (typeof given === 'function' ? given(fields) : given)
      if (value instanceof Error) throw value
      return value ?? {}
    }
    return Object.fromEntries(
      actions.map((action) => [action, (fields: Record<string, unknown>) => answer(action, fields)]),
    )
  }

  #log(): Log {
    const at = (level: string) => (fields: LogFields | string, message?: string) => {
      if (typeof fields === 'string') this.logged.push({ level, fields: {}, message: fields })
      else this.logged.push({ level, fields, message: message ?? '' })
    }
    const log = Object.fromEntries(
      ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [level, at(level)]),
    )
    return Object.assign(log, { child: () => log }) as unknown as Log
  }
}

/** The page's end of a transport that exists in this process only. Frames are kept, so that none is missed. */
export class TestPage implements Transport, Follower {
  readonly kind = 'websocket'
  buffered = 0
  /** Everything that came, oldest first. */
  readonly frames: ServerFrame[] = []
  readonly connection: Connection
  readonly #clock: TestClock
  /** Answers every PING, and keeps quiet about it. */
  answersPing = true
  end: { code: number; reason: string } | undefined
  #id = 0
  #read = 0

  constructor(hub: TestHub<NodeBroker>, cookies: string | undefined) {
    this.#clock = hub.clock
    const arrival = { address: '192.0.2.7', cookies, origin: undefined, userAgent: undefined }
    this.connection = new Connection(hub.hub, this, arrival, hub.settings)
  }

  send(frame: PreparedFrame): void {
    if (this.end) return
    const [decoded] = decodeServerMessage(frame.text)
    if (decoded?.name === 'PING' && this.answersPing) queueMicrotask(() => this.say('PONG', {}))
    else if (decoded) this.frames.push(decoded)
  }

  sendMissed(frames: readonly PreparedFrame[]): void {
    for (const frame of frames) this.send(frame)
  }

  /** It has turned away from every batch, as it is told each frame at once. */
  follow(batch: Batch): void {
    batch.turnAway(this)
  }

  unfollow(batch: Batch): void {
    batch.turnBack(this)
  }

  resume(_: Batch, frame: PreparedFrame): void {
    this.send(frame)
  }

  close(code: number, reason: string): void {
    if (this.end) return
    this.end = { code, reason }
    this.connection.closed(code, reason)
  }

  /** The line breaks off. */
  cut(code = 1006): void {
    this.close(code, '')
  }

  /** The hub at the other end is no more. */
  vanish(): void {
    this.end ??= { code: 1006, reason: '' }
  }

  /** The id of the next frame. */
  get nextId(): number {
    return this.#id + 1
  }

  /** Sends a frame without waiting for its answer; gives its id. */
  say(name: string, args: { [key: string]: unknown }): number {
    const id = ++this.#id
    this.connection.received(JSON.stringify([id, name, args]))
    return id
  }

  /** The args of the answer; an `ERROR` is thrown. */
  async ask(name: string, args: { [key: string]: unknown }): Promise<{ [key: string]: Json }> {
    return this.answer(this.say(name, args))
  }

  async answer(id: number): Promise<{ [key: string]: Json }> {
    const frame = await eventually(this.#clock, () => {
      const found = this.frames.find((one) => one.id === id)
      if (found) return found
      throw new Error(`no answer to ${id}; came: ${JSON.stringify(this.frames)}; end: ${JSON.stringify(this.end)}`)
    })
    if (frame.name !== 'ERROR') return frame.args as { [key: string]: Json }
    const { code, message, temporary } = frame.args
    throw new HookboxError(isErrorCode(code) ? code : 'internal', message, { temporary })
  }

  /** The args of all frames of this name that came. */
  all<N extends ServerFrameName>(name: N): ServerArgs[N][] {
    return this.frames.filter((frame) => frame.name === name).map((frame) => frame.args as ServerArgs[N])
  }

  /** What came since the last call, as `[name, args]`. */
  async news(): Promise<[string, unknown][]> {
    await this.#clock.settle()
    const from = this.#read
    this.#read = this.frames.length
    return this.frames.slice(from).map(({ name, args }) => [name, args])
  }
}

/**
 * What the check gives as soon as it throws no more. Nothing needs more than that everything settles; over a network that
 * may take its time.
 */
export async function eventually<T>(clock: TestClock, check: () => T | Promise<T>): Promise<T> {
  for (const end = Date.now() + patience; ; ) {
    await clock.settle()
    try {
      return await check()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}

export { refuse }
