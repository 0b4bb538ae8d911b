import type { Caller, Question, WebhookName } from './callbacks.ts'
import type { Answer } from './reply.ts'

/** One call of a webhook, with all that was seen of it. It holds secrets: nobody is shown it as it is. */
export interface SeenCall {
  /** When it began: milliseconds since 1970. */
  readonly at: number
  readonly name: WebhookName
  /** `webhook-id`: the same on every retry. */
  readonly id: string
  /** Where it went, without user name and query string; undefined: to a function in this process. */
  readonly url: string | undefined
  /** The form fields besides `action` and `secret`. */
  readonly fields: Question['fields']
  /** The `Cookie` header as it was when the call was made. */
  readonly cookies: Caller['cookies']
  readonly address: Caller['address']
  /** Milliseconds. */
  readonly duration: number
  /** What came by HTTP, or stands for it where a function was asked; undefined where nothing came. */
  readonly answer: Answer | undefined
  /** What was thrown below HTTP, or what was wrong with a function in words. */
  readonly problem: unknown
  /** There was no complete answer in time. */
  readonly late: boolean
}

/** Hears of every call, once it has ended. Must not throw. */
export type SawCall = (call: SeenCall) => void

/** What is known of a call before it is made. */
export function callOf(
  { name, id, fields, caller }: Question,
  at: number,
): Omit<SeenCall, 'url' | 'duration' | 'answer' | 'problem' | 'late'> {
  return { at, name, id, fields, cookies: caller.cookies, address: caller.address }
}

/** Bytes that a call takes in memory, about. */
export function weigh({ fields, cookies = '', answer }: SeenCall): number {
  let characters = cookies.length + (answer?.body.length ?? 0)
  for (const field of Object.values(fields)) characters += field.length
  for (const cookie of answer?.setCookies ?? []) characters += cookie.length
  return 500 + 2 * characters
}
