import {
  channelName,
  exceeds,
  HookboxError,
  type Json,
  type JsonText,
  limits,
  quote,
  toJsonText,
  userName,
} from '@hookbox/protocol'
import { randomId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Signals } from '../signals/signals.ts'
import {
  type Ask,
  type Callbacks,
  type Caller,
  type Details,
  type FaultKind,
  nobody,
  type PublishDetails,
  type Question,
  type Reply,
  type Verdict,
  type WebhookName,
  wasReached,
} from './callbacks.ts'

/** Characters of a refusal's text that reach the page. */
const maxRefusal = 500

/** What is read from a reply, by webhook. */
interface Reading<T> {
  /** The details of a yes. Throws a HookboxError that names the detail which is wrong. */
  readonly details: (details: Details) => T
  /** Whether `auto_subscribe` and `auto_unsubscribe` are honoured: never, in a yes, or in a no as well. */
  readonly auto: 'never' | 'yes' | 'both'
}

/** What a question is made of: only fields that there are. */
type Fields = { [field: string]: string }

const anything: Reading<Details> = { details: (details) => details, auto: 'never' }

export interface CallbacksOptions {
  readonly newId?: () => string
  /** Where calls are counted. */
  readonly signals?: Signals
}

/** Asks by `ask` and makes verdicts of what comes back: every detail that is honoured has its type, or nothing is allowed. */
export function createCallbacks(
  ask: Ask,
  log: Pick<Log, 'debug' | 'error'>,
  { newId = randomId, signals }: CallbacksOptions = {},
): Callbacks {
  async function decide<T>(
    name: WebhookName,
    caller: Caller,
    fields: Question['fields'],
    reading: Reading<T>,
    id = newId(),
    by: Ask = ask,
  ): Promise<Verdict<T>> {
    const counts = signals?.webhook(name)
    const begun = performance.now()
    if (counts) counts.underWay++
    const reply = await by({ name, fields, caller, id })
    if (counts) counts.underWay--
    const duration = performance.now() - begun
    const isUnasked = reply.kind === 'fault' && reply.why === 'unasked'
    if (!isUnasked) counts?.durations.add(duration / 1_000)
    const { connection } = caller
    const { url } = reply
    try {
      if (reply.kind === 'fault') throw new Fault(reply.why, reply.fault, reply.cause)
      if (reply.setCookies.length > 0) caller.setCookies(reply.setCookies)
      const verdict = read(name, reply, reading)
      const outcome = verdict.ok ? 'allowed' : 'refused'
      counts?.outcomes.add(outcome)
      log.debug({ webhook: name, id, connection, url, outcome, duration: Math.round(duration) }, 'webhook answered')
      return verdict
    } catch (error) {
      // A wrong detail is the application's fault as much as a reply of the wrong form.
      const flaw = error instanceof HookboxError || error instanceof Fault
      if (!flaw) throw error
      counts?.outcomes.add('fault')
      counts?.faults.add(error instanceof Fault ? error.why : 'detail')
      const { message: fault, cause } = error
      // At boot the hub is often there first, and what was not asked has been said once for all; what is given up in the end is an error.
      const level = name === 'hub_started' || isUnasked ? 'debug' : 'error'
      const about = { webhook: name, id, connection, url, fault }
      log[level](cause === undefined ? about : { ...about, err: cause }, 'webhook failed')
      return no(new HookboxError('webhook_failed', 'the application could not be asked', { cause: error }))
    }
  }

  return {
    connect: (caller, { connId, payload, reason }) => {
      const fields: Fields = { conn_id: connId, payload }
      if (reason !== undefined) fields.reason = reason
      return decide('connect', caller, fields, readings.connect)
    },
    createChannel: (caller, { channelName }) =>
      decide('create_channel', caller, { channel_name: channelName }, anything),
    subscribe: (caller, { channelName, user }) =>
      decide('subscribe', caller, { channel_name: channelName, user }, readings.subscribe),
    publish: (caller, { channelName, payload, originator, messageId }) => {
      const fields: Fields = { channel_name: channelName, payload }
      if (originator !== undefined) fields.originator = originator
      if (messageId !== undefined) fields.message_id = messageId
      return decide('publish', caller, fields, readings.publish)
    },
    message: (caller, { sender, recipient, recipientExists, payload, messageId }) => {
      const fields: Fields = { sender, recipient, recipient_exists: String(recipientExists), payload }
      if (messageId !== undefined) fields.message_id = messageId
      return decide('message', caller, fields, readings.message)
    },
    unsubscribe: (caller, { channelName, user }, id) =>
      decide('unsubscribe', caller, { channel_name: channelName, user }, readings.unsubscribe, id),
    disconnect: (caller, { name, channels }, id) =>
      decide('disconnect', caller, { name, channels: JSON.stringify(channels) }, anything, id),
    destroyChannel: ({ channelName }, id) =>
      decide('destroy_channel', nobody, { channel_name: channelName }, anything, id),
    hubStarted: ({ node }, id) => decide('hub_started', nobody, { node }, anything, id, takeAnything(ask)),
  }
}

