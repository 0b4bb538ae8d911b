import type { closeCodes } from '../packages/protocol/src/close-codes.ts'
import type { ErrorCode } from '../packages/protocol/src/errors.ts'
import type { limits } from '../packages/protocol/src/limits.ts'
import type { ChannelOptions } from '../packages/server/src/channel/options.ts'
import type { UserOptions } from '../packages/server/src/hub/user-options.ts'
import type { PollingMode, PollingOptions } from '../packages/server/src/polling/options.ts'
import type { WebhookName } from '../packages/server/src/webhooks/callbacks.ts'
import type { CallbackDetails, CallbackFields, UserOptionDetails } from '../packages/server/src/webhooks/functions.ts'

/** The words that the reference needs and the tables in the code lack. The types demand one entry for each name. */

/** The names of an object whose names are known; none of one that may hold anything. */
type Named<T> = string extends keyof T ? never : keyof T

interface WebhookWords<N extends WebhookName> {
  readonly when: string
  /** Whose cookies it carries. */
  readonly cookies: string
  readonly fields: { readonly [F in keyof CallbackFields[N]]-?: string }
  /** Of those that are no channel options and no user options. */
  readonly details: N extends 'create_channel'
    ? Record<never, never>
    : { readonly [D in Exclude<Named<CallbackDetails[N]>, keyof UserOptionDetails>]-?: string }
}

const autoSubscribe = 'a list of channel names that this user joins; `subscribe` is not asked for them'
const autoUnsubscribe = 'a list of channel names that this user leaves; `unsubscribe` is not asked for them'
const auto = { auto_subscribe: autoSubscribe, auto_unsubscribe: autoUnsubscribe }
const bothWays = {
  auto_subscribe: `${autoSubscribe}. Honoured in a refusal too`,
  auto_unsubscribe: `${autoUnsubscribe}. Honoured in a refusal too`,
}

const acting = 'the acting connection’s'
const channel = 'the channel'
const content = 'JSON text: what the page sent'
const key = 'the key that the page gave, the same when it sends the same again; missing where it gave none'

export const webhookWords: { readonly [N in WebhookName]: WebhookWords<N> } = {
  connect: {
    when: 'a page connects',
    cookies: acting,
    fields: {
      conn_id: 'the id of the connection, 32 hex digits',
      payload: 'JSON text: what the page passed to connect; `null` if nothing',
      reason: '`expired` when `expires_in` has passed; missing otherwise',
    },
    details: {
      name: '**required**: who this is, 1 to 128 bytes',
      override_payload: 'any JSON, handed to the page as `conn.payload` instead of its own payload',
      expires_in: 'seconds, above 0; when they have passed, `connect` is asked again with `reason=expired`',
      auto_subscribe: 'the user option of this name',
      auto_unsubscribe: 'a list of channel names that this user leaves, with all connections',
    },
  },
  create_channel: {
    when: 'a page subscribes or publishes to a channel that does not exist',
    cookies: acting,
    fields: { channel_name: channel },
    details: {},
  },
  subscribe: {
    when: 'a user enters a moderated channel',
    cookies: acting,
    fields: { channel_name: channel, user: 'who enters' },
    details: { initial_data: 'any JSON, handed to the page as `subscription.initialData`', ...auto },
  },
  publish: {
    when: 'a user publishes to a moderated channel',
    cookies: acting,
    fields: {
      channel_name: channel,
      payload: content,
      originator: 'who publishes; missing where the channel is `anonymous`',
      message_id: key,
    },
    details: {
      override_payload: 'any JSON, published instead of what the page sent',
      only_to_sender: '`true`: the acting connection alone gets it, and it enters no history',
      ...bothWays,
    },
  },
  unsubscribe: {
    when: 'a user leaves a moderated channel, or the last connection there is gone',
    cookies: 'those of the user’s last connection there',
    fields: { channel_name: channel, user: 'who leaves' },
    details: auto,
  },
  message: {
    when: 'a user sends a private message, unless the user option `moderated_message` is false',
    cookies: acting,
    fields: {
      sender: 'who sends',
      recipient: 'to whom',
      recipient_exists: '`true` or `false`: whether a user of this name is connected',
      payload: content,
      message_id: key,
    },
    details: {
      override_payload: 'any JSON, sent instead of what the page sent',
      override_recipient_name: 'who gets it instead',
      ...bothWays,
    },
  },
  disconnect: {
    when: 'a user’s last connection is gone',
    cookies: 'those of the user’s last connection',
    fields: { name: 'who has gone', channels: 'JSON text: the list of channels that this connection was in' },
    details: {},
  },
  destroy_channel: {
    when: 'a channel’s last subscriber has left, or nobody has entered it for a minute',
    cookies: 'none',
    fields: { channel_name: channel },
    details: {},
  },
  hub_started: {
    when: 'a hub has started, and nobody is connected to it yet',
    cookies: 'none',
    fields: { node: 'the id of the hub, or of that of its nodes which tells it' },
    details: {},
  },
}

