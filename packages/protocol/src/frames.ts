import type { Entry } from './entry.ts'
import type { Json } from './json.ts'

/** The arguments of what a page may send, by frame name. On the wire: `[id, name, args]`. */
export interface ClientArgs {
  /** First frame of every connection. Answered by `CONNECTED`, or the connection is closed. */
  CONNECT: {
    payload?: Json
    /** `document.cookie` of a page on another domain. */
    cookie_string?: string
    /** What the last `CONNECTED` gave; spares the `connect` webhook. */
    ticket?: string
    /** Every channel that the page holds → its position. */
    since?: { [channel: string]: string }
    /** The position in the user's private messages. */
    messages_since?: string
    /** Name and version of the client, for the hub's log. */
    client?: string
  }
  /** Answered by `SUBSCRIBED`. With `since` the page resumes. */
  SUBSCRIBE: { channel_name: string; since?: string }
  /** Answered by `RESULT`. */
  UNSUBSCRIBE: { channel_name: string }
  /** Answered by `RESULT` with a {@link Published}. */
  PUBLISH: { channel_name: string; payload: Json; message_id?: string }
  /** A private message to a user. Answered by `RESULT`. */
  MESSAGE: { name: string; payload: Json; message_id?: string }
  /** Answered by `RESULT` with a {@link HistoryPage}; subscribers only. */
  HISTORY: { channel_name: string; since?: string; before?: string; cursor?: string; limit?: number }
  /** The answer to `PING`; has no answer itself. */
  PONG: Record<never, never>
}

/** The result of a `PUBLISH`. */
export interface Published {
  /** Where it stands in the log; missing where the application sent it to the publisher alone. */
  position?: string
  /** The log had it already. */
  duplicate?: boolean
}

/** The result of a `HISTORY`. */
export interface HistoryPage {
  /** Oldest first. */
  history: Entry[]
  /** Brings the next piece; missing at the end. */
  cursor?: string
}

/** The arguments of what the hub may send, by frame name. */
export interface ServerArgs {
  /** The answer to `CONNECT`. */
  CONNECTED: {
    /** The user's name, from the `connect` webhook. */
    name: string
    /** What the page passed to connect, or what the application put in its place. */
    payload: Json
    /** The connection's id, 32 hex digits. */
    id: string
    /** Shown at the next `CONNECT`, once, it spares the `connect` webhook. */
    ticket?: string
    /** Seconds between two `PING`s. */
    ping: number
    /** Seconds for which a connection that broke off still counts. */
    linger: number
    /** Bytes a frame, bytes a message, channels a connection. */
    limits: { frame: number; message: number; channels: number }
    /** The private messages' log. */
    messages?: { position: string; recovered?: boolean; missed?: number }
  }
  /** The answer to `SUBSCRIBE`, or with id 0 a subscription that the application made. */
  SUBSCRIBED: {
    channel_name: string
    /** The top of the log: everything up to it is in this answer or follows right behind it. */
    position: string
    presenceful: boolean
    reflective: boolean
    history_size: number
    history_duration: number
    /** Joins and leaves stand in no history; missing, it is false. */
    history_publish_only?: boolean
    /** Oldest first; missing when `recovered`. */
    history?: Entry[]
    /** There is older history, which `HISTORY` brings. */
    more?: boolean
    /** Missing when `recovered`. */
    state?: { [key: string]: Json }
    /** The users who are here, in the order they came; missing when `recovered`, or beyond 10,000. */
    presence?: string[]
    /** How many users are here, where they are too many to be named. */
    present?: number
    /** What the `subscribe` webhook had for this user. */
    initial_data?: Json
    /** Where `since` was given: whether nothing was lost since then. */
    recovered?: boolean
    /** How many frames follow that were missed. */
    missed?: number
  }
  /** Someone joined. */
  SUBSCRIBE: { channel_name: string; offset: number; user: string; datetime: string }
  /** Someone left. */
  UNSUBSCRIBE: { channel_name: string; offset: number; user: string; datetime: string }
  /** This connection is out of the channel. */
  UNSUBSCRIBED: { channel_name: string; reason: UnsubscribedReason }
  PUBLISH: {
    channel_name: string
    /** Missing where it is for this page alone. */
    offset?: number
    /** Missing where the channel is anonymous; null where the application named no originator. */
    user?: string | null
    payload: Json
    datetime: string
    message_id?: string
  }
  /** Stands in place of a publish that is withheld from its own sender. */
  POSITION: { channel_name: string; offset: number }
  /** The log began anew; the page subscribes again from its position. */
  EPOCH: { channel_name: string; epoch: string }
  STATE_UPDATE: { channel_name: string; offset: number; updates: { [key: string]: Json }; deletes: string[] }
  /** A private message. */
  MESSAGE: { sender: string; recipient: string; payload: Json; datetime: string; offset?: number }
  /** A cookie that the application set, for `document.cookie`. */
  SET_COOKIE: { cookie: string }
  /** To be answered with `PONG` within 10 s. */
  PING: Record<never, never>
  /** The answer to what has no answer of its own. */
  RESULT: Published | HistoryPage | Record<never, never>
  /** The answer to what failed. An error is not a close. */
  ERROR: { code: string; message: string; temporary: boolean; channel_name?: string }
}

/** Why a connection is out of a channel: the user asked, the application did it, or the channel is gone. */
export type UnsubscribedReason = 'unsubscribed' | 'removed' | 'destroyed'

export type ClientFrameName = keyof ClientArgs
export type ServerFrameName = keyof ServerArgs

/** What a page may send. `id` is the page's own growing number, from 1; it comes back on the answer. */
export type ClientFrame = { [N in ClientFrameName]: { id: number; name: N; args: ClientArgs[N] } }[ClientFrameName]

/** What the hub may send. `id` is the number of the frame that is answered, or 0. */
export type ServerFrame = { [N in ServerFrameName]: { id: number; name: N; args: ServerArgs[N] } }[ServerFrameName]
