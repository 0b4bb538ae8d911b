import type { IncomingMessage, ServerResponse } from 'node:http'
import { quote } from '@hookbox/protocol'

/** What the console's page may do: run its own script, and nothing that a payload could bring along. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** Nothing of the console is kept by anybody, shown in a frame or told to another site. */
export function protect(response: ServerResponse): void {
  response.setHeader('content-security-policy', policy)
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('cache-control', 'no-store')
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('cross-origin-opener-policy', 'same-origin')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
}

/**
 * Why a request that changes something, or opens a feed, is not heard; `host` is what the browser asked for. Browsers send
 * `Origin` with every POST. Cookies are shared by all ports of a host, so that the port counts, too.
 */
export function refuseOrigin({ headers }: IncomingMessage, host: string | undefined): string | undefined {
  const { origin } = headers
  const own = origin === undefined || host === undefined ? undefined : ownOrigin(origin, host)
  if (own === 'exactly') return undefined
  // Some proxies leave the port out of `Host`; then the browser's own word counts, which no page can forge.
  if (own === 'but for the port' && headers['sec-fetch-site'] === 'same-origin') return undefined
  return `origin ${quote(origin)}: expected that of the console itself`
}

/** Whether the page was served by https, as its browser says. */
export function isSecure({ headers: { origin } }: IncomingMessage): boolean {
  return origin?.startsWith('https:') === true
}

function ownOrigin(origin: string, host: string): 'exactly' | 'but for the port' | undefined {
  if (!URL.canParse(origin)) return undefined
  const page = new URL(origin)
  const asked = `${page.protocol}//${host}`
  if (page.origin !== origin || !/^https?:$/.test(page.protocol) || !URL.canParse(asked)) return undefined
  const own = new URL(asked)
  if (own.origin === origin) return 'exactly'
  return own.hostname === page.hostname && own.port === '' ? 'but for the port' : undefined
}

/** The session's cookie: another one for each hub of a host, as browsers know hosts without their ports. */
export class SessionCookie {
  readonly #basePath: string

  constructor(basePath: string) {
    this.#basePath = basePath
  }

  /** The secrets that a request carries. */
  read({ headers: { cookie = '' } }: IncomingMessage, host: string | undefined): string[] {
    const names = [this.#name(host, true), this.#name(host, false)]
    return cookie.split(';').flatMap((part) => {
      const at = part.indexOf('=')
      return names.includes(part.slice(0, at).trim()) ? [part.slice(at + 1).trim()] : []
    })
  }

  /** The line for `Set-Cookie`; an empty secret takes the cookie away. */
  line(secret: string, host: string | undefined, secure: boolean): string {
    const end = secret === '' ? '; Max-Age=0' : ''
    return `${this.#name(host, secure)}=${secret}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}${end}`
  }

  #name(host: string | undefined, secure: boolean): string {
    const [, port = ''] = /:(\d+)$/.exec(host ?? '') ?? []
    const parts = ['hookbox-admin', port, ...this.#basePath.split(/[^\w]+/)].filter((part) => part !== '')
    return `${secure ? '__Host-' : ''}${parts.join('-')}`
  }
}