export const channelOptionWords: { readonly [K in keyof ChannelOptions | 'history' | 'state']: string } = {
  reflective: 'the publisher receives its own publishes too',
  historySize: 'how many entries the history keeps, from 0 to 10,000',
  historyDuration: 'seconds for which an entry stays in the history; 0 = no limit',
  historyPublishOnly: 'the history holds publishes only, no joins and leaves',
  moderated: 'publishing, subscribing and unsubscribing each ask their webhook',
  moderatedPublish: 'where `moderated` is false: `publish` is asked all the same',
  moderatedSubscribe: 'where `moderated` is false: `subscribe` is asked all the same',
  moderatedUnsubscribe: 'where `moderated` is false: `unsubscribe` is asked all the same',
  presenceful: 'subscribers get the list of who is here, and every join and leave',
  anonymous: 'publishes carry no user, neither to subscribers nor to the webhook',
  polling: 'a URL that feeds the channel; see [Polling](#polling)',
  serverPresenceful:
    'the state has a key for each user in `server_user_presence`, true while that user is connected to the hub',
  serverUserPresence: 'the users of whom `server_presenceful` tells',
  history: 'the entries that are in the history, oldest first; see [Filling a history](#filling-a-history)',
  state: 'a JSON object that replaces the channel’s state; subscribers get the difference',
}

export const pollingWords: { readonly [K in keyof PollingOptions]: string } = {
  mode: '`simple`, `persistent`, `once`, or `off` to end polling; required at first',
  url: 'an http or https URL without user name and password, at most 2,048 characters; required at first',
  interval: 'seconds between two polls, from 0.1 to 86400; 5 where nothing is said',
  form: 'an object of texts, sent as a form by `persistent` and `once`; empty where nothing is said',
  originator: 'the user shown as publisher; nobody where nothing is said',
}

export const pollingModeWords: { readonly [M in PollingMode]: string } = {
  simple: 'The body is the payload: JSON, or else the text itself.',
  persistent:
    'The reply is `[true, {…}]` with `payload`, which is published, and any channel options, which are applied.',
  once: 'As `persistent`, but a single time; again only where the reply brings `polling` again.',
}

export const userOptionWords: { readonly [K in keyof UserOptions]: string } = {
  reflective: 'the sender of a private message gets a copy, on all of its connections',
  moderatedMessage: 'private messages of this user ask the `message` webhook',
  perConnectionSubscriptions:
    'a subscription is its connection’s own; false: all connections of the user, later ones too, share each subscription',
  globalUnsubscriptions: 'when one connection leaves a channel, all connections of the user leave it',
  autoSubscribe: 'channels that each connection of this user joins when it connects',
}

interface LimitWords {
  readonly what: string
  readonly beyond: string
}

/** `beyond` says what happens then. */
export const limitWords: { readonly [L in keyof typeof limits]: LimitWords } = {
  frame: { what: 'one frame of a page, and one payload however it comes', beyond: '`too_large`' },
  message: { what: 'one WebSocket message of a page', beyond: 'the connection is closed with 1009' },
  channelName: { what: 'the name of a channel', beyond: '`bad_request`' },
  userName: { what: 'the name of a user', beyond: '`bad_request`' },
  messageId: { what: 'a message id', beyond: '`bad_request`' },
  channels: { what: 'channels of one connection', beyond: '`too_many`' },
  cookieString: { what: 'the cookies that a page passes to connect by itself', beyond: '`bad_request`' },
  historyAnswer: { what: 'history in one answer', beyond: 'the page fetches the rest with `fetchHistory`' },
  presence: { what: 'names in one presence list', beyond: 'only the number of users is told' },
  handshake: { what: 'from a new line to the page’s `CONNECT`', beyond: 'the connection is closed with 4504' },
  pong: { what: 'for a page to answer a `PING`', beyond: 'the connection is closed with 4504' },
}

export const closeCodeWords: { readonly [C in keyof typeof closeCodes]: string } = {
  normal: 'ended on purpose, by `conn.disconnect()`',
  goingAway: 'the page went away: a reload, a closed tab',
  tooBig: 'a message beyond 1 MiB',
  asleep: 'the page goes to sleep: browsers keep no page that has an open line',
  malformed: 'what came was not a frame',
  refused: 'the application refused `connect`',
  removed: 'removed by the application: REST `disconnect_user` or `disconnect`',
  noCommonVersion: 'no version of the protocol in common',
  internal: 'a fault of the hub, or `connect`, asked again, named another user',
  webhookFailed: 'the application could not be asked',
  stopping: 'the hub is stopping',
  silent: 'no `CONNECT` or `PONG` in time',
  slow: 'the page reads too slowly: more than 1 MiB is unread',
}

