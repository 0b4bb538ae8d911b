import { quote } from '@hookbox/protocol'
import type { Config } from '../config/config.ts'
import type { WebhookName } from '../webhooks/callbacks.ts'
import { type Answer, excerpt } from '../webhooks/reply.ts'
import { firstLine, isHtml, phpWarning, quoted, titleOf } from './body.ts'
import { type Finding, wrong } from './finding.ts'
import { explainGuard } from './frameworks.ts'
import type { Place } from './place.ts'

const login = /log.?(in|on)|sign.?in|auth|anmeld|connexion/i

/** Why an answer is no reply. */
export function explainNoReply(
  answer: Answer,
  place: Place,
  secrets: Pick<Config, 'webhookSecret' | 'signingSecrets'>,
): Finding {
  const { status } = answer
  if (status === 200) return explainBody(answer, place)
  const guard = explainGuard(answer)
  if (guard) return guard
  if (status >= 300 && status < 400 && answer.location !== undefined)
    return explainRedirect(answer, answer.location, place)
  const line = quoted(firstLine(answer.body))
  const path = place.url.pathname
  switch (status) {
    case 404:
      return wrong(
        'not_found',
        `There is nothing at ${place.shown} (404)${line}`,
        `Let your application answer POST ${path}, or set ${place.flags.path} to where it does.`,
      )
    case 405:
      return wrong(
        'method_not_allowed',
        `${place.shown} takes no POST (405)${line}`,
        `Let your application answer POST ${path}, and not GET alone.`,
      )
    case 401:
    case 403:
      return wrong('forbidden', `The application refuses the call itself (${status})${line}`, mendForbidden(secrets))
    case 415:
      return wrong(
        'form_not_read',
        `The application does not take the hub’s form (415)${line}`,
        'Let it read application/x-www-form-urlencoded: a webhook is a form, not JSON.',
      )
    case 502:
    case 503:
    case 504:
      return wrong(
        'behind_proxy',
        `What answers for the application says that it is not there (${status})${line}`,
        'Start the application, or see why the server in front of it does not reach it.',
      )
  }
  if (status >= 500) {
    return wrong(
      'application_failed',
      `The application failed (${status})${line}`,
      'Its log has the error. A webhook is a form with the fields action, secret and those of the webhook.',
    )
  }
  return wrong(
    'status',
    `The application answers with status ${status} instead of 200${line}`,
    'A no is said with status 200, too: [false, {"error": "…"}].',
  )
}

function mendForbidden({ webhookSecret, signingSecrets }: Pick<Config, 'webhookSecret' | 'signingSecrets'>): string {
  if (webhookSecret !== undefined) {
    return 'Where it compares the secret, see that it has the same one: it comes as the form field secret.'
  }
  if (signingSecrets.length > 0) {
    return 'Where it checks the signature, see that it has the same secret, the right time, and the body as it came.'
  }
  return 'Where it expects a secret, give the hub the same one by --webhook-secret. Where it lets in some addresses alone, add this machine’s.'
}

function explainRedirect({ status }: Answer, location: string, { url, shown, flags }: Place): Finding {
  const to = URL.canParse(location, url.href) ? new URL(location, url) : undefined
  if (!to)
    return wrong(
      'redirect',
      `The application redirects to no URL (${status}).`,
      'The hub follows no redirect: answer at this URL.',
    )
  // What follows the question mark may hold a token.
  const target = excerpt(to.host === url.host ? to.pathname : to.origin + to.pathname)
  const says = (what: string) => `The application redirects to ${what} (${status}), and the hub follows no redirect.`
  if (to.host === url.host && to.pathname === `${url.pathname}/`) {
    return wrong('redirect_slash', says(`the same URL with a slash at its end, ${target}`), 'Give --cbtrailingslash.')
  }
  if (
    to.hostname === url.hostname &&
    to.protocol === 'https:' &&
    url.protocol === 'http:' &&
    to.pathname === url.pathname
  ) {
    return wrong(
      'redirect_https',
      says(`https, ${target}`),
      `${flags.https.slice(0, 1).toUpperCase()}${flags.https.slice(1)}.`,
    )
  }
  if (login.test(to.pathname)) return wrong('redirect_login', says(`its login page, ${target}`), mendLogin(url))
  return wrong(
    'redirect',
    says(target),
    `Answer at ${shown} itself, or set ${flags.address} and ${flags.path} to where it leads.`.replace(
      '--cb-single-url and ',
      '',
    ),
  )
}

function mendLogin({ pathname }: URL): string {
  return `Take ${pathname} out of what needs a login: the hub brings the browser’s cookies, and the callback says who that is. Who has no session is refused by [false, {"error": "sign in first"}].`
}

function explainBody({ body, encoding }: Answer, place: Place): Finding {
  const { webhook, url, flags } = place
  if (encoding !== undefined && encoding !== 'identity') {
    return wrong(
      'encoded',
      `The reply is compressed (${excerpt(encoding)}).`,
      'Send it as it is: the hub asks for no encoding.',
    )
  }
  if (body.trim() === '') return wrong('empty', 'The reply is empty.', answerWith(webhook))
  const warning = phpWarning(body)
  if (warning !== undefined) {
    return wrong(
      'php_warning',
      `PHP wrote into the reply${quoted(warning)}`,
      'Mend what it tells of, and keep display_errors off.',
    )
  }
  if (isHtml(body)) {
    const title = titleOf(body)
    const says = `The reply is an HTML page${title === undefined ? '' : `, “${title}”,`} instead of JSON.`
    return login.test(title ?? '')
      ? wrong('html_login', says, mendLogin(url))
      : wrong(
          'html',
          says,
          `See that POST ${url.pathname} leads to the callback and to no page of the site, or set ${flags.path} to where the callbacks are.`,
        )
  }
  return explainJson(body, webhook)
}

function explainJson(body: string, webhook: WebhookName): Finding {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    const python = /^\s*[[(]\s*(True|False)\b/.test(body)
    return wrong(
      'no_json',
      `The reply is no JSON${quoted(firstLine(body))}`,
      python ? 'This is how Python writes it; json.dumps makes JSON of it.' : answerWith(webhook),
    )
  }
  if (typeof value === 'string') {
    return wrong(
      'encoded_twice',
      'The reply is a JSON text instead of a list: it may have been encoded twice.',
      answerWith(webhook),
    )
  }
  return wrong('no_list', `The reply is ${quote(value)} instead of a list of two.`, answerWith(webhook))
}

/** A reply that would do. */
export function answerWith(webhook: WebhookName): string {
  const yes = webhook === 'connect' ? '[true, {"name": "ann"}]' : '[true, {}]'
  return `Answer with ${yes}, first whether it is allowed, then the details, or with [false, {"error": "…"}] to refuse.`
}
