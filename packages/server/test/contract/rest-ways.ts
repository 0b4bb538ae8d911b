import type { Json } from '@hookbox/protocol'
import { type RestReply, restSecret } from '../kit/running-hub.ts'

/** How a web application may write what it asks (contract: REST). */
export const ways = ['a form', 'a JSON body', 'a query string'] as const

export type Way = (typeof ways)[number]

export type Fields = { readonly [field: string]: Json }

export interface Asking {
  readonly way?: Way
  /** Default `/rest/`. */
  readonly base?: string
  /** Shown as `security_token` among the fields unless given; null shows none. */
  readonly secret?: string | null
  readonly headers?: Readonly<Record<string, string>>
}

/** In a form these are JSON text, a text among them too. */
const jsonFields: readonly string[] = ['payload', 'val']

/** Calls a REST method of the hub at `url`, with its fields as they would stand in a JSON body. */
export async function ask(url: string, method: string, fields: Fields = {}, asking: Asking = {}): Promise<RestReply> {
  const { way = 'a JSON body', base = '/rest/', secret = restSecret, headers = {} } = asking
  const all: Fields = secret === null ? fields : { ...fields, security_token: secret }
  const target = `${url}${base}${method}`
  if (way === 'a JSON body') {
    const body = JSON.stringify(all)
    return read(
      await fetch(target, { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body }),
    )
  }
  const form = new URLSearchParams(
    Object.entries(all).map(([field, value]): [string, string] => [field, asText(field, value)]),
  )
  if (way === 'a form') return read(await fetch(target, { method: 'POST', headers, body: form }))
  return read(await fetch(`${target}?${form}`, { headers }))
}

/** Reads a reply, which is always a list of two. */
export async function read(response: Response): Promise<RestReply> {
  const text = await response.text()
  const reply: unknown = JSON.parse(text)
  const [ok, details] = Array.isArray(reply) && reply.length === 2 ? (reply as unknown[]) : []
  if (typeof ok !== 'boolean' || typeof details !== 'object' || details === null) {
    throw new Error(`expected [success, details], got ${response.status} ${text}`)
  }
  return { status: response.status, ok, details: details as Record<string, unknown> }
}

function asText(field: string, value: Json): string {
  return typeof value === 'string' && !jsonFields.includes(field) ? value : JSON.stringify(value)
}
