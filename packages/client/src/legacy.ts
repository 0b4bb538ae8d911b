import { exceeds, type HookboxError, type Json, limits } from '@hookbox/protocol'
import { type Connection, type ConnectOptions, connectIn } from './connection.ts'
import type { Log, MessageEvent, PresenceEvent, PublishEvent } from './events.ts'
import type { StateChange } from './state.ts'
import type { Subscription } from './subscription.ts'
import type { Surroundings } from './surroundings.ts'

/** What every frame of the style of 2010 says besides its own. */
interface OnChannel {
  readonly channel_name: string
}

/** The arguments of `onSubscribed` in the words of the wire: what a newcomer gets. */
export interface SubscribedArgs extends OnChannel {
  readonly user: string | undefined
  readonly history: Subscription['history']
  readonly history_size: number
  readonly presence: readonly string[]
  readonly state: Readonly<Record<string, Json>>
  readonly presenceful: boolean
  readonly reflective: boolean
  readonly initial_data: Json | undefined
}

/** What a page of 2010 assigns to a connection; each is looked up when there is something to tell. */
export interface ConnectionHandlers {
  /** Once: what was subscribed is taken up by itself after a break. */
  onOpen?: () => void
  /** It is over for good. */
  onClose?: (error: { readonly code: number; readonly msg: string }, wasConnected: boolean) => void
  /** The line broke; it comes back by itself. */
  onConnectionLost?: () => void
  /** What failed and is not tried again by itself. */
  onError?: (error: HookboxError & { readonly msg: string }) => void
  onSubscribed?: (channelName: string, subscription: LegacySubscription, args: SubscribedArgs) => void
  onUnsubscribed?: (subscription: LegacySubscription, args: OnChannel & { readonly user: string | undefined }) => void
  onMessaged?: (message: MessageEvent) => void
}

/** What a page of 2010 assigns to a subscription. */
export interface SubscriptionHandlers {
  onPublish?: (frame: OnChannel & PublishEvent) => void
  onSubscribe?: (frame: OnChannel & PresenceEvent) => void
  onUnsubscribe?: (frame: OnChannel & PresenceEvent) => void
  onState?: (frame: OnChannel & StateChange) => void
}

/** A connection with the style of 2010 besides its own. */
export interface LegacyConnection extends Omit<Connection, 'subscribe'>, ConnectionHandlers {
  readonly username: string | undefined
  subscribe(...args: Parameters<Connection['subscribe']>): LegacySubscription
}

/** A subscription with the style of 2010 besides its own. */
export interface LegacySubscription extends Subscription, SubscriptionHandlers {
  readonly canceled: boolean
}

/** Levels and loggers as pages of 2010 set them up. Nothing is logged by them: that is what the option `log` is for. */
export const logging = {
  DEBUG: 1,
  LOG: 2,
  INFO: 3,
  WARN: 4,
  ERROR: 5,
  NONE: 6,
  get(_name?: string): Logger {
    return { setLevel() {}, debug() {}, log() {}, info() {}, warn() {}, error() {} }
  },
}

type Logger = Record<'setLevel' | 'debug' | 'log' | 'info' | 'warn' | 'error', (...args: unknown[]) => void>

/** Every name, so that a payload can be told from options. */
const optionNames: { readonly [Name in keyof Required<ConnectOptions>]: true } = {
  payload: true,
  cookies: true,
  backoff: true,
  timeout: true,
  whenOffline: true,
  WebSocket: true,
  fallback: true,
  log: true,
}

/**
 * `connect` of the script: `(url, options?)`, or as in 2010 `(url, payload?, cookieString?)`, with the address that the
 * pages of then have. Cookies are those of the page unless others are given.
 */
