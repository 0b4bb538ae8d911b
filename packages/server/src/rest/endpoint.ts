import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, HookboxError, quote } from '@hookbox/protocol'
import type { Log } from '../log.ts'
import type { Given, GivenFields, Method, Result } from './fields.ts'
import { readGiven } from './given.ts'

export interface RestOptions {
  readonly methods: { readonly [name: string]: Method }
  /** Each of them opens the interface; where there is none it is off. Asked anew for each request. */
  readonly secrets: () => readonly string[]
  readonly log: Pick<Log, 'error'>
  /** Answer 200 whatever happened, as the original did under `/web/`. */
  readonly alwaysOk: boolean
}

/** Answers a request for the REST method of this name. Never throws. */
export type RestHandler = (request: IncomingMessage, response: ServerResponse, name: string) => Promise<void>

/** The names under which the secret may stand among the fields. */
const secretFields = ['security_token', 'secret']

/** The web application asking the hub: find the method, check secret and fields, run, answer (contract: REST). */
export function createRestEndpoint({ methods, secrets, log, alwaysOk }: RestOptions): RestHandler {
  async function run(request: IncomingMessage, name: string): Promise<Result> {
    const accepted = secrets().filter((secret) => secret !== '')
    if (accepted.length === 0) {
      throw new HookboxError(
        'disabled',
        'the REST interface is off, as it has no secret; set one by --api-security-token',
      )
    }
    if (request.method !== 'POST' && request.method !== 'GET') throw new MethodNotAllowed(request.method)
    const given = await readGiven(request)
    authorise(request, given, accepted)
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (!method) throw new HookboxError('unknown_method', `unknown method ${quote(name)}`)
    return method.run(new Map([...given].filter(([field]) => !secretFields.includes(field))))
  }

  return async (request, response, name) => {
    let status = 200
    let body: string
    try {
      body = JSON.stringify([true, await run(request, name)])
    } catch (thrown) {
      const error = readable(thrown)
      if (error !== thrown) log.error({ method: name, err: thrown }, 'a REST method failed')
      status = thrown instanceof MethodNotAllowed ? 405 : errors[error.code].status
      body = JSON.stringify([false, { error: error.message, msg: error.message, code: error.code }])
    }
    if (alwaysOk) status = 200
    response.writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...(status === 405 && { allow: 'GET, POST' }),
      ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    })
    response.end(body)
  }
}

/** The one status that no error of the protocol's has. */
class MethodNotAllowed extends HookboxError {
  constructor(method: string | undefined) {
    super('bad_request', `expected GET or POST, got ${method}`)
  }
}

/** What the application may read: a bug is for the log only. */
function readable(thrown: unknown): HookboxError {
  return thrown instanceof HookboxError ? thrown : new HookboxError('internal', 'internal error', { cause: thrown })
}

function authorise(request: IncomingMessage, given: GivenFields, accepted: readonly string[]): void {
  const [, bearer] = /^bearer +(.+)$/i.exec(request.headers.authorization ?? '') ?? []
  const shown = [bearer, ...secretFields.map((field) => asText(given.get(field)))].filter((one) => one !== undefined)
  if (shown.length === 0) {
    throw new HookboxError('unauthorized', 'security_token: expected the secret of the REST interface, got nothing')
  }
  // Everything is compared, so that the time taken tells nothing.
  const matches = shown.flatMap((one) => accepted.map((secret) => same(one, secret)))
  if (!matches.includes(true)) throw new HookboxError('unauthorized', 'security_token: wrong secret')
}

function asText(given: Given | undefined): string | undefined {
  if (given === undefined) return undefined
  const value = 'text' in given ? given.text : given.value
  return typeof value === 'string' ? value : undefined
}

/** In a time that does not depend on how much is right. */
function same(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
