import { HookboxError } from '@hookbox/protocol'
import { systemClock } from '../clock.ts'
import type { WebhookConfig } from '../config/config.ts'
import { loadOptions } from '../config/load.ts'
import { version } from '../config/version.ts'
import { jsonFields, type WebhookName } from '../webhooks/callbacks.ts'
import { readWebhookFields, webhookFields } from '../webhooks/fields.ts'
import type { CallbackFields } from '../webhooks/functions.ts'
import { type Asking, askOnce } from './ask-once.ts'
import type { Allowed, Outcome } from './outcome.ts'
import { type Played, playedOf } from './played.ts'

export { type ErrorCode, HookboxError } from '@hookbox/protocol'
export type { Allowed, Outcome, Played, WebhookName }

/** Which application is asked, and how the hub that is played is configured. */
export interface PlayOptions {
  /** What each webhook's name is added to: `http://127.0.0.1:3000/hookbox`. With `singleUrl` it is the URL of all of them. */
  readonly url: string
  /** One URL is for all webhooks, and `action` tells them apart. */
  readonly singleUrl?: boolean
  /** Every webhook's path ends with a slash. */
  readonly trailingSlash?: boolean
  /** The last part of the path of a webhook, where it is not its name. */
  readonly names?: { readonly [N in WebhookName]?: string }
  /** Sent as the form field `secret`. */
  readonly webhookSecret?: string
  /** Signs every webhook, as Standard Webhooks has it; several give several signatures. */
  readonly signingSecret?: string | readonly string[]
  /** The only cookie that webhooks carry. */
  readonly cookieIdentifier?: string
  /** The browser's address, sent as `X-Real-IP`. Default `127.0.0.1`. */
  readonly address?: string
  /** Milliseconds for a reply. Default 5,000, as with a hub. */
  readonly timeout?: number
}

type Optional<T, K extends keyof T> = Omit<T, K> & Partial<Pick<T, K>>

/** The fields of each webhook, as callback functions get them. What a hub makes up may be left out. */
export interface PlayedFields extends Omit<CallbackFields, 'connect' | 'disconnect' | 'message' | 'hub_started'> {
  readonly connect: Partial<CallbackFields['connect']>
  readonly disconnect: Optional<CallbackFields['disconnect'], 'channels'>
  readonly message: Optional<CallbackFields['message'], 'recipient_exists'>
  readonly hub_started: Partial<CallbackFields['hub_started']>
}

/** Whose browser a call is made for. */
export interface OfBrowser {
  /** A `Cookie` header, or cookies by name, whose values are sent as they are. */
  readonly cookies?: string | { readonly [name: string]: string } | undefined
}

/** A hub that is played: one method for each webhook, by its name. Nothing has to be closed. */
export type PlayedHub = {
  readonly [N in WebhookName]: (fields: PlayedFields[N] & OfBrowser) => Promise<Played<N>>
} & { connect(fields?: PlayedFields['connect'] & OfBrowser): Promise<Played<'connect'>> }

/**
 * Plays the hub against your application, for its own tests: every webhook goes out as from a hub (form fields, secret,
 * signature, cookies; and the header `X-Hookbox-Probe: test`), and what comes back tells what a hub would do.
 *
 * Its methods throw a HookboxError `bad_request` where a field is missing or wrong; whatever the application does is a value.
 *
 * @throws HookboxError `bad_request` where an option is wrong
 * @example
 * const hub = playHub({ url: 'http://127.0.0.1:3000/hookbox', webhookSecret })
 * const ann = await hub.connect({ cookies: { session } })
 * // { outcome: 'allowed', details: { name: 'ann', … }, … }
 * await hub.publish({ channel_name: 'chat', payload: 'spam', originator: 'ann', cookies: ann.cookies })
 * // { outcome: 'refused', error: 'no spam', … }
 */
export function playHub(options: PlayOptions): PlayedHub {
  const asking = askingOf(options)
  const method =
    <N extends WebhookName>(name: N) =>
    async ({ cookies, ...fields }: { readonly [field: string]: unknown } & OfBrowser = {}): Promise<Played<N>> =>
      playedOf(await askOnce(asking, name, readWebhookFields(name, texts(fields)), headerOf(cookies)))
  const names = Object.keys(webhookFields) as WebhookName[]
  return Object.fromEntries(names.map((name) => [name, method(name)])) as unknown as PlayedHub
}

function askingOf(options: PlayOptions): Asking {
  const { webhookSecret, signingSecret = [], cookieIdentifier, address = '127.0.0.1' } = options
  return {
    webhooks: webhooksOf(options),
    webhookSecret,
    signingSecrets: typeof signingSecret === 'string' ? [signingSecret] : signingSecret,
    cookieIdentifier,
    userDefaults: {},
    version,
    probe: 'test',
    address,
    clock: systemClock,
  }
}

function webhooksOf({
  url,
  singleUrl = false,
  trailingSlash = false,
  names = {},
  timeout,
}: PlayOptions): WebhookConfig {
  const target = URL.canParse(url) ? new URL(url) : undefined
  if (!target || !/^https?:$/.test(target.protocol)) {
    throw new HookboxError('bad_request', 'url: expected an http or https URL')
  }
  if (target.search !== '' && !singleUrl) {
    throw new HookboxError('bad_request', 'url: expected no query, except with singleUrl')
  }
  const https = target.protocol === 'https:'
  const { webhooks } = loadOptions({}).config
  return {
    ...webhooks,
    host: target.hostname,
    port: Number(target.port) || (https ? 443 : 80),
    path: target.pathname.replace(/\/+$/, ''),
    https,
    trailingSlash,
    singleUrl: singleUrl ? url : undefined,
    names,
    timeout: timeout ?? webhooks.timeout,
  }
}

/** The form's texts. What is undefined is left out. */
function texts(fields: { readonly [field: string]: unknown }): { [field: string]: string } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    given.map(([field, value]) => [field, jsonFields.has(field) ? JSON.stringify(value) : String(value)]),
  )
}

function headerOf(cookies: OfBrowser['cookies']): string | undefined {
  if (cookies === undefined || typeof cookies === 'string') return cookies
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
}
