import type { IncomingMessage, ServerResponse } from 'node:http'
import { errors, HookboxError, quote } from '@hookbox/protocol'
import type { Log } from '../log.ts'
import { requestId } from '../requests.ts'
import type { Signals } from '../signals/signals.ts'
import { authorise, needSecrets, secretFields } from './authorise.ts'
import type { Method, Result } from './fields.ts'
import { readGiven } from './given.ts'

export interface RestOptions {
  readonly methods: { readonly [name: string]: Method }
  /** Each of them opens the interface; where there is none it is off. Asked anew for each request. */
  readonly secrets: () => readonly string[]
  readonly log: Pick<Log, 'debug' | 'error'>
  readonly signals: Pick<Signals, 'restCalled'>
  /** Answer 200 whatever happened, as the original did under `/web/`. */
  readonly alwaysOk: boolean
}

/** Answers a request for the REST method of this name. Never throws. */
export type RestHandler = (request: IncomingMessage, response: ServerResponse, name: string) => Promise<void>

/** The web application asking the hub: find the method, check secret and fields, run, answer (contract: REST). */
export function createRestEndpoint({ methods, secrets, log, signals, alwaysOk }: RestOptions): RestHandler {
  async function run(request: IncomingMessage, name: string): Promise<Result> {
    const accepted = needSecrets(secrets())
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
    const method = Object.hasOwn(methods, name) ? name : 'unknown'
    try {
      body = JSON.stringify([true, await run(request, name)])
      signals.restCalled(method, 'ok')
    } catch (thrown) {
      const error = readable(thrown)
      signals.restCalled(method, error.code)
      if (error !== thrown) log.error({ request: requestId(request), method, err: thrown }, 'a REST method failed')
      status = thrown instanceof MethodNotAllowed ? 405 : errors[error.code].status
      body = JSON.stringify([false, { error: error.message, msg: error.message, code: error.code }])
    }
    if (alwaysOk) status = 200
    log.debug({ request: requestId(request), method, status }, 'REST method called')
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
