import type { HookboxError, JsonText } from '@hookbox/protocol'

/** The webhooks by the names that `action`, configuration and logs use (contract: Webhooks). */
export type WebhookName =
  | 'connect'
  | 'disconnect'
  | 'create_channel'
  | 'destroy_channel'
  | 'subscribe'
  | 'unsubscribe'
  | 'publish'
  | 'message'
  | 'hub_started'

/** Whoever acted: the one whose cookies and address a webhook carries. */
export interface Caller {
  /** The `Cookie` header to send, as it stands now. */
  readonly cookies: string | undefined
  /** The id of the connection that acted, for the log; missing where none did. */
  readonly connection?: string
  /** For `X-Real-IP`. */
  readonly address: string | undefined
  /** The value of each `Set-Cookie` header in a reply. */
  setCookies(lines: readonly string[]): void
}

/** Caller of what nobody's browser caused: `destroy_channel`, REST. */
export const nobody: Caller = { cookies: undefined, address: undefined, setCookies() {} }

/** A question to the web application. */
export interface Question {
  readonly name: WebhookName
  /** The form fields besides `action` and `secret`: plain text, or JSON text for the fields in {@link jsonFields}. */
  readonly fields: { readonly [field: string]: string }
  readonly caller: Caller
  /** `webhook-id`: the same on every retry. */
  readonly id: string
}

/** The form fields whose value is JSON text. */
export const jsonFields: ReadonlySet<string> = new Set(['payload', 'channels', 'recipient_exists'])

/**
 * What was wrong with a reply: none came in `time`, or at all (`connection`), or the application was left `unasked`, as it was
 * away or too many calls were waiting already; it had another `status` or another `form`; a `detail` was of the wrong type; a function `threw`.
 */
export type FaultKind = 'time' | 'connection' | 'unasked' | 'status' | 'form' | 'detail' | 'threw'

/** The application was there, and answered something that is no reply. */
export function wasReached(why: FaultKind): boolean {
  return why !== 'time' && why !== 'connection' && why !== 'unasked'
}

/**
 * What came back: an answer of the right form, or a fault (another status, no JSON, another shape, a time-out, no
 * connection), whose text is for the log only.
 */
export type Reply = (
  | {
      readonly kind: 'answer'
      readonly success: boolean
      readonly details: Details
      readonly setCookies: readonly string[]
    }
  | {
      readonly kind: 'fault'
      readonly fault: string
      readonly why: FaultKind
      /** What was thrown, where that helps to find the mistake. */
      readonly cause?: unknown
    }
) & {
  /** Where the question went, for the log: without user name and query string. */
  readonly url?: string | undefined
}

export type Details = { readonly [name: string]: unknown }

/** One way to ask: by HTTP, or a function in this process. Never throws. */
export type Ask = (question: Question) => Promise<Reply>

/** What the application decided. A no carries the error for whoever acted: `refused` (it said so) or `webhook_failed`. */
export type Verdict<T = unknown> = (
  | { readonly ok: true; readonly details: T }
  | { readonly ok: false; readonly error: HookboxError }
) & {
  /** Channels that the user is to enter, whatever was decided. */
  readonly autoSubscribe: readonly string[]
  /** Channels that the user is to leave. */
  readonly autoUnsubscribe: readonly string[]
}

export interface ConnectDetails {
  readonly name: string
  readonly overridePayload?: JsonText
  /** Milliseconds after which `connect` is asked again. */
  readonly expiresIn?: number
  /** The rest of the reply, among it the user options. */
  readonly details: Details
}

export interface PublishDetails {
  readonly overridePayload?: JsonText
  readonly onlyToSender: boolean
}

export interface MessageDetails {
  readonly overridePayload?: JsonText
  readonly overrideRecipientName?: string
}

export interface SubscribeDetails {
  readonly initialData?: JsonText
}

/**
 * Asking the web application: one method per webhook. No method throws; whatever goes wrong is a verdict of no.
 *
 * `disconnect`, `destroyChannel` and a leave's `unsubscribe` are how an application keeps its records: the one who calls
 * repeats a fault with the same `id`.
 */
export interface Callbacks {
  connect(
    caller: Caller,
    fields: { connId: string; payload: JsonText; reason?: 'expired' },
  ): Promise<Verdict<ConnectDetails>>
  createChannel(caller: Caller, fields: { channelName: string }): Promise<Verdict<Details>>
  subscribe(caller: Caller, fields: { channelName: string; user: string }): Promise<Verdict<SubscribeDetails>>
  publish(
    caller: Caller,
    fields: { channelName: string; payload: JsonText; originator?: string | undefined; messageId?: string | undefined },
  ): Promise<Verdict<PublishDetails>>
  message(
    caller: Caller,
    fields: {
      sender: string
      recipient: string
      recipientExists: boolean
      payload: JsonText
      messageId?: string | undefined
    },
  ): Promise<Verdict<MessageDetails>>
  unsubscribe(caller: Caller, fields: { channelName: string; user: string }, id?: string): Promise<Verdict>
  disconnect(caller: Caller, fields: { name: string; channels: readonly string[] }, id?: string): Promise<Verdict>
  destroyChannel(fields: { channelName: string }, id?: string): Promise<Verdict>
  hubStarted(fields: { node: string }, id?: string): Promise<Verdict>
}
