import type { Clock } from '../clock.ts'
import type { WebhookConfig } from '../config/config.ts'
import { CookieJar } from '../connection/cookies.ts'
import type { Ask, Caller, WebhookName } from '../webhooks/callbacks.ts'
import { conceal, concealer } from '../webhooks/conceal.ts'
import { createHttpExchange, type Exchange } from '../webhooks/http.ts'
import { createCallbacks } from '../webhooks/verdict.ts'
import { type Outcome, rows } from './outcome.ts'

/** Where and how somebody asks who plays the hub. */
export interface Asking {
  readonly webhooks: WebhookConfig
  readonly webhookSecret: string | undefined
  readonly signingSecrets: readonly string[]
  readonly cookieIdentifier: string | undefined
  readonly userDefaults: { readonly [option: string]: unknown }
  readonly version: string
  /** Says in `X-Hookbox-Probe` who asks. */
  readonly probe: string
  /** Sent as `X-Real-IP`. */
  readonly address: string
  readonly clock: Clock
}

/** One question, what a hub would do now, and all that was seen of the answer. */
export interface Asked<N extends WebhookName = WebhookName> {
  readonly outcome: Outcome<N>
  readonly exchange: Exchange
  /** Milliseconds. */
  readonly duration: number
  /** What a hub would have logged of cookies that it did not send. */
  readonly warnings: readonly string[]
  /** The `Cookie` header of the next question, after what the reply set. */
  readonly cookies: string | undefined
  /** The lines of `Set-Cookie` that were honoured, by whether the page would be told of them. */
  readonly setCookies: { readonly told: readonly string[]; readonly kept: readonly string[] }
}

/**
 * Asks one webhook as a hub does, over a connection of its own. The fields are those of `readWebhookFields`. Never throws.
 */
export async function askOnce<N extends WebhookName>(
  asking: Asking,
  name: N,
  fields: { readonly [field: string]: string },
  cookies: string | undefined,
): Promise<Asked<N>> {
  const { webhooks: config, webhookSecret: secret, clock, ...more } = asking
  const warnings: string[] = []
  const log = { warn: (_fields: unknown, message = '') => void warnings.push(message), error() {}, debug() {} }
  const { exchange, close } = createHttpExchange({ ...more, config, secret, clock, log })
  let seen: Exchange = { reply: { kind: 'fault', why: 'connection', fault: 'not asked' } }
  const ask: Ask = async (question) => {
    seen = await exchange(question)
    return seen.reply
  }
  const jar = new CookieJar(cookies)
  const told: string[] = []
  const kept: string[] = []
  const caller: Caller = {
    cookies: jar.header,
    address: asking.address,
    setCookies(lines) {
      for (const line of lines) (jar.set(line, clock.now()) ? told : kept).push(line)
    },
  }
  try {
    const begun = clock.now()
    const circumstances = { now: begun, userDefaults: asking.userDefaults }
    const outcome = await rows[name](createCallbacks(ask, log), caller, fields, circumstances)
    const duration = clock.now() - begun
    const hidden = conceal(seen, concealer([secret, ...asking.signingSecrets], cookies))
    return {
      outcome: withFault(outcome, hidden),
      exchange: hidden,
      duration,
      warnings,
      cookies: jar.header,
      setCookies: { told, kept },
    }
  } finally {
    await close()
  }
}

function withFault<N extends WebhookName>(outcome: Outcome<N>, { reply }: Exchange): Outcome<N> {
  return outcome.outcome === 'fault' && reply.kind === 'fault' ? { ...outcome, fault: reply.fault } : outcome
}
