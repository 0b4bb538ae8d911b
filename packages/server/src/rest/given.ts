import type { IncomingMessage } from 'node:http'
import { HookboxError, isObject, maxJsonDepth, quote } from '@hookbox/protocol'
import { deeperThan } from '../depth.ts'
import { readBody } from '../http/body.ts'
import type { Given, GivenFields } from './fields.ts'

/** Fields of one request; beyond them it is refused. */
const maxFields = 1_000

/**
 * Reads what came with a request, out of its query string and its body, a form or a JSON object. Where both have a field,
 * the body's counts.
 *
 * @throws HookboxError `too_large`, or `bad_request` that says what was expected.
 */
export async function readGiven(request: IncomingMessage): Promise<GivenFields> {
  const { url = '' } = request
  const mark = url.indexOf('?')
  const given = new Map<string, Given>(mark === -1 ? [] : texts(url.slice(mark + 1)))
  if (request.method === 'POST') {
    const body = await readBody(request)
    for (const [field, one] of parseBody(body, request.headers['content-type'])) given.set(field, one)
  }
  if (given.size > maxFields) {
    throw new HookboxError('bad_request', `expected at most ${maxFields} fields, got ${given.size}`)
  }
  return given
}

function parseBody(body: string, contentType: string | undefined): [string, Given][] {
  if (body === '') return []
  const type = contentType?.split(';')[0]?.trim().toLowerCase()
  if (type === 'application/json') return values(body)
  if (type !== undefined && type !== 'application/x-www-form-urlencoded') {
    const types = 'application/x-www-form-urlencoded or application/json'
    throw new HookboxError('bad_request', `content-type: expected ${types}, got ${quote(type)}`)
  }
  if (body.startsWith('{')) {
    throw new HookboxError('bad_request', 'body: expected a form; JSON needs content-type application/json')
  }
  return texts(body)
}

function texts(form: string): [string, Given][] {
  const seen = new Set<string>()
  return [...new URLSearchParams(form)].map(([field, text]) => {
    // Which of them the application meant, nobody can tell.
    if (seen.has(field)) throw new HookboxError('bad_request', `${field}: expected once, got it twice`)
    seen.add(field)
    return [field, { text }]
  })
}

function values(body: string): [string, Given][] {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch (cause) {
    // Not quoted, as the secret may stand in it.
    throw new HookboxError('bad_request', 'body: expected a JSON object, got something that is no JSON', { cause })
  }
  const object = Array.isArray(parsed) && parsed.length === 0 ? {} : parsed
  if (!isObject(object)) throw new HookboxError('bad_request', 'body: expected a JSON object, got another value')
  return Object.entries(object).map(([field, value]) => {
    if (!deeperThan(value, maxJsonDepth)) return [field, { value }]
    throw new HookboxError('bad_request', `${field}: expected JSON nested at most ${maxJsonDepth} deep`)
  })
}