export function connectLegacy(
  around: Surroundings,
  url: string,
  second?: Json | ConnectOptions,
  cookieString?: string,
  defaults: ConnectOptions = {},
): LegacyConnection {
  const given = cookieString === undefined && isOptions(second) ? second : { payload: second as Json | undefined }
  // biome-ignore lint/suspicious/noConsole: without the option there is no other way to tell
  const cookies = usable(cookieString ?? given.cookies ?? pageCookies(around), given.log ?? console.warn)
  const log: Log = (text, details) => {
    defaults.log?.(text, details)
    given.log?.(text, details)
  }
  return inOldStyle(connectIn(around, url.replace(/\/csp\/*$/, '/'), { ...defaults, ...given, cookies, log }))
}

function isOptions(value: Json | ConnectOptions | undefined): value is ConnectOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.keys(value).every((name) => Object.hasOwn(optionNames, name))
}

function pageCookies({ document }: Surroundings): string | undefined {
  try {
    return document?.cookie
  } catch {
    // a sandboxed page has none, and may not ask
    return undefined
  }
}

/** What the hub would refuse is left out: the page may well be let in without. */
function usable(cookies: string | undefined, log: (text: string) => void): string | undefined {
  if (!cookies) return undefined
  if (!exceeds(cookies, limits.cookieString) && !/[\r\n\0]/.test(cookies)) return cookies
  log(`hookbox: cookies left out: expected at most ${limits.cookieString} bytes without line breaks`)
  return undefined
}

function inOldStyle(modern: Connection): LegacyConnection {
  // before `subscribe` is another one below
  const subscribe = modern.subscribe.bind(modern)
  const conn = Object.defineProperty(modern, 'username', { get: () => modern.user }) as unknown as LegacyConnection
  const subscriptions = new Set<LegacySubscription>()

  const tellError = (error: HookboxError): void => {
    // the end of the connection is told once, by onClose
    if (error.code !== 'closed') conn.onError?.(Object.assign(error, { msg: error.message }))
  }
  const tellFinalError = (error: HookboxError): void => {
    if (!error.temporary) tellError(error)
  }
  const tellSubscribed = (sub: LegacySubscription): void => {
    const { channelName, history, historySize, presence, state, presenceful, reflective, initialData } = sub
    conn.onSubscribed?.(channelName, sub, {
      channel_name: channelName,
      user: conn.user,
      history,
      history_size: historySize,
      presence,
      state,
      presenceful,
      reflective,
      initial_data: initialData,
    })
  }
  const tellUnsubscribed = (sub: LegacySubscription): void => {
    if (subscriptions.delete(sub)) conn.onUnsubscribed?.(sub, { channel_name: sub.channelName, user: conn.user })
  }
  /** A page of 2010 looks at no promise. */
  const tellingErrors = <Args extends unknown[], T>(send: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> => {
      const answer = send(...args)
      answer.catch(tellError)
      return answer
    }
  }

  function adopt(modern: Subscription, made: boolean): LegacySubscription {
    const leave = modern.cancel.bind(modern)
    const sub = Object.defineProperty(modern, 'canceled', {
      get: () => /refused|ended|cancelled/.test(modern.status),
    }) as LegacySubscription
    const channel = { channel_name: sub.channelName }
    let told = made
    subscriptions.add(sub)
    sub.on('publish', (event) => sub.onPublish?.({ ...channel, ...event }))
    sub.on('subscribe', (event) => sub.onSubscribe?.({ ...channel, ...event }))
    sub.on('unsubscribe', (event) => sub.onUnsubscribe?.({ ...channel, ...event }))
    sub.on('state', (_state, change) => {
      // what a newcomer finds is no change
      if (told) sub.onState?.({ ...channel, ...change })
    })
    sub.on('error', (error) => {
      if (sub.canceled) subscriptions.delete(sub)
      tellFinalError(error)
    })
    sub.publish = tellingErrors(sub.publish.bind(sub))
    sub.cancel = () => {
      const left = leave()
      left.catch(tellError).then(() => tellUnsubscribed(sub))
      return left
    }
    const tell = (): void => {
      told = true
      tellSubscribed(sub)
    }
    if (made) tell()
    else sub.on('subscribed', tell, { once: true })
    return sub
  }

  conn.subscribe = (...args) => adopt(subscribe(...args) as Subscription, false)
  conn.publish = tellingErrors(conn.publish.bind(conn))
  conn.message = tellingErrors(conn.message.bind(conn))
  conn.on('open', () => conn.onOpen?.(), { once: true })
  conn.on('close', ({ code, reason, wasConnected, comesBack }) => {
    if (!comesBack) conn.onClose?.({ code, msg: reason || `closed with ${code}` }, wasConnected)
    else if (wasConnected) conn.onConnectionLost?.()
  })
  conn.on('error', tellFinalError)
  conn.on('message', (message) => conn.onMessaged?.(message))
  conn.on('subscribed', (subscription) => adopt(subscription, true))
  conn.on('unsubscribed', ({ channel }) => {
    for (const sub of subscriptions) if (sub.channelName === channel && sub.status === 'ended') tellUnsubscribed(sub)
  })
  return conn
}
