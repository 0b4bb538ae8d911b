import { type Connection, type ConnectOptions, connectIn } from './connection.ts'
import { realSurroundings } from './surroundings.ts'

export type { Entry, ErrorCode, Json, UnsubscribedReason } from '@hookbox/protocol'
export { HookboxError } from '@hookbox/protocol'
export type { ChannelMap, InitialDataOf, PayloadOf, StateOf } from './channel-map.ts'
export type { Connection, ConnectOptions, SubscribeOptions, SubscriptionTo } from './connection.ts'
export type { ListenOptions, Unbind } from './emitter.ts'
export type {
  CloseEvent,
  ConnectionEvents,
  ConnectionStatus,
  GapEvent,
  Log,
  MessageEvent,
  OpenEvent,
  PresenceEvent,
  PublishEvent,
  StatusEvent,
  SubscribedEvent,
  SubscriptionEvents,
} from './events.ts'
export type { PublishResult, SendOptions, WaitOptions } from './outbox.ts'
export type { Backoff } from './reconnect.ts'
export type { StateChange } from './state.ts'
export type { HistoryEntry, HistoryOptions, Subscription, SubscriptionStatus } from './subscription.ts'
export type { Fallback, WebSocketConstructor, WebSocketLike } from './transport/transport.ts'

/**
 * Connects to a hub. `url` is where the hub is: absolute (http, https, ws or wss) or relative to the page. The connection is
 * there at once; what is called on it before it is open waits.
 *
 * @throws HookboxError `bad_request` when the address is none, or when there is no WebSocket class.
 *
 * @example
 * const conn = connect('https://hub.example.org')
 * const chat = conn.subscribe('chat')
 * chat.on('publish', ({ user, payload }) => show(user, payload))
 * await chat.publish('hello')
 */
export function connect(url: string, options?: ConnectOptions): Connection {
  return connectIn(realSurroundings(), url, options)
}
