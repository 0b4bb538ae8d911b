import { isObject, type JsonText, jsonText, toJsonText } from '@hookbox/protocol'
import type { PollingMode, PollingOptions } from './options.ts'

/** One HTTP request of a poller's. It carries nothing but what stands here: never cookies. */
export interface PollRequest {
  readonly method: 'GET' | 'POST'
  readonly url: string
  /** Sent as a form. */
  readonly form?: { readonly [field: string]: string }
}

export interface PollAnswer {
  readonly status: number
  readonly body: string
}

/** What an answer tells the channel to do. */
export interface Polled {
  readonly payload: JsonText | undefined
  /** Channel options by their contract names. */
  readonly options: { readonly [name: string]: unknown } | undefined
}

/** What a mode sends, what it makes of the answer, and whether it goes on by itself. */
interface Mode {
  request(options: PollingOptions, secret: string | undefined): PollRequest
  /** Throws where the answer is a failure, with a text for the log. */
  read(body: string): Polled
  readonly repeats: boolean
}

/** The three ways to poll (contract: Polling). */
export const modes: { readonly [M in PollingMode]: Mode } = {
  simple: { request: ({ url }) => ({ method: 'GET', url }), read: readPayload, repeats: true },
  persistent: { request: post, read: readReply, repeats: true },
  once: { request: post, read: readReply, repeats: false },
}

function post({ url, form }: PollingOptions, secret: string | undefined): PollRequest {
  return { method: 'POST', url, form: secret === undefined ? form : { ...form, secret } }
}

function readPayload(body: string): Polled {
  return { payload: isJson(body) ? jsonText(body, 'payload') : toJsonText(body), options: undefined }
}

function readReply(body: string): Polled {
  if (!isJson(body)) throw new Error('expected [true, {…}], got something that is no JSON')
  // Also refuses what is nested too deep to be written out again.
  const reply: unknown = JSON.parse(jsonText(body, 'reply'))
  const [success, given] = Array.isArray(reply) && reply.length === 2 ? (reply as unknown[]) : []
  const details = Array.isArray(given) && given.length === 0 ? {} : given
  if (typeof success !== 'boolean' || !isObject(details)) throw new Error('expected [true, {…}], got another shape')
  if (!success) throw new Error(`refused: ${[details.error, details.msg].find(isText) ?? 'no reason given'}`)
  const { payload, ...options } = details
  return {
    payload: payload === undefined ? undefined : toJsonText(payload as Parameters<typeof toJsonText>[0]),
    options: Object.keys(options).length === 0 ? undefined : options,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // That it is not is the answer.
    return false
  }
}
