import type { Clock } from '../clock.ts'
import type { Config } from '../config/config.ts'
import { version } from '../config/version.ts'
import { type Asked, type Asking, askOnce } from '../probe/ask-once.ts'
import type { WebhookName } from '../webhooks/callbacks.ts'
import { readWebhookFields } from '../webhooks/fields.ts'
import { compare, explainSent } from './cookies.ts'
import { type Finding, note, wrong } from './finding.ts'
import { explainOrigin } from './page.ts'
import { placeOf } from './place.ts'
import { explainAsked } from './reply.ts'

/** What the doctor is to look at. */
export interface Examination {
  readonly config: Config
  /** What there is to say of the configuration by itself. */
  readonly warnings: readonly string[]
  /** A `Cookie` header. */
  readonly cookies: string | undefined
  /** JSON text: what a page passes to connect. */
  readonly payload: string
  /** Webhooks to ask besides `connect`, in this order. */
  readonly ask: readonly Exclude<WebhookName, 'connect'>[]
  readonly channel: string | undefined
  /** Undefined: whom `connect` admits. */
  readonly user: string | undefined
  /** Where pages reach the hub. */
  readonly hub: URL | undefined
  readonly origins: readonly string[]
  readonly clock: Clock
}

/** What a message or publish says that the doctor sends. */
export const doctorsPayload = '"hookbox doctor"'

/** Looks at everything in turn, and tells each thing as soon as it is known; what is no more than a note, once. */
export async function* examine(examination: Examination): AsyncGenerator<Finding, void> {
  const noted = new Set<string>()
  for await (const finding of examineAll(examination)) {
    const again = finding.kind === 'note' && noted.has(finding.says)
    noted.add(finding.says)
    if (!again) yield finding
  }
}

async function* examineAll(examination: Examination): AsyncGenerator<Finding, void> {
  const { config, warnings, hub, origins } = examination
  for (const warning of warnings) yield note('configuration', `${warning}.`)
  if (config.open) {
    yield wrong(
      'open_mode',
      'With these options the hub runs in open mode: it admits everyone, and there is no application to ask.',
      'Give the options that the hub is started with, as --cbhost, --cbport and --cbpath, or the --config file.',
    )
  } else yield* examineApplication(examination)
  for (const origin of origins) yield explainOrigin(origin, hub, config)
  if (config.apiSecurityToken === undefined && !config.open) {
    yield note(
      'no_rest_secret',
      'REST is off, as it has no secret: the application cannot publish by itself.',
      'Where it is to, set --api-security-token.',
    )
  }
}

async function* examineApplication(examination: Examination): AsyncGenerator<Finding, void> {
  const { config, cookies, payload, clock } = examination
  const place = placeOf(config.webhooks, 'connect')
  const asking: Asking = {
    ...config,
    userDefaults: config.userDefaults,
    version,
    probe: 'doctor',
    address: '127.0.0.1',
    clock,
  }
  if (config.webhookSecret === undefined && config.signingSecrets.length === 0) {
    yield note(
      'no_webhook_secret',
      `Whoever reaches ${place.shown} can pretend to be the hub: there is neither a webhook secret nor a signing secret.`,
      'Set --webhook-secret, and let the application compare the form field secret.',
    )
  }
  const connect = (header: string | undefined) =>
    askOnce(asking, 'connect', readWebhookFields('connect', { payload }), header)
  const asked = await connect(cookies)
  yield* explainAsked(asked, place, config)
  if (!asked.exchange.answer) return
  if (cookies === undefined) yield* withoutCookies(asked)
  else {
    const sent = explainSent(cookies, config.cookieIdentifier, asked.warnings)
    yield sent
    if (sent.kind === 'right' && asked.exchange.reply.kind === 'answer') yield* compareCookies()
  }
  yield* examineOthers(examination, asking, asked)

  async function* compareCookies(): AsyncGenerator<Finding, void> {
    const without = await connect(undefined)
    if (without.exchange.reply.kind === 'answer') {
      yield compare(asked, without, place)
      return
    }
    for (const finding of explainAsked(without, place, config)) {
      yield { ...finding, says: `For a page that brings no cookies: ${finding.says}` }
    }
  }
}

function* withoutCookies({ outcome }: Asked): Generator<Finding, void> {
  if (outcome.outcome !== 'refused') return
  yield note(
    'no_cookies',
    'It was asked without cookies, and a refusal may be right.',
    'To see it admit somebody, give the cookies of a session: --cookie "session=…"',
  )
}

async function* examineOthers(
  { config, ask, channel = '', user }: Examination,
  asking: Asking,
  { outcome, cookies }: Asked<'connect'>,
): AsyncGenerator<Finding, void> {
  const name = user ?? (outcome.outcome === 'allowed' ? outcome.details.name : undefined)
  let header = cookies
  for (const webhook of ask) {
    if (name === undefined && needsUser.includes(webhook)) {
      yield {
        ...wrong(
          'not_asked',
          `${webhook} was not asked: it is about a user, and connect admitted nobody.`,
          'Give one: --user ann',
        ),
        webhook,
      }
      continue
    }
    const fields = readWebhookFields(webhook, fieldsOf(webhook, channel, name ?? ''))
    const asked = await askOnce(asking, webhook, fields, header)
    header = asked.cookies
    yield* explainAsked(asked, placeOf(config.webhooks, webhook), config)
  }
}

const needsUser: readonly WebhookName[] = ['subscribe', 'unsubscribe', 'publish', 'message', 'disconnect']

/** Webhooks that are about a channel. */
export const needsChannel: readonly WebhookName[] = [
  'create_channel',
  'destroy_channel',
  'subscribe',
  'unsubscribe',
  'publish',
]

function fieldsOf(webhook: WebhookName, channel: string, user: string): { [field: string]: string } {
  switch (webhook) {
    case 'publish':
      return { channel_name: channel, payload: doctorsPayload, originator: user }
    case 'message':
      return { sender: user, recipient: user, payload: doctorsPayload }
    case 'disconnect':
      return { name: user, channels: JSON.stringify(channel === '' ? [] : [channel]) }
    case 'subscribe':
    case 'unsubscribe':
      return { channel_name: channel, user }
    case 'create_channel':
    case 'destroy_channel':
      return { channel_name: channel }
    default:
      return {}
  }
}
