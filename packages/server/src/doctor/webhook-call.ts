import type { Config } from '../config/config.ts'
import { type Outcome, rows } from '../probe/outcome.ts'
import { secretsIn, withoutSecrets } from '../secrets.ts'
import { type Caller, jsonFields, type Reply, type WebhookName } from '../webhooks/callbacks.ts'
import { conceal, concealer } from '../webhooks/conceal.ts'
import type { Exchange } from '../webhooks/http.ts'
import { readReply } from '../webhooks/reply.ts'
import type { SeenCall } from '../webhooks/seen-call.ts'
import { createCallbacks } from '../webhooks/verdict.ts'
import { type Finding, note, right, wrong } from './finding.ts'
import { placeOf } from './place.ts'
import { cookieName, explainAsked } from './reply.ts'

/** One call of a webhook as an operator may see it: without secrets, and with what there is to say of the reply. */
export interface WebhookCall {
  /** When it began: milliseconds since 1970. */
  readonly at: number
  readonly webhook: WebhookName
  /** `webhook-id`: the same on every retry. */
  readonly id: string
  /** Without user name and query string; undefined: a function in this process was asked. */
  readonly url: string | undefined
  /** The form as it was sent, but for secrets, and each cut after {@link longest}. */
  readonly fields: { readonly [field: string]: string }
  /** Names of the cookies that it carried. */
  readonly cookies: readonly string[]
  /** The browser's; undefined where no browser caused the call. */
  readonly address: string | undefined
  /** The HTTP status; undefined where no answer came, or a function was asked. */
  readonly status: number | undefined
  /** What was answered, cut after {@link longest}; undefined where nothing came. */
  readonly reply: string | undefined
  /** Names of the cookies that the reply set. */
  readonly setCookies: readonly string[]
  /** Milliseconds. */
  readonly duration: number
  readonly outcome: Outcome['outcome']
  /** What there is to say of it, the most important first. */
  readonly findings: readonly Finding[]
}

/** Characters of a field, or of a reply, that are shown. */
export const longest = 4_096

const redacted = '[redacted]'

/** Explains a call of the hub's to an operator, in the words of `hookbox doctor`. */
export async function explainCall(call: SeenCall, config: Config): Promise<WebhookCall> {
  const { at, name, id, url, address, duration } = call
  const { webhookSecret, signingSecrets, apiSecurityToken, adminPassword } = config
  const own = [webhookSecret, ...signingSecrets, apiSecurityToken, adminPassword]
  const hide = concealer([...own, ...Object.values(call.fields).flatMap(secretsIn)], call.cookies)
  const exchange = conceal(exchangeOf(call), hide)
  const outcome = await outcomeOf(call, exchange.reply, config)
  const setLines = call.answer?.setCookies ?? []
  return {
    ...{ at, webhook: name, id, url, address, duration },
    fields: {
      action: name,
      ...(url !== undefined && webhookSecret !== undefined && { secret: redacted }),
      ...Object.fromEntries(
        Object.entries(call.fields).map(([field, text]) => [field, jsonFields.has(field) ? shown(text) : cut(text)]),
      ),
    },
    cookies: (call.cookies ?? '').split(';').map(cookieName).filter(isSomething),
    status: url === undefined ? undefined : call.answer?.status,
    reply: call.answer && shown(call.answer.body, hide),
    setCookies: setLines.map(cookieName),
    outcome: outcome.outcome,
    findings: findingsOf(call, exchange, outcome, config).map((finding) => ({ ...finding, says: hide(finding.says) })),
  }
}

function exchangeOf({ answer, problem, late, url }: SeenCall): Exchange {
  const reply: Reply = answer
    ? readReply(answer)
    : { kind: 'fault', why: late ? 'time' : 'connection', fault: textOf(problem) }
  return { reply: { ...reply, ...(url !== undefined && { url }) }, ...(answer && { answer }), problem, late }
}

/** What the hub made of the reply: it is read once more, as only few are ever looked at. */
function outcomeOf({ name, fields, at }: SeenCall, reply: Reply, { userDefaults }: Config): Promise<Outcome> {
  const caller: Caller = { cookies: undefined, address: undefined, setCookies() {} }
  const silent = { debug() {}, error() {} }
  return rows[name](
    createCallbacks(async () => reply, silent),
    caller,
    fields,
    { now: at, userDefaults },
  )
}

function findingsOf(call: SeenCall, exchange: Exchange, outcome: Outcome, config: Config): readonly Finding[] {
  const { name, url, duration, answer } = call
  if (url === undefined) return [ofFunction(name, outcome)]
  const kept = (answer?.setCookies ?? []).filter((line) => /;\s*httponly\s*(;|$)/i.test(line))
  const asked = { outcome, exchange, warnings: [], cookies: undefined, setCookies: { told: [], kept } }
  return explainAsked({ ...asked, duration: Math.round(duration) }, placeOf(config.webhooks, name), config)
}

function ofFunction(name: WebhookName, outcome: Outcome): Finding {
  switch (outcome.outcome) {
    case 'allowed':
      return right('allowed', `${name} is allowed.`)
    case 'refused':
      return note('refused', `${name} is refused, “${outcome.error}”.`)
    case 'fault':
      return wrong('function', `The reply of the function ${name} cannot be used: ${outcome.fault}.`)
  }
}

/** Applications put secrets of their own into payloads and replies: members that are named so lose their values. */
function shown(text: string, hide: (text: string) => string = (same) => same): string {
  return cut(withoutSecrets(hide(text.slice(0, 2 * longest))))
}

function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem)
}

function isSomething(text: string): boolean {
  return text !== ''
}
