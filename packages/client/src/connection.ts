import { HookboxError, type Json } from '@hookbox/protocol'
import { webSocketAddress } from './address.ts'
import type { ListenOptions, Unbind } from './emitter.ts'
import type { ConnectionEvents, ConnectionStatus } from './events.ts'
import { onAbort } from './giving-up.ts'
import type { PublishResult, SendOptions, WaitOptions } from './outbox.ts'
import type { Backoff } from './reconnect.ts'
import { Session } from './session.ts'
import type { Subscription } from './subscription.ts'
import type { Surroundings } from './surroundings.ts'
import type { WebSocketConstructor } from './transport/transport.ts'
import { openWebSocket } from './transport/websocket.ts'

/** How to connect. */
export interface ConnectOptions {
  /** Handed to the application's `connect` webhook. */
  payload?: Json | undefined
  /** Cookies for the application that the browser would not send to the hub by itself, as `document.cookie` has them. */
  cookies?: string | undefined
  /** The waits between tries. */
  backoff?: Backoff | undefined
  /** Milliseconds that the hub may take to answer; beyond it the line is given up and opened anew. Default 20,000. */
  timeout?: number | undefined
  /**
   * What happens to what is published while there is no connection: `wait` for one (the default; an object sets how many
   * and how long) or `refuse` with `offline`.
   */
  whenOffline?: 'wait' | 'refuse' | WaitOptions | undefined
  /** The WebSocket class, where there is no global one (Node before 22): that of the package `ws`. */
  WebSocket?: WebSocketConstructor | undefined
  /** Told every message that comes and goes. */
  log?: ((text: string, details?: unknown) => void) | undefined
}

/** How to subscribe. */
export interface SubscribeOptions {
  /** Cancels the subscription when it aborts. */
  signal?: AbortSignal | undefined
}

/**
 * A page's connection to the hub. It is usable at once, comes back by itself after a break and takes every subscription up
 * where it was. Made by `connect`.
 */
export class Connection {
  readonly #session: Session

  /** @internal */
  constructor(session: Session) {
    this.#session = session
  }

  get status(): ConnectionStatus {
    return this.#session.status
  }

  /** The name that the application gave; undefined before the first connect. */
  get user(): string | undefined {
    return this.#session.welcome?.user
  }

  /** The connection's id on the hub; another one after a break. */
  get id(): string | undefined {
    return this.#session.welcome?.id
  }

  /** What the application answered to the connect: the page's payload, or what it put in its place. */
  get payload(): Json | undefined {
    return this.#session.welcome?.payload
  }

  /** Settles once: with the first connect, or when the connection is closed before. Nobody needs to listen. */
  get ready(): Promise<void> {
    return this.#session.ready.promise
  }

  /** Binds a handler. */
  on<Name extends keyof ConnectionEvents>(
    name: Name,
    handler: ConnectionEvents[Name],
    options?: ListenOptions,
  ): Unbind {
    return this.#session.events.on(name, handler, options)
  }

  /**
   * Subscribes to a channel, at once: `ready` of what comes back tells when the hub has agreed. Every call gives a
   * subscription of its own; the channel is left when the last one is cancelled.
   *
   * @example
   * const chat = conn.subscribe('chat')
   * chat.on('publish', ({ user, payload }) => show(user, payload))
   */
  subscribe<Payload = Json>(name: string, options: SubscribeOptions = {}): Subscription<Payload> {
    const { channel, hold } = this.#session.hold(name)
    const subscription = this.#session.subscription(channel, hold)
    hold.onEnd.add(onAbort(options.signal, () => subscription.cancel()))
    return subscription as unknown as Subscription<Payload>
  }

  /** Publishes to a channel, subscribed or not. See `Subscription.publish`. */
  publish(channel: string, payload: Json, options?: SendOptions): Promise<PublishResult> {
    return this.#session.outbox.publish(channel, payload, options)
  }

  /** Sends a private message to a user. Settles once; after a break it is sent again under the same id. */
  message(user: string, payload: Json, options?: SendOptions): Promise<void> {
    return this.#session.outbox.message(user, payload, options) as Promise<unknown> as Promise<void>
  }

  /** Leaves for good: every subscription ends, and what is unanswered rejects with `closed`. */
  disconnect(): void {
    this.#session.disconnect()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect()
  }
}

/** `connect` with everything that it takes from around it. */
export function connectIn(around: Surroundings, url: string, options: ConnectOptions = {}): Connection {
  const { backoff = {}, timeout = 20_000, log = () => {}, ...rest } = options
  const WebSocketClass = options.WebSocket ?? globalWebSocket()
  const address = webSocketAddress(url, around.address)
  const session = new Session(
    { ...rest, backoff, timeout, log, address, open: (events) => openWebSocket(() => WebSocketClass, events) },
    around,
  )
  return new Connection(session)
}

function globalWebSocket(): WebSocketConstructor {
  if (typeof WebSocket === 'function') return WebSocket
  throw new HookboxError('bad_request', 'WebSocket: expected a class in the options, as there is no global one')
}
