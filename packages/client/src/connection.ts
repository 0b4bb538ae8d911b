import { HookboxError, type Json } from '@hookbox/protocol'
import { webSocketAddress } from './address.ts'
import type { ChannelMap, InitialDataOf, PayloadOf, Sendable, StateOf } from './channel-map.ts'
import type { ListenOptions, Unbind } from './emitter.ts'
import type { ConnectionEvents, ConnectionStatus, Log } from './events.ts'
import type { PublishResult, SendOptions, WaitOptions } from './outbox.ts'
import type { Backoff } from './reconnect.ts'
import { createSession } from './session.ts'
import type { Subscription } from './subscription.ts'
import type { Surroundings } from './surroundings.ts'
import type { Fallback, WebSocketConstructor } from './transport/transport.ts'
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
  /** `fallback` of `@hookbox/client/fallback`: finds another way to the hub where WebSocket cannot get through. */
  fallback?: Fallback | undefined
  /**
   * Told everything: `sent` and `heard` with every message as it is on the wire, and the connection's events by their
   * names. Messages hold what they carry, cookies and tickets too; `inspect` of `@hookbox/client/inspect` leaves those out,
   * and makes the rest readable.
   */
  log?: Log | undefined
}

/** How to subscribe. */
export interface SubscribeOptions<Payload = unknown> {
  /**
   * Called with every payload before handlers and histories get what it returns. What it throws at is left out, and told as
   * `error` of the subscription (`bad_request`, with what was thrown as its `cause`); the position moves on.
   */
  parse?: ((payload: Json) => Payload) | undefined
  /** Cancels the subscription when it aborts. */
  signal?: AbortSignal | undefined
}

/** A subscription to the channel of that name, typed by {@link ChannelMap}; with `Payload` other than never, by that. */
export type SubscriptionTo<Name extends string, Payload = never> = [Payload] extends [never]
  ? Subscription<PayloadOf<Name>, StateOf<Name>, InitialDataOf<Name>>
  : Subscription<
      Payload,
      StateOf<Name>,
      InitialDataOf<Name>,
      Name extends keyof ChannelMap ? PayloadOf<Name> : Sendable<Payload>
    >

/**
 * A page's connection to the hub. It is usable at once, comes back by itself after a break and takes every subscription up
 * where it was. Made by `connect`.
 */
export interface Connection {
  readonly status: ConnectionStatus

  /** The name that the application gave; undefined before the first connect. */
  readonly user: string | undefined

  /** The connection's id on the hub; another one after a break. */
  readonly id: string | undefined

  /** What the application answered to the connect: the page's payload, or what it put in its place. */
  readonly payload: Json | undefined

  /** Settles once: with the first connect, or when the connection is closed before. Nobody needs to listen. */
  readonly ready: Promise<void>

  /** Binds a handler. */
  on<Name extends keyof ConnectionEvents>(name: Name, handler: ConnectionEvents[Name], options?: ListenOptions): Unbind

  /**
   * Subscribes to a channel, at once: `ready` of what comes back tells when the hub has agreed. Every call gives a
   * subscription of its own; the channel is left when the last one is cancelled.
   *
   * Payloads have the type that {@link ChannelMap} has for the name, or the given one, or the one that `parse` returns.
   *
   * @example
   * const chat = conn.subscribe('chat')
   * chat.on('publish', ({ user, payload }) => show(user, payload))
   */
  subscribe<Payload = never, Name extends string = string>(
    name: Name,
    options?: SubscribeOptions<Payload>,
  ): SubscriptionTo<Name, Payload>

  /** Publishes to a channel, subscribed or not. See `Subscription.publish`. */
  publish<Name extends string>(channel: Name, payload: PayloadOf<Name>, options?: SendOptions): Promise<PublishResult>

  /** Sends a private message to a user. Settles once; after a break it is sent again under the same id. */
  message(user: string, payload: Json, options?: SendOptions): Promise<void>

  /** Leaves for good: every subscription ends, and what is unanswered rejects with `closed`. */
  disconnect(): void

  [Symbol.asyncDispose](): Promise<void>
}

/** `connect` with everything that it takes from around it. */
export function connectIn(around: Surroundings, url: string, options: ConnectOptions = {}): Connection {
  const { timeout = 20_000, fallback, WebSocket: WebSocketClass = globalThis.WebSocket } = options
  const address = webSocketAddress(url, around.address)
  if (!fallback && !WebSocketClass) throw new HookboxError('bad_request', 'WebSocket: expected a class')
  const pick = fallback?.(address, WebSocketClass) ?? (() => WebSocketClass)
  return createSession({ ...options, timeout, address, open: (events) => openWebSocket(pick, events) }, around)
}
