import type { Entry, Json } from '@hookbox/protocol'
import type { WebhookName } from './callbacks.ts'

/**
 * The callbacks as functions, for a hub inside a Node server: named as the webhooks, with the same fields and details.
 *
 * A function returns details or nothing to allow, `refuse(…)` to say no. One that throws or answers too late allows
 * nothing: whoever acted gets the temporary error `webhook_failed`, the log gets the stack. One that is not given allows.
 *
 * @example
 * const callbacks: CallbackFunctions = {
 *   connect: (_fields, { cookies }) => {
 *     const user = sessions.get(cookies.session ?? '')
 *     return user ? { name: user.name } : refuse('log in first')
 *   },
 *   create_channel: ({ channel_name }) => (rooms.has(channel_name) ? { history_size: 20, presenceful: true } : refuse()),
 * }
 */
export type CallbackFunctions = {
  readonly [N in Exclude<WebhookName, 'connect'>]?: Callback<CallbackFields[N], CallbackDetails[N]>
} & { readonly connect: Callback<CallbackFields['connect'], CallbackDetails['connect'], never> }

/** One callback. `Nothing` is what a function may return besides details and a refusal. */
export type Callback<Fields, Details, Nothing = void> = (
  fields: Fields,
  call: CallbackCall,
) => Details | Refusal | Nothing | Promise<Details | Refusal | Nothing>

/** A no of the application's, made by `refuse`. */
export interface Refusal {
  readonly details: { readonly [name: string]: unknown }
}

/** On whose behalf a callback is called. */
export interface CallbackCall {
  /** By name, percent-decoded; without prototype. Empty where no browser caused the call. */
  readonly cookies: { readonly [name: string]: string }
  /** The `Cookie` header as the browser sent it, for the session library that you have. */
  readonly cookieHeader: string | undefined
  /** The browser's address. */
  readonly address: string | undefined
  /** The same when a call is repeated. */
  readonly id: string
}

/** What each callback is told. */
export interface CallbackFields {
  /** A browser connects. */
  readonly connect: {
    /** The connection's id, 32 hex digits. */
    readonly conn_id: string
    /** What the page passed to connect; null if nothing. */
    readonly payload: Json
    /** Asked again because `expires_in` has passed; a refusal closes the connection. */
    readonly reason?: 'expired'
  }
  /** A user's last connection has gone. */
  readonly disconnect: {
    readonly name: string
    /** The channels that the user was in. */
    readonly channels: readonly string[]
  }
  /** Someone subscribes or publishes to a channel that does not exist. */
  readonly create_channel: { readonly channel_name: string }
  /** A channel's last subscriber has left. A refusal keeps the channel with its history and polling. */
  readonly destroy_channel: { readonly channel_name: string }
  /** A user enters a moderated channel; a second tab of the same user is no new arrival. */
  readonly subscribe: { readonly channel_name: string; readonly user: string }
  /** A user leaves a moderated channel. A refusal keeps the user subscribed, unless the connection is gone. */
  readonly unsubscribe: { readonly channel_name: string; readonly user: string }
  /** A user publishes to a moderated channel. */
  readonly publish: {
    readonly channel_name: string
    readonly payload: Json
    /** The user; missing where the channel is anonymous. */
    readonly originator?: string
    /** The publisher's key: the same when a page sends a publish again. */
    readonly message_id?: string
  }
  /** A user sends a private message. */
  readonly message: {
    readonly sender: string
    readonly recipient: string
    /** Whether the recipient is connected. */
    readonly recipient_exists: boolean
    readonly payload: Json
    /** The sender's key: the same when a page sends a message again. */
    readonly message_id?: string
  }
  /** A hub has started without the memory of the one before: none of its users is connected any more. */
  readonly hub_started: { readonly node: string }
}

