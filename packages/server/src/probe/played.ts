import type { WebhookName } from '../webhooks/callbacks.ts'
import type { Asked } from './ask-once.ts'
import type { Outcome } from './outcome.ts'

/** What a hub would do now, and what was seen of the answer. */
export type Played<N extends WebhookName = WebhookName> = Outcome<N> & {
  /** The HTTP status; undefined where no answer came. */
  readonly status: number | undefined
  /** Milliseconds. */
  readonly duration: number
  /** The `Cookie` header of this browser's next webhook: what was given, changed by `Set-Cookie`. */
  readonly cookies: string | undefined
  /** The lines of `Set-Cookie` that the page is told of: all but those that are `HttpOnly`. */
  readonly pageCookies: readonly string[]
}

/** What is told of a question. */
export function playedOf<N extends WebhookName>({
  outcome,
  exchange,
  duration,
  cookies,
  setCookies,
}: Asked<N>): Played<N> {
  return { ...outcome, status: exchange.answer?.status, duration, cookies, pageCookies: setCookies.told }
}