/** When REST answers with it; undefined where it never does. */
export const restErrorWords: { readonly [C in ErrorCode]: string | undefined } = {
  bad_request: 'a field is missing, of the wrong type or out of bounds; the text names it',
  malformed: undefined,
  unknown_frame: undefined,
  unauthorized: 'no secret, or a wrong one',
  refused: 'with `send_hook`: the webhook said no; the text is its own, where it gave one',
  not_subscribed: undefined,
  unknown_channel: 'the channel does not exist',
  unknown_user: 'the user is not connected, or not in the channel',
  unknown_connection: 'there is no connection of this id',
  unknown_method: 'there is no method of this name',
  channel_exists: 'the channel exists already',
  too_large: 'the payload, the state or the body is larger than the [limits](channels.md#limits) allow',
  too_many: 'more than the limits allow',
  internal: 'a bug of the hub; its log has the stack',
  webhook_failed: 'with `send_hook`: the application could not be asked',
  unavailable: 'the hub cannot do this just now',
  disabled: 'no secret is configured, so the interface is off; or `set_config` is not allowed',
  timeout: undefined,
  offline: undefined,
  closed: undefined,
  aborted: undefined,
  outcome_unknown: undefined,
}

/** By REST method. The methods have no type of their own to demand them: `reference.test.ts` does. */
export const restMethodWords: { readonly [method: string]: string } = {
  publish: 'publishes into a channel',
  publish_multi: 'publishes the same into many channels; those that do not exist are skipped',
  subscribe: 'lets a user into a channel, through all connections that the user has at the moment',
  unsubscribe: 'takes a user out of a channel, through all connections',
  create_channel: 'makes a channel',
  destroy_channel: 'ends a channel for everybody',
  get_channel_info: 'tells a channel’s options, history, state and subscribers',
  set_channel_options: 'changes options of a channel, all or none of those given',
  state_set_key: 'sets one key of a channel’s state',
  state_delete_key: 'deletes one key of a channel’s state',
  message: 'sends a private message, whether or not the sender is connected; no webhook is asked',
  get_user_info: 'tells a user’s channels, connections and options',
  set_user_options: 'changes options of a user, for as long as the user stays connected',
  disconnect_user: 'closes all connections of a user; the pages do not come back by themselves',
  disconnect: 'closes one connection; the page does not come back by itself',
  get_server_info: 'tells channels, connections and users of the hub, its id and its version',
  set_config: 'changes where webhooks go, and the secrets, at once',
}

/** By the name of a REST field, or by `method.field` where it means something else there. `*`: all fields not named. */
export const restFieldWords: { readonly [field: string]: string } = {
  channel_name: 'the channel',
  channel_names: 'a comma list, or a JSON list where a name holds a comma',
  payload: 'JSON: its text in a form, the value itself in a JSON body; default `null`',
  originator: 'the user shown as publisher; default: nobody (`"user": null`)',
  send_hook: '`1`: the webhook is asked too, without cookies',
  message_id: 'a key that makes the publish repeatable: the same key again within 5 minutes publishes nothing',
  name: 'the user',
  'create_channel.*': 'any [channel option](channels.md#channel-options)',
  'set_channel_options.*': 'any [channel option](channels.md#channel-options)',
  'set_user_options.*': 'any [user option](channels.md#user-options)',
  'set_config.*': 'keys of the [configuration](configuration.md#options), as they stand in the file',
  key: 'the key',
  val: 'JSON, as `payload`',
  sender_name: 'who is shown as sender',
  recipient_name: 'to whom',
  user_name: 'the user',
  identifier: 'the id of the connection',
}

/** Of those that `prom-client` tells of a process, the ones to know. */
export const processMetricWords: Readonly<Record<string, string>> = {
  process_cpu_seconds_total:
    'Seconds of a processor that were used. A node has use for one processor, so that a rate near 1 is all there is.',
  process_resident_memory_bytes: 'Memory that the process has, all in all.',
  process_open_fds: 'Open files and sockets. On Linux.',
  process_max_fds: 'How many there may be: `LimitNOFILE` of systemd. On Linux.',
  process_start_time_seconds: 'When the process began, in seconds since 1970.',
  nodejs_eventloop_lag_p99_seconds:
    'Event loop delay: how late the process gets to what is due, but for the worst hundredth. Since the last time that somebody asked.',
  nodejs_heap_size_used_bytes: 'Memory of channels, histories, users: what JavaScript holds.',
  nodejs_external_memory_bytes: 'Memory of bytes on their way to pages and from them.',
  nodejs_gc_duration_seconds: 'How long the process stood still to free memory, by `kind`. A histogram.',
}
