import { isObject, type Json, quote } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { type Ask, jsonFields, type Question, type Reply } from './callbacks.ts'
import type { CallbackFunctions, Refusal } from './functions.ts'
import { parseCookies } from './parse-cookies.ts'
import { readDetails } from './reply.ts'
import { callOf, type SawCall, type SeenCall } from './seen-call.ts'
import { wantedCookies } from './wanted-cookies.ts'

const refusalMark: unique symbol = Symbol.for('hookbox.refusal')

/**
 * Returned by a callback function to say no.
 *
 * @param error a text for the page that asked
 * @param details what is honoured in a refusal: `auto_subscribe` and `auto_unsubscribe` of `publish` and `message`
 * @example
 * publish: ({ user }) => (muted.has(user) ? refuse('you are muted') : {})
 */
export function refuse(error?: string, details: { readonly [name: string]: unknown } = {}): Refusal {
  const refusal: Refusal = { details: error === undefined ? details : { ...details, error } }
  return Object.defineProperty(refusal, refusalMark, { value: true })
}

/** A mark that both builds of this package share: a refusal must never be taken for the details of a yes. */
function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as { [refusalMark]?: unknown })[refusalMark] === true
}

/** What asking functions needs. */
export interface InProcessAskOptions {
  readonly functions: CallbackFunctions
  /** The only cookie that functions get; undefined: all of them. */
  readonly cookieIdentifier?: string | undefined
  /** Milliseconds for a function to answer; beyond it the call is a fault, whatever it does later. */
  readonly timeout: number
  readonly clock: Clock
  readonly saw?: SawCall
}

/** Asks functions in this process instead of a web application. */
export function createInProcessAsk(options: InProcessAskOptions): Ask {
  const { functions, clock, saw } = options
  return async (question) => {
    const callback = functions[question.name] as AnyCallback | undefined
    if (!callback) return yes({}).reply
    const call = callOf(question, clock.now())
    const begun = performance.now()
    const returned = await askFunction(callback.bind(functions), question, options)
    saw?.({ ...call, url: undefined, duration: performance.now() - begun, ...seenOf(returned) })
    return returned.reply
  }
}

/** What a function returned, and its text as if it had come by HTTP. */
interface Returned {
  readonly reply: Reply
  readonly body?: string
}

function seenOf({ reply, body }: Returned): Pick<SeenCall, 'answer' | 'problem' | 'late'> {
  const answer = {
    status: 200,
    location: undefined,
    encoding: undefined,
    contentType: 'application/json',
    setCookies: [],
  }
  return {
    answer: body === undefined ? undefined : { ...answer, body },
    problem: reply.kind === 'fault' ? reply.fault : undefined,
    late: reply.kind === 'fault' && reply.why === 'time',
  }
}

async function askFunction(
  callback: AnyCallback,
  question: Question,
  { cookieIdentifier, timeout, clock }: InProcessAskOptions,
): Promise<Returned> {
  let cancel = (): void => {}
  const tooLate = new Promise<Returned>((resolve) => {
    const reply: Reply = { kind: 'fault', why: 'time', fault: `no answer within ${timeout} ms` }
    cancel = clock.after(timeout, () => resolve({ reply }))
  })
  try {
    return await Promise.race([run(callback, question, cookieIdentifier), tooLate])
  } catch (cause) {
    // Whatever a callback throws concerns one question, not the hub.
    if (isRefusal(cause)) return no(cause)
    return { reply: { kind: 'fault', why: 'threw', fault: `threw ${text(cause)}`, cause } }
  } finally {
    cancel()
  }
}

type AnyCallback = (fields: unknown, call: unknown) => unknown

async function run(callback: AnyCallback, question: Question, cookieIdentifier: string | undefined): Promise<Returned> {
  const { caller, id } = question
  const cookieHeader = wantedCookies(caller.cookies, cookieIdentifier)
  const returned = await callback(fieldsOf(question), {
    cookies: parseCookies(cookieHeader),
    cookieHeader,
    address: caller.address,
    id,
  })
  if (returned === undefined) return yes({})
  return isRefusal(returned) ? no(returned) : yes(returned)
}

function fieldsOf({ fields }: Question): { [field: string]: Json } {
  const given: { [field: string]: Json } = {}
  for (const [field, value] of Object.entries(fields)) {
    given[field] = jsonFields.has(field) ? (JSON.parse(value) as Json) : value
  }
  return given
}

function yes(details: unknown): Returned {
  return answer(true, details)
}

function no(refusal: Refusal): Returned {
  return answer(false, refusal.details)
}

function answer(success: boolean, given: unknown): Returned {
  // As if it had come by HTTP: what JSON cannot carry is no detail, and nobody changes it afterwards.
  const json = isObject(given) || Array.isArray(given) ? JSON.stringify(given) : undefined
  const details = json === undefined ? undefined : readDetails(JSON.parse(json))
  if (details) return { reply: { kind: 'answer', success, details, setCookies: [] }, body: `[${success},${json}]` }
  const fault = `expected an object of details, nothing or refuse(…), got ${text(given)}`
  return { reply: { kind: 'fault', why: 'form', fault } }
}

function text(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : quote(value)
}
