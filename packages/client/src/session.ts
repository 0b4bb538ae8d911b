import {
  type ClientArgs,
  closeInternal,
  closeRefused,
  formatPosition,
  HookboxError,
  type Json,
  type ServerArgs,
} from '@hookbox/protocol'
import { type Channel, createChannel } from './channel.ts'
import type { Connection, SubscribeOptions, SubscriptionTo } from './connection.ts'
import { deferred } from './deferred.ts'
import { createEmitter, reporting } from './emitter.ts'
import type { Log, LoggedEvents } from './events.ts'
import { onAbort } from './giving-up.ts'
import { createLine, type LineSettings } from './line.ts'
import type { Means } from './means.ts'
import { createOutbox, type WaitOptions } from './outbox.ts'
import { follows, type Place, placeAt } from './position.ts'
import { createRequests, type Given, toError } from './requests.ts'
import { createSubscription } from './subscription.ts'
import type { PageDocument, Surroundings } from './surroundings.ts'
import type { LineEnd } from './transport/transport.ts'
import type { Handlers } from './view.ts'
import type { Writable } from './writable.ts'

/** Replaced with the package's version when it is built. */
declare const packageVersion: string

/** What a session is made of. */
export interface SessionSettings extends LineSettings {
  readonly payload?: Json | undefined
  readonly cookies?: string | undefined
  readonly whenOffline?: WaitOptions | 'wait' | 'refuse' | undefined
  readonly log?: Log | undefined
}

/** What the hub says: an answer, or else by its name for the connection, or for the channel that it names. */
type Frame = readonly [id: number, name: keyof ServerArgs, args?: { readonly channel_name: string }]

/**
 * One connection over many lines: shakes hands on each, takes every channel up where it was, sends again what was not
 * answered, and hands what comes in to whom it concerns.
 */
export function createSession(settings: SessionSettings, around: Surroundings): Connection {
  const { log, timeout } = settings
  const events = createEmitter<LoggedEvents>(log && reporting(log))
  const ready = deferred<void>()
  const channels = new Map<string, Channel>()
  let ticket: string | undefined
  /** How far the private messages have been told. */
  let messages: Place | undefined
  let refusal: HookboxError | undefined
  /** Set once it is closed. */
  let over: HookboxError | undefined

  const line = createLine(settings, around, events, { opened, heard, ended })
  const requests = createRequests(line.send)
  const outbox = createOutbox(around, requests, settings.whenOffline)
  const means: Means = { around, line, requests, outbox, timeout }

  // user, id and payload come with the first connect
  const connection = {
    get status() {
      return line.status
    },
    ready: ready.promise,
    on: events.on,
    subscribe<Payload, Name extends string>(name: Name, { signal, parse }: SubscribeOptions<Payload> = {}) {
      const channel = channels.get(name) ?? open(name)
      const hold = channel.hold(true, parse)
      hold.emitter.on(
        'end',
        onAbort(signal, () => channel.giveBack(hold)),
      )
      if (over) channel.lineLost(over)
      return createSubscription(channel, hold, means) as unknown as SubscriptionTo<Name, Payload>
    },
    publish: outbox.publish as Connection['publish'],
    message: outbox.message,
    disconnect: line.disconnect,
    async [Symbol.asyncDispose]() {
      line.disconnect()
    },
  } satisfies Omit<Connection, 'user' | 'id' | 'payload'> as Writable<Connection>

  const handlers: Handlers<keyof ServerArgs> = {
    // only its own names are those of frames
    __proto__: null,
    SUBSCRIBED(args) {
      const held = channels.get(args.channel_name)
      if (held) return held.joined(args)
      const channel = open(args.channel_name)
      const hold = channel.hold(false)
      channel.joined(args)
      events.tell('subscribed', createSubscription(channel, hold, means))
    },
    UNSUBSCRIBED({ channel_name: channel, reason }) {
      if (channels.get(channel)?.putOut(reason)) events.tell('unsubscribed', { channel, reason })
    },
    MESSAGE(message) {
      const { offset } = message
      // only a connect can ask for what was lost
      const lost = () => line.drop(closeInternal, 'message lost')
      if (offset === undefined || !messages || follows(messages, offset, lost)) events.tell('message', message)
    },
    SET_COOKIE({ cookie }) {
      try {
        ;(around.document as PageDocument).cookie = cookie
      } catch (cause) {
        // a sandboxed page may not, and not every page has a document; the hub has the cookie all the same
        events.tell('cookie not set', cause)
      }
    },
    PING() {
      line.send('[0,"PONG",{}]')
    },
    ERROR: (args) => events.tell('error', toError(args)),
  }

  function opened(): void {
    const args: Given<ClientArgs['CONNECT']> = {
      payload: settings.payload,
      cookie_string: settings.cookies,
      ticket,
      // without a position a channel is left out on the wire: it is not agreed yet, or not held any more
      since: Object.fromEntries([...channels].map(([name, { view }]) => [name, view.shown.position as string])),
      messages_since: messages && formatPosition(messages),
      client: `hookbox-js/${typeof packageVersion === 'string' ? packageVersion : 'source'}`,
    }
    requests.ask('CONNECT', args, connected, (error) => {
      // the hub closes then, and the code says whether to come back; it does not where the frame itself is wrong, and so
      // would be the next
      refusal = error
      events.tell('error', error)
      if (/bad_request|too_large/.test(error.code)) line.disconnect()
    })
    for (const channel of channels.values()) channel.opened()
  }

  function connected({ name: user, id, payload, ping, limits, ...answer }: ServerArgs['CONNECTED']): void {
    const known = { user, id, payload }
    const again = connection.id !== undefined
    const { position, recovered }: Partial<NonNullable<typeof answer.messages>> = answer.messages ?? {}
    if (position && !recovered) messages = placeAt(position)
    ticket = answer.ticket
    refusal = undefined
    Object.assign(connection, known)
    ready.resolve()
    outbox.connected(limits.frame)
    if (line.connected(ping > 0 ? ping * 1000 + 10_000 : undefined)) events.tell('open', { ...known, again, recovered })
  }

  function heard(text: string): void {
    const { number } = line
    try {
      // all at once, as it costs much less than one by one
      for (const [id, name, args = {} as never] of JSON.parse(`[${text.replaceAll('\n', ',')}]`) as Frame[]) {
        // a handler of the frame before may have ended this line
        if (number !== line.number) return
        // no more is asked of a frame, as the hub is trusted with what it says
        if (!name || Object(args) !== args) throw new TypeError(text)
        if (id > 0) requests.answered(id, name, args)
        // CONNECTED and RESULT would be an answer to nothing
        else (handlers[name] ?? channels.get(args.channel_name)?.view.handlers[name])?.(args as never)
      }
    } catch (cause) {
      // handlers cannot throw to here, so it is what the hub sent
      if (number === line.number) line.drop(closeInternal, 'not understood')
      events.tell('error', new HookboxError('malformed', 'not understood', { cause }))
    }
  }

  function ended({ code, reason }: LineEnd, back: boolean): void {
    if (!back) {
      const refused = code === closeRefused
      over = refusal ?? new HookboxError(refused ? 'unauthorized' : 'closed', `closed with ${code} ${reason}`.trim())
      ready.reject(over)
    }
    refusal = undefined
    requests.lineLost()
    outbox.lineLost(over)
    for (const channel of channels.values()) channel.lineLost(over)
  }

  function open(name: string): Channel {
    const channel: Channel = createChannel(name, means, () => {
      if (channels.get(name) === channel) channels.delete(name)
    })
    channels.set(name, channel)
    return channel
  }

  return connection
}
