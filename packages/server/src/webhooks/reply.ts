import { isObject, maxJsonDepth, quote } from '@hookbox/protocol'
import { deeperThan } from '../depth.ts'
import type { Details, FaultKind, Reply } from './callbacks.ts'

/** An HTTP answer as it came. */
export interface Answer {
  readonly status: number
  readonly location: string | undefined
  readonly encoding: string | undefined
  readonly contentType?: string | undefined
  readonly setCookies: readonly string[]
  readonly body: string
}

/**
 * Reads `[success, details]`. Whatever is anything else is a fault that says in words what was wrong. `url`: where the question
 * went.
 */
export function readReply(answer: Answer, url?: string): Reply {
  const { status, body } = answer
  if (status !== 200) return fault('status', notOk(answer), answer, url)
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return fault('form', `expected [true, {…}], got ${notJson(answer)}`, answer, url)
  }
  const [success, given] = Array.isArray(reply) && reply.length === 2 ? (reply as unknown[]) : []
  const details = readDetails(given)
  if (typeof success !== 'boolean' || !details) {
    // A value too deep to be written out again must not be quoted either.
    const got = deeperThan(reply, maxJsonDepth) ? 'something nested very deep' : quote(reply)
    return fault('form', `expected [true, {…}], got ${got}`, answer, url)
  }
  return { kind: 'answer', success, details, setCookies: answer.setCookies, url }
}

/** Details that may be used: an object, each value at most 32 deep. `[]` stands for `{}`, as PHP writes it. */
export function readDetails(value: unknown): Details | undefined {
  if (Array.isArray(value) && value.length === 0) return {}
  return isObject(value) && !deeperThan(value, maxJsonDepth + 1) ? value : undefined
}

/** The first part of a text that came from outside, fit for one line of a log. */
export function excerpt(text: string): string {
  return text.slice(0, 200).replace(/[\p{C}\s]+/gu, ' ')
}

function fault(why: FaultKind, what: string, { status, body }: Answer, url: string | undefined): Reply {
  return { kind: 'fault', why, fault: `${what} (status ${status})${body === '' ? '' : `: ${excerpt(body)}`}`, url }
}

function notOk({ status, location }: Answer): string {
  if (status >= 300 && status < 400 && location !== undefined) {
    // What follows the question mark may hold a token.
    return `redirect to ${excerpt(location.replace(/[?#].*/s, ''))} (${status}) is not followed`
  }
  return `expected status 200, got ${status}`
}

function notJson({ body, encoding }: Answer): string {
  if (encoding !== undefined && encoding !== 'identity') return `a body encoded with ${excerpt(encoding)}`
  if (body.trim() === '') return 'nothing'
  return /^\s*</.test(body) ? 'HTML' : 'text that is no JSON'
}
