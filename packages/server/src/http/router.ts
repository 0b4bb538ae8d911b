import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { errors, HookboxError } from '@hookbox/protocol'
import type { AccessLog, Log, LogFields } from '../log.ts'
import { ignore, pathOf, refuseUpgrade, requestId, type Upgrade, upgradeLine } from '../requests.ts'

/** Answers a request; `rest` is the path below a route that ends in a slash. What it throws becomes the answer. */
export type Handler = (request: IncomingMessage, response: ServerResponse, rest: string) => void | Promise<void>

export interface Route {
  /** Below the base path; one that ends in a slash takes all that begins with it. */
  readonly path: string
  /** With `GET`, `HEAD` is answered too. Without any, the handler looks for itself. */
  readonly methods?: readonly string[]
  readonly handle: Handler
}

export interface RouterOptions {
  /** Starts with `/`, or is empty. */
  readonly basePath: string
  readonly routes: readonly Route[]
  /** By path below the base path. */
  readonly upgrades?: { readonly [path: string]: Upgrade }
  /** Why nothing at all is answered to this request (403), or undefined. */
  readonly refuse?: (request: IncomingMessage) => string | undefined
  readonly addressOf: (request: IncomingMessage) => string
  /** By what a trusted proxy knows a request, if any is in front. */
  readonly idOf?: (request: IncomingMessage) => string | undefined
  readonly log: Log
  readonly access: AccessLog | undefined
}

/** What the hub answers by HTTP below its base path, on its own server or on somebody else's. */
export interface Router {
  /** Whether a request is for the hub. */
  takes(request: IncomingMessage): boolean
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export function createRouter(options: RouterOptions): Router {
  const { basePath, log, access } = options
  const exact = new Map(options.routes.filter(isExact).map((route) => [route.path, route]))
  const prefixes = options.routes.filter((route) => !isExact(route))
  const upgrades = new Map(Object.entries(options.upgrades ?? {}))

  const below = (request: IncomingMessage): string | undefined => {
    const path = pathOf(request)
    return path === basePath || path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : undefined
  }

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const refused = options.refuse?.(request)
    if (refused !== undefined) throw new HookboxError('refused', refused)
    const path = below(request)
    const route =
      path === undefined ? undefined : (exact.get(path) ?? prefixes.find((one) => path.startsWith(one.path)))
    if (path === undefined || route === undefined) return answerJson(response, 404, { error: 'nothing is served here' })
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
    if (route.methods && !route.methods.includes(method)) {
      response.setHeader('allow', allowed(route.methods))
      return answerJson(response, 405, { error: `expected ${allowed(route.methods)}, got ${request.method}` })
    }
    await route.handle(request, response, path.slice(route.path.length))
  }

  return {
    takes: (request) => below(request) !== undefined,

    request(request, response) {
      const started = performance.now()
      const id = requestId(request, options.idOf?.(request))
      const address = options.addressOf(request) // A socket that has gone has none.
      request.on('error', ignore)
      response.on('error', ignore)
      response.on('close', () => {
        access?.write({
          request: id,
          address,
          method: request.method ?? '',
          path: pathOf(request),
          status: response.headersSent ? response.statusCode : gone,
          duration: Math.round(performance.now() - started),
          userAgent: request.headers['user-agent'],
        })
      })
      answer(request, response).catch((error: unknown) =>
        answerError(response, error, log, { request: id, path: pathOf(request) }),
      )
    },

    // Whoever takes a socket over hears its errors: one more listener for it would stay as long as the page.
    upgrade(request, socket, head) {
      const id = requestId(request, options.idOf?.(request))
      const path = below(request)
      const upgrade = path === undefined ? undefined : upgrades.get(path)
      if (upgrade === undefined) {
        refuseUpgrade(socket, 404, 'nothing is served here')
        return access?.write(upgradeLine(request, options.addressOf(request), 404))
      }
      try {
        upgrade(request, socket, head)
      } catch (err) {
        log.error({ request: id, err, path: pathOf(request) }, 'an upgrade failed')
        socket.on('error', ignore)
        socket.destroy()
      }
    },
  }
}

/** In the access log, for whoever went before the answer came. */
const gone = 499

/** Answers with JSON. */
export function answerJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

/** Only a HookboxError is for the other side to read. */
function answerError(response: ServerResponse, error: unknown, log: Log, of: LogFields): void {
  const known = error instanceof HookboxError ? error : new HookboxError('internal', 'internal error', { cause: error })
  if (known !== error) log.error({ ...of, err: error }, 'a request failed')
  if (response.headersSent) response.destroy()
  else answerJson(response, errors[known.code].status, { error: known.message })
}

function isExact({ path }: Route): boolean {
  return !path.endsWith('/')
}

function allowed(methods: readonly string[]): string {
  return (methods.includes('GET') ? ['GET', 'HEAD', ...methods.filter((one) => one !== 'GET')] : methods).join(', ')
}