/** An application that does not know a webhook may answer anything to it; only one that was not there is asked again. */
function takeAnything(ask: Ask): Ask {
  return async (question) => {
    const reply = await ask(question)
    const answered = reply.kind === 'answer' || wasReached(reply.why)
    return answered ? { kind: 'answer', success: true, details: {}, setCookies: [] } : reply
  }
}

/** Carries the text of a reply that is a fault to where faults are logged. */
class Fault extends Error {
  readonly why: FaultKind

  constructor(why: FaultKind, message: string, cause: unknown) {
    super(message, { cause })
    this.why = why
  }
}

type AnswerReply = Extract<Reply, { kind: 'answer' }>

function read<T>(name: WebhookName, { success, details }: AnswerReply, reading: Reading<T>): Verdict<T> {
  const honoured = reading.auto === 'both' || (success && reading.auto === 'yes')
  const autoSubscribe = honoured ? channelNames(details, 'auto_subscribe') : []
  const autoUnsubscribe = honoured ? channelNames(details, 'auto_unsubscribe') : []
  if (success) return { ok: true, details: reading.details(details), autoSubscribe, autoUnsubscribe }
  const text = refusalText(details) ?? `${name} refused by the application`
  const error = new HookboxError(name === 'connect' ? 'unauthorized' : 'refused', text)
  return { ok: false, error, autoSubscribe, autoUnsubscribe }
}

function no(error: HookboxError): Verdict<never> {
  return { ok: false, error, autoSubscribe: [], autoUnsubscribe: [] }
}

function refusalText({ error, msg }: Details): string | undefined {
  const text = [error, msg].find((candidate) => typeof candidate === 'string' && candidate.trim() !== '')
  // Cut between characters, not within one.
  return typeof text === 'string' ? text.slice(0, maxRefusal).replace(/[\ud800-\udbff]$/, '') : undefined
}

const readings = {
  connect: {
    auto: 'yes',
    details: (details: Details) => {
      const { name, override_payload, expires_in, auto_unsubscribe, ...rest } = details
      if (name === undefined) throw new HookboxError('bad_request', 'connect: expected name, got nothing')
      return {
        name: userName(name, 'connect: name'),
        ...overridePayload(override_payload),
        ...(expires_in === undefined ? {} : { expiresIn: milliseconds(expires_in) }),
        details: rest,
      }
    },
  },
  subscribe: {
    auto: 'yes',
    details: ({ initial_data }: Details) =>
      initial_data === undefined ? {} : { initialData: initialData(initial_data) },
  },
  unsubscribe: { auto: 'yes', details: (details: Details) => details },
  publish: {
    auto: 'both',
    details: ({ override_payload, only_to_sender }: Details): PublishDetails => {
      if (override_payload === undefined) return { onlyToSender: flag(only_to_sender, 'only_to_sender') }
      return { ...overridePayload(override_payload), onlyToSender: flag(only_to_sender, 'only_to_sender') }
    },
  },
  message: {
    auto: 'both',
    details: ({ override_payload, override_recipient_name: recipient }: Details) => ({
      ...overridePayload(override_payload),
      ...(recipient === undefined ? {} : { overrideRecipientName: userName(recipient, 'override_recipient_name') }),
    }),
  },
} as const satisfies { readonly [name: string]: Reading<unknown> }

function overridePayload(value: unknown): { overridePayload?: JsonText } {
  if (value === undefined) return {}
  const text = toJsonText(value as Json, 'override_payload')
  if (exceeds(text, limits.frame)) {
    throw new HookboxError('too_large', `override_payload: expected at most ${limits.frame} bytes`)
  }
  return { overridePayload: text }
}

/** It goes with every `SUBSCRIBED` of the user's: much more than a history's share would be more than a page can take at once. */
function initialData(value: unknown): JsonText {
  const text = toJsonText(value as Json, 'initial_data')
  if (exceeds(text, limits.historyAnswer)) {
    throw new HookboxError('too_large', `initial_data: expected at most ${limits.historyAnswer} bytes`)
  }
  return text
}

function channelNames(details: Details, detail: 'auto_subscribe' | 'auto_unsubscribe'): readonly string[] {
  const value = details[detail]
  if (value === undefined) return []
  if (!Array.isArray(value)) throw expected(detail, 'a list of channel names', value)
  return value.map((name: unknown) => channelName(name, detail))
}

function milliseconds(value: unknown): number {
  if (typeof value === 'number' && value > 0 && Number.isFinite(value)) return Math.ceil(value * 1_000)
  throw expected('expires_in', 'a number of seconds above 0', value)
}

/** 1 and 0 stand for true and false, as many languages write them. */
function flag(value: unknown, detail: string): boolean {
  if (value === undefined || value === false || value === 0) return false
  if (value === true || value === 1) return true
  throw expected(detail, 'true or false', value)
}

function expected(detail: string, what: string, got: unknown): HookboxError {
  return new HookboxError('bad_request', `${detail}: expected ${what}, got ${quote(got)}`)
}
