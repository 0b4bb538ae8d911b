import type { Asked } from '../probe/ask-once.ts'
import { wantedCookies } from '../webhooks/wanted-cookies.ts'
import { type Finding, note, right, wrong } from './finding.ts'
import type { Place } from './place.ts'
import { listed } from './reply.ts'

/** Which cookies go with a question, by their names. */
export function explainSent(cookies: string, identifier: string | undefined, warnings: readonly string[]): Finding {
  const sent = wantedCookies(cookies, identifier)
  if (sent === undefined) {
    return wrong(
      'cookie_identifier',
      `No cookie is sent: --cookie-identifier is ${identifier}, and none of this name was given.`,
      'Set --cookie-identifier to the name of your session’s cookie, or leave it out.',
    )
  }
  const [warning] = warnings
  if (warning !== undefined) return wrong('cookies_not_sent', `No cookie is sent: ${warning}.`)
  return right('cookies_sent', `Sent with it: ${listed(namesIn(sent))}.`)
}

/**
 * What the cookies do, by asking once with and once without them. A reply does not tell what arrived; that the two differ
 * does.
 */
export function compare(withThem: Asked<'connect'>, without: Asked<'connect'>, { url }: Place): Finding {
  const yes = withThem.outcome
  const no = without.outcome
  const nobody = no.outcome === 'refused' ? `“${no.error}”` : 'nobody'
  if (yes.outcome === 'refused' && no.outcome === 'refused') {
    return wrong(
      'cookies_make_no_difference',
      `The application refuses with these cookies as it does without: ${nobody}. Either they do not reach it, or they belong to no session.`,
      `Look at what POST ${url.pathname} gets as its Cookie header. Is the session still there, does its cookie have this name, does something between drop it?`,
    )
  }
  if (yes.outcome === 'allowed' && no.outcome === 'allowed' && nameOf(withThem) === nameOf(without)) {
    return note(
      'cookies_not_needed',
      'Without the cookies the application admits the same user: it does not go by them.',
      'Where it should, let the callback read the session and refuse who has none.',
    )
  }
  if (no.outcome === 'refused')
    return right('cookies_arrive', `The cookies arrive: without them it refuses, ${nobody}.`)
  return right('cookies_arrive', `The cookies arrive: without them it answers otherwise.`)
}

function nameOf({ outcome }: Asked<'connect'>): string | undefined {
  return outcome.outcome === 'allowed' ? outcome.details.name : undefined
}

function namesIn(cookies: string): string[] {
  return cookies.split(';').map((pair) => pair.split('=', 1)[0]?.trim() ?? '')
}