/** Channels that the user enters or leaves, without the `subscribe` or `unsubscribe` callback being asked again. */
export interface AutoSubscriptions {
  readonly auto_subscribe?: readonly string[]
  readonly auto_unsubscribe?: readonly string[]
}

/** How a user is treated. */
export interface UserOptionDetails {
  /** The sender of a private message gets a copy. Default: true. */
  readonly reflective?: boolean
  /** Private messages ask `message`. Default: true. */
  readonly moderated_message?: boolean
  /** A subscription is its connection's own; false: all of the user's connections share each one. Default: true. */
  readonly per_connection_subscriptions?: boolean
  /** One connection's leaving ends the user's subscriptions everywhere. Default: false. */
  readonly global_unsubscriptions?: boolean
}

/** How a channel is polled for. */
export interface PollingDetails {
  /** `once` is a single `persistent` poll; `off` ends polling. */
  readonly mode?: 'simple' | 'persistent' | 'once' | 'off'
  readonly url?: string
  /** Seconds. Default: 5. */
  readonly interval?: number
  /** What is sent, except in `simple` mode. */
  readonly form?: { readonly [field: string]: string }
  /** Who is shown as the publisher of what comes. */
  readonly originator?: string
}

/** How a channel behaves, and what is in it at first. */
export interface ChannelOptionDetails {
  /** The publisher receives its own publishes too. Default: true. */
  readonly reflective?: boolean
  /** How many entries the history keeps. Default: 0. */
  readonly history_size?: number
  /** Seconds an entry lives; 0 = no limit. Default: 0. */
  readonly history_duration?: number
  /** The history holds `PUBLISH` only. Default: false. */
  readonly history_publish_only?: boolean
  /** What is in the history from the start, oldest first. */
  readonly history?: readonly Entry[]
  /** Every action asks its callback. Default: true. */
  readonly moderated?: boolean
  /** Where `moderated` is false: publishes still ask. Default: false. */
  readonly moderated_publish?: boolean
  /** Where `moderated` is false: subscribes still ask. Default: false. */
  readonly moderated_subscribe?: boolean
  /** Where `moderated` is false: unsubscribes still ask. Default: false. */
  readonly moderated_unsubscribe?: boolean
  /** Subscribers get the list of who is here and every join and leave. Default: false. */
  readonly presenceful?: boolean
  /** Publishes carry no user. Default: false. */
  readonly anonymous?: boolean
  /** The channel's state. Default: empty. */
  readonly state?: { readonly [key: string]: Json }
  readonly polling?: PollingDetails
  /** The state tells of the users in `server_user_presence` whether they are connected to the server. Default: false. */
  readonly server_presenceful?: boolean
  readonly server_user_presence?: readonly string[]
}

/** What each callback may answer with to allow. Unknown details are ignored, except unknown channel options. */
export interface CallbackDetails {
  readonly connect: AutoSubscriptions &
    UserOptionDetails & {
      /** Who this is, from now on. */
      readonly name: string
      /** Handed to the page instead of its own payload. */
      readonly override_payload?: Json
      /** Seconds after which `connect` is asked again. */
      readonly expires_in?: number
    }
  readonly disconnect: NoDetails
  readonly create_channel: ChannelOptionDetails
  readonly destroy_channel: NoDetails
  readonly subscribe: AutoSubscriptions & {
    /** Handed to this subscriber. */
    readonly initial_data?: Json
  }
  readonly unsubscribe: AutoSubscriptions
  readonly publish: AutoSubscriptions & {
    /** Published instead of what the page sent. */
    readonly override_payload?: Json
    /** The acting connection alone gets it; it enters no history. */
    readonly only_to_sender?: boolean
  }
  readonly message: AutoSubscriptions & {
    /** Sent instead of what the page sent. */
    readonly override_payload?: Json
    /** Who gets it instead. */
    readonly override_recipient_name?: string
  }
  readonly hub_started: NoDetails
}

/** An object whose content does not matter. */
export type NoDetails = { readonly [name: string]: unknown }
