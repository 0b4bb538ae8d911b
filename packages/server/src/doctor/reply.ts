import { quote } from '@hookbox/protocol'
import { defaultOptions, writeOptions } from '../channel/options.ts'
import type { Config } from '../config/config.ts'
import { userOptionNames } from '../hub/user-options.ts'
import type { Asked } from '../probe/ask-once.ts'
import type { Allowed } from '../probe/outcome.ts'
import type { Details, WebhookName } from '../webhooks/callbacks.ts'
import type { CallbackDetails } from '../webhooks/functions.ts'
import { explainSilence } from './below-http.ts'
import { type Finding, note, right, wrong } from './finding.ts'
import { explainNoReply } from './no-reply.ts'
import type { Place } from './place.ts'

/** Milliseconds beyond which whoever acts notices that an application is asked. */
const slow = 1_000

/** What there is to say of one answer, whatever it is. */
export function explainAsked(asked: Asked, place: Place, config: Config): Finding[] {
  const { exchange } = asked
  const findings =
    exchange.reply.kind === 'answer' && exchange.answer
      ? [explainReply(asked, exchange.reply.details, place), ...besides(asked, place)]
      : place.webhook === 'hub_started' && asked.outcome.outcome === 'allowed'
        ? [right('allowed', 'hub_started was answered; what it is answered makes no difference.')]
        : [explainFault(asked, place, config)]
  return [...findings, ...slowness(asked)].map((finding) => ({ ...finding, webhook: place.webhook }))
}

function explainFault({ exchange }: Asked, place: Place, config: Config): Finding {
  if (exchange.answer) return explainNoReply(exchange.answer, place, config)
  return explainSilence(exchange, place, config.webhooks.timeout)
}

function explainReply({ outcome, duration }: Asked, details: Details, { webhook }: Place): Finding {
  const took = `in ${duration} ms`
  switch (outcome.outcome) {
    case 'allowed':
      return webhook === 'connect'
        ? right('admitted', `The application answers ${took} and admits ${nameIn(outcome.details)}.`)
        : right('allowed', `${webhook} is allowed${told(webhook, outcome.details)}, ${took}.`)
    case 'refused':
      return note('refused', `${webhook} is refused, “${outcome.error}”, ${took}.`)
    case 'fault':
      if (webhook === 'connect' && details.name === undefined) return explainNoName(details)
      return wrong('detail', `The reply to ${webhook} cannot be used: ${outcome.fault}.`, detailMend[webhook])
  }
}

const detailMend: { readonly [N in WebhookName]?: string } = {
  connect: 'The details of connect are in docs/webhooks.md, the options of a user in docs/channels.md.',
  create_channel: 'The options of a channel are in docs/channels.md.',
}

function explainNoName(details: Details): Finding {
  const like = ['username', 'user', 'user_name', 'login', 'nickname', 'id'].find((name) => Object.hasOwn(details, name))
  return wrong(
    'no_name',
    `The application admits somebody without a name${like === undefined ? '' : `; there is ${quote(like)}, which the hub does not know`}.`,
    'Say who it is, [true, {"name": "ann"}], or refuse who has no session, [false, {"error": "sign in first"}].',
  )
}

function nameIn(details: unknown): string {
  return `the user ${quote((details as Allowed['connect']).name)}`
}

/** What is other than if nothing had been said. */
function told(webhook: WebhookName, details: unknown): string {
  if (webhook !== 'create_channel') return ''
  const usual: { readonly [name: string]: unknown } = { ...writeOptions(defaultOptions), history: [], state: {} }
  const said = Object.entries(details as Allowed['create_channel']).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name]),
  )
  return said.length === 0 ? ' with every option as by default' : ` with ${said.map(shown).join(', ')}`
}

function shown([name, value]: [string, unknown]): string {
  return name === 'history' && Array.isArray(value) ? `a history of ${value.length}` : `${name} ${quote(value)}`
}

/** The details that a hub honours, where others are passed over. */
const known = {
  connect: ['name', 'override_payload', 'expires_in', 'auto_subscribe', 'auto_unsubscribe'],
  subscribe: ['initial_data', 'auto_subscribe', 'auto_unsubscribe'],
  unsubscribe: ['auto_subscribe', 'auto_unsubscribe'],
  publish: ['override_payload', 'only_to_sender', 'auto_subscribe', 'auto_unsubscribe'],
  message: ['override_payload', 'override_recipient_name', 'auto_subscribe', 'auto_unsubscribe'],
} satisfies { readonly [N in WebhookName]?: readonly (keyof CallbackDetails[N])[] }

/** What does no harm by itself. */
function besides({ outcome, exchange, setCookies }: Asked, { webhook }: Place): Finding[] {
  const findings: Finding[] = []
  const { answer, reply } = exchange
  const names: readonly string[] | undefined = Object.hasOwn(known, webhook)
    ? known[webhook as keyof typeof known]
    : undefined
  if (outcome.outcome === 'allowed' && reply.kind === 'answer' && names) {
    const own = Object.keys(reply.details).filter(
      (name) => !names.includes(name) && !(webhook === 'connect' && userOptionNames.includes(name)),
    )
    if (own.length > 0) {
      findings.push(
        note(
          'unknown_detail',
          `No hub knows ${listed(own.slice(0, 5))} in the reply to ${webhook}; it is passed over.`,
        ),
      )
    }
  }
  const type = answer?.contentType
  if (type === undefined || !/[/+]json\b/i.test(type)) {
    findings.push(
      note(
        'content_type',
        `The reply has ${type === undefined ? 'no Content-Type' : `the Content-Type ${quote(type)}`}; the hub reads it all the same.`,
        'Send it as application/json.',
      ),
    )
  }
  if (setCookies.kept.length > 0) {
    findings.push(
      note(
        'set_cookie_http_only',
        `The reply sets ${listed(setCookies.kept.map(cookieName))} as HttpOnly: the hub sends it from then on, and the browser is never told.`,
        'Where the browser needs it, set it in an answer to the browser.',
      ),
    )
  }
  return findings
}

function slowness({ duration, exchange }: Asked): Finding[] {
  if (duration <= slow || exchange.late === true) return []
  return [
    note(
      'slow',
      `The answer took ${(duration / 1_000).toFixed(1)} s, for which whoever acts waits.`,
      'Leave to a queue what need not be done before the answer.',
    ),
  ]
}

/** Without its value. */
export function cookieName(line: string): string {
  return line.split('=', 1)[0]?.trim() ?? ''
}

export function listed(names: readonly string[]): string {
  return names.map((name) => quote(name)).join(', ')
}
