import { channelName, HookboxError, jsonText, messageId, quote, userName } from '@hookbox/protocol'
import { randomId } from '../ids.ts'
import type { WebhookName } from './callbacks.ts'

/** A form field of a webhook, for whoever calls it by hand. */
export interface WebhookField {
  /** The text as it is sent, or a `bad_request` that names the field and says what was expected. */
  readonly read: (text: string, field: string) => string
  /** What is sent where nothing is given; undefined: it has to be given. `null`: nothing then. */
  readonly fallback: (() => string) | null | undefined
}

type FieldsOf = { readonly [field: string]: WebhookField }

const id: WebhookField = { read: anyText, fallback: randomId }
const channel: WebhookField = { read: channelName, fallback: undefined }
const user: WebhookField = { read: userName, fallback: undefined }
const payload: WebhookField = { read: json, fallback: undefined }
const key: WebhookField = { read: messageId, fallback: null }

/** The form fields of each webhook besides `action` and `secret` (contract: Webhooks). */
export const webhookFields: { readonly [N in WebhookName]: FieldsOf } = {
  connect: {
    conn_id: id,
    payload: { ...payload, fallback: () => 'null' },
    reason: { read: oneOf('expired'), fallback: null },
  },
  disconnect: { name: user, channels: { read: names, fallback: () => '[]' } },
  create_channel: { channel_name: channel },
  destroy_channel: { channel_name: channel },
  subscribe: { channel_name: channel, user },
  unsubscribe: { channel_name: channel, user },
  publish: { channel_name: channel, payload, originator: { ...user, fallback: null }, message_id: key },
  message: {
    sender: user,
    recipient: user,
    recipient_exists: { read: oneOf('true', 'false'), fallback: () => 'true' },
    payload,
    message_id: key,
  },
  hub_started: { node: id },
}

export function isWebhookName(name: string): name is WebhookName {
  return Object.hasOwn(webhookFields, name)
}

/**
 * The fields of a call, checked, with what was not given filled in.
 *
 * @throws HookboxError `bad_request` naming the field that is unknown, missing or wrong
 */
export function readWebhookFields(
  name: WebhookName,
  given: { readonly [field: string]: string },
): { readonly [field: string]: string } {
  const fields = webhookFields[name]
  const unknown = Object.keys(given).find((field) => !Object.hasOwn(fields, field))
  if (unknown !== undefined) {
    throw mistake(`${unknown}: no field of ${name}; expected one of ${Object.keys(fields).join(', ')}`)
  }
  const read: { [field: string]: string } = {}
  for (const [field, { read: check, fallback }] of Object.entries(fields)) {
    const text = given[field] ?? fallback?.()
    if (text !== undefined) read[field] = check(text, field)
    else if (fallback === undefined) throw mistake(`${field}: ${name} needs it, got nothing`)
  }
  return read
}

function json(text: string, field: string): string {
  try {
    return jsonText(text, field)
  } catch (cause) {
    if (!(cause instanceof HookboxError) || /^\s*[{[]/.test(text)) throw cause
    throw mistake(`${cause.message}; a text needs quotes of its own, as in '"hi"'`)
  }
}

function names(text: string, field: string): string {
  const value: unknown = JSON.parse(json(text, field))
  if (!Array.isArray(value)) throw mistake(`${field}: expected a JSON list of channel names, got ${quote(value)}`)
  for (const name of value as unknown[]) channelName(name, field)
  return text
}

function oneOf(...words: readonly string[]): WebhookField['read'] {
  return (text, field) => {
    if (words.includes(text)) return text
    throw mistake(`${field}: expected ${words.join(' or ')}, got ${quote(text)}`)
  }
}

function anyText(text: string): string {
  return text
}

function mistake(message: string): HookboxError {
  return new HookboxError('bad_request', message)
}
