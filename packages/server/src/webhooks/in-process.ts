import { isObject, type Json, quote } from '@hookbox/protocol'
import type { Clock } from '../clock.ts'
import { type Ask, jsonFields, type Question, type Reply } from './callbacks.ts'
import type { CallbackFunctions, Refusal } from './functions.ts'
import { parseCookies } from './parse-cookies.ts'
import { readDetails } from './reply.ts'
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
}

/** Asks functions in this process instead of a web application. */
export function createInProcessAsk({ functions, cookieIdentifier, timeout, clock }: InProcessAskOptions): Ask {
  return async (question) => {
    const call = functions[question.name] as AnyCallback | undefined
    if (!call) return yes({})
    let cancel = (): void => {}
    const tooLate = new Promise<Reply>((resolve) => {
      cancel = clock.after(timeout, () => resolve({ kind: 'fault', fault: `no answer within ${timeout} ms` }))
    })
    try {
      return await Promise.race([run(call.bind(functions), question, cookieIdentifier), tooLate])
    } catch (cause) {
      // Whatever a callback throws concerns one question, not the hub.
      return isRefusal(cause) ? no(cause) : { kind: 'fault', reached: true, fault: `threw ${text(cause)}`, cause }
    } finally {
      cancel()
    }
  }
}

type AnyCallback = (fields: unknown, call: unknown) => unknown

async function run(callback: AnyCallback, question: Question, cookieIdentifier: string | undefined): Promise<Reply> {
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

function yes(details: unknown): Reply {
  return answer(true, details)
}

function no(refusal: Refusal): Reply {
  return answer(false, refusal.details)
}

function answer(success: boolean, given: unknown): Reply {
  // As if it had come by HTTP: what JSON cannot carry is no detail, and nobody changes it afterwards.
  const details = isObject(given) || Array.isArray(given) ? readDetails(JSON.parse(JSON.stringify(given))) : undefined
  if (details) return { kind: 'answer', success, details, setCookies: [] }
  return { kind: 'fault', fault: `expected an object of details, nothing or refuse(…), got ${text(given)}` }
}

function text(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return typeof value === 'object' && value !== null ? Object.prototype.toString.call(value) : quote(value)
}
