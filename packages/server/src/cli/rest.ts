import { isObject } from '@hookbox/protocol'
import type { Given } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { localUrl } from '../local-url.ts'
import { excerpt } from '../webhooks/reply.ts'
import { lastOf } from './own.ts'

/** Milliseconds for an answer of the hub. */
const patience = 10_000

/** Bytes of an answer. */
const largest = 67_108_864

/** The flags of every command that goes through REST. */
export const restFlags = [
  { flag: 'rest', placeholder: 'URL', help: 'The hub, or its REST port. [where these options have it listen]' },
  { flag: 'json', help: 'Print JSON on a terminal, too.' },
] as const

/** What every one of them says of itself. */
export const aboutRest =
  'It goes through REST. The secret is the one of the hub: best in the environment, HOOKBOX_API_SECURITY_TOKEN, or in the --config file.'

export const restExits = {
  0: 'It is done.',
  1: 'The hub said no.',
  2: 'An option is wrong.',
  3: 'The hub could not be asked.',
} as const

/** What the hub answered. `fault`: nothing, or nothing that a hub would. */
export type Answered =
  | { readonly kind: 'done'; readonly details: { readonly [name: string]: unknown } }
  | { readonly kind: 'no' | 'fault'; readonly error: string }

/** Calls a REST method of the hub. */
export type Call = (method: string, fields?: { readonly [field: string]: string }) => Promise<Answered>

/** @throws ConfigError where there is no secret, or nothing says where the hub is */
export function restOf(given: Given): Call {
  const { apiSecurityToken: secret } = given.config
  if (secret === undefined) {
    throw new ConfigError(
      'expected the secret of REST as HOOKBOX_API_SECURITY_TOKEN in the environment, or in --config FILE',
    )
  }
  const base = baseOf(given)
  return async (method, fields = {}) => {
    try {
      const response = await fetch(`${base}/rest/${method}`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: { authorization: `Bearer ${secret}` },
        // The secret goes nowhere else.
        redirect: 'manual',
        signal: AbortSignal.timeout(patience),
      })
      return read(await bodyOf(response), response.status, base)
    } catch (error) {
      return { kind: 'fault', error: `${base} cannot be asked: ${reason(error)}` }
    }
  }
}

function baseOf(given: Given): string {
  const { config } = given
  const url = lastOf(given, 'rest')
  if (url === undefined) {
    const own = config.webApiPort !== undefined || config.webApiInterface !== undefined
    const port = config.webApiPort ?? config.port
    if (port === 0) throw new ConfigError('expected --rest, as the port is one that the hub picks')
    return localUrl((own ? config.webApiInterface : undefined) ?? config.interface, port) + (own ? '' : config.basePath)
  }
  const target = /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url) : undefined
  if (target?.username !== '' || target.password !== '') {
    throw new ConfigError('--rest: expected an http or https URL, without a user name')
  }
  return target.origin + target.pathname.replace(/\/+$/, '').replace(/\/rest$/, '')
}

async function bodyOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > largest) throw new Error(`expected an answer of at most ${largest} bytes`)
  }
  return text + decoder.decode()
}

function read(body: string, status: number, base: string): Answered {
  const [success, details] = listOf(body)
  if (success === true && isObject(details)) return { kind: 'done', details }
  if (success === false && isObject(details) && typeof details.error === 'string') {
    return { kind: status >= 500 ? 'fault' : 'no', error: details.error }
  }
  return { kind: 'fault', error: `${base} is no REST interface of a hub (status ${status}): ${excerpt(body)}` }
}

function listOf(body: string): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(body)
    return Array.isArray(list) ? list : []
  } catch {
    return [] // An answer, but not from a hub.
  }
}

function reason(error: unknown): string {
  const { name, message, cause } = error as { name?: unknown; message?: unknown; cause?: unknown }
  if (name === 'TimeoutError') return `no answer within ${patience / 1_000} s`
  const { code, message: inner } = (cause ?? {}) as { code?: unknown; message?: unknown }
  return excerpt(String(inner || code || message))
}
