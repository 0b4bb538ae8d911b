import { HookboxError, type Json, type JsonText } from '@hookbox/protocol'
import { readChannelDetails } from '../channel/details.ts'
import { writeOptions } from '../channel/options.ts'
import { stateText } from '../channel/state.ts'
import { checkUserOptions, readUserOptions, writeUserOptions } from '../hub/user-options.ts'
import type { Callbacks, Caller, Verdict, WebhookName } from '../webhooks/callbacks.ts'
import type { AutoSubscriptions, ChannelOptionDetails, UserOptionDetails } from '../webhooks/functions.ts'

/** What a hub does after a webhook was allowed: what was asked, with what the reply put in its place and the defaults filled in. */
export interface Allowed {
  readonly connect: {
    readonly name: string
    /** Handed to the page. */
    readonly payload: Json
    /** Seconds after which `connect` is asked again. */
    readonly expires_in?: number
    /** How the user is treated, each option by its contract name. */
    readonly options: Required<UserOptionDetails> & { readonly auto_subscribe: readonly string[] }
  }
  readonly disconnect: Record<never, never>
  /** Every channel option by its contract name, with `history` and `state`. */
  readonly create_channel: Omit<Required<ChannelOptionDetails>, 'polling'> & { readonly polling: Json }
  readonly destroy_channel: Record<never, never>
  readonly subscribe: { readonly initial_data?: Json }
  readonly unsubscribe: Record<never, never>
  readonly publish: {
    /** What is published. */
    readonly payload: Json
    readonly only_to_sender: boolean
  }
  readonly message: {
    /** Who gets it. */
    readonly recipient: string
    /** What is sent. */
    readonly payload: Json
  }
  readonly hub_started: Record<never, never>
}

/**
 * What a hub makes of a reply. `allowed`: it does what `details` says. `refused`: the page that acted reads `error`. `fault`:
 * it was no reply, nothing is allowed, and the page may try again; `fault` says what was wrong.
 */
export type Outcome<N extends WebhookName = WebhookName> = (
  | { readonly outcome: 'allowed'; readonly details: Allowed[N] }
  | { readonly outcome: 'refused'; readonly error: string }
  | { readonly outcome: 'fault'; readonly fault: string }
) &
  Required<AutoSubscriptions>

type Texts = { readonly [field: string]: string }

/** What an outcome depends on besides the reply. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  readonly now: number
  readonly userDefaults: { readonly [option: string]: unknown }
}

/** Asks one webhook, and reads what comes back as a hub does. */
type Row<N extends WebhookName> = (
  callbacks: Callbacks,
  caller: Caller,
  fields: Texts,
  circumstances: Circumstances,
) => Promise<Outcome<N>>

function row<N extends WebhookName, T>(
  ask: (callbacks: Callbacks, caller: Caller, fields: Texts) => Promise<Verdict<T>>,
  read: (details: T, fields: Texts, circumstances: Circumstances) => Allowed[N],
): Row<N> {
  return async (callbacks, caller, fields, circumstances) => {
    const verdict = await ask(callbacks, caller, fields)
    const auto = { auto_subscribe: verdict.autoSubscribe, auto_unsubscribe: verdict.autoUnsubscribe }
    if (!verdict.ok) {
      const { code, message, cause } = verdict.error
      if (code !== 'webhook_failed') return { outcome: 'refused', error: message, ...auto }
      return { outcome: 'fault', fault: cause instanceof Error ? cause.message : message, ...auto }
    }
    try {
      return { outcome: 'allowed', details: read(verdict.details, fields, circumstances), ...auto }
    } catch (error) {
      // An option of the wrong name or type: the hub goes by none of the reply then.
      if (!(error instanceof HookboxError)) throw error
      return { outcome: 'fault', fault: error.message, auto_subscribe: [], auto_unsubscribe: [] }
    }
  }
}

function nothing(): Record<never, never> {
  return {}
}

/** The fields were checked before: those that a webhook needs are there, and what is JSON text is. */
export const rows: { readonly [N in WebhookName]: Row<N> } = {
  connect: row(
    (callbacks, caller, { conn_id = '', payload, reason }) =>
      callbacks.connect(caller, {
        connId: conn_id,
        payload: payload as JsonText,
        ...(reason === undefined ? {} : { reason: 'expired' }),
      }),
    ({ name, overridePayload, expiresIn, details }, { payload }, { userDefaults }) => ({
      name,
      payload: parsed(overridePayload ?? payload),
      ...(expiresIn === undefined ? {} : { expires_in: expiresIn / 1_000 }),
      options: writeUserOptions(
        readUserOptions({ ...userDefaults, ...checkUserOptions(details) }),
      ) as unknown as Allowed['connect']['options'],
    }),
  ),
  disconnect: row(
    (callbacks, caller, { name = '', channels = '[]' }) =>
      callbacks.disconnect(caller, { name, channels: JSON.parse(channels) as string[] }),
    nothing,
  ),
  create_channel: row(
    (callbacks, caller, { channel_name: channelName = '' }) => callbacks.createChannel(caller, { channelName }),
    (details, _fields, { now }) => {
      const { options, state } = readChannelDetails(details, now)
      const content = { history: details.history ?? [], state: parsed(stateText(state)) }
      return { ...writeOptions(options), ...content } as Allowed['create_channel']
    },
  ),
  destroy_channel: row(
    (callbacks, _caller, { channel_name: channelName = '' }) => callbacks.destroyChannel({ channelName }),
    nothing,
  ),
  subscribe: row(
    (callbacks, caller, { channel_name: channelName = '', user = '' }) =>
      callbacks.subscribe(caller, { channelName, user }),
    ({ initialData }) => (initialData === undefined ? {} : { initial_data: parsed(initialData) }),
  ),
  unsubscribe: row(
    (callbacks, caller, { channel_name: channelName = '', user = '' }) =>
      callbacks.unsubscribe(caller, { channelName, user }),
    nothing,
  ),
  publish: row(
    (callbacks, caller, { channel_name: channelName = '', payload, originator, message_id: messageId }) =>
      callbacks.publish(caller, { channelName, payload: payload as JsonText, originator, messageId }),
    ({ overridePayload, onlyToSender }, { payload }) => ({
      payload: parsed(overridePayload ?? payload),
      only_to_sender: onlyToSender,
    }),
  ),
  message: row(
    (callbacks, caller, { sender = '', recipient = '', recipient_exists, payload, message_id: messageId }) =>
      callbacks.message(caller, {
        sender,
        recipient,
        recipientExists: recipient_exists === 'true',
        payload: payload as JsonText,
        messageId,
      }),
    ({ overridePayload, overrideRecipientName }, { recipient = '', payload }) => ({
      recipient: overrideRecipientName ?? recipient,
      payload: parsed(overridePayload ?? payload),
    }),
  ),
  hub_started: row((callbacks, _caller, { node = '' }) => callbacks.hubStarted({ node }), nothing),
}

function parsed(text: string | undefined): Json {
  return JSON.parse(text ?? 'null') as Json
}
