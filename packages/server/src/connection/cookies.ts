/** The cookies that webhooks carry for one connection, as they stand now. */
export class CookieJar {
  readonly #cookies = new Map<string, string>()

  /** `header`: the handshake's `Cookie` header. */
  constructor(header: string | undefined) {
    this.addMissing(header ?? '')
  }

  /** A `Cookie` header; undefined when there is none to send. */
  get header(): string | undefined {
    if (this.#cookies.size === 0) return undefined
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** Takes the names that are not there yet: a page's own `document.cookie` never overrules what the browser sent. */
  addMissing(cookieString: string): void {
    for (const pair of cookieString.split(';')) {
      const cookie = split(pair)
      if (cookie && !this.#cookies.has(cookie.name)) this.#cookies.set(cookie.name, cookie.value)
    }
  }

  /**
   * Applies the value of a `Set-Cookie` header (RFC 6265 §5.2), by name alone: where and for which path it holds is for the
   * browser to know. True when script may see it, so that the page can be told.
   */
  set(line: string): boolean {
    const [pair = '', ...attributes] = line.split(';')
    const cookie = split(pair)
    if (!cookie) return false
    const words = attributes.map((attribute) => attribute.trim().toLowerCase())
    if (words.some(expires)) this.#cookies.delete(cookie.name)
    else this.#cookies.set(cookie.name, cookie.value)
    return !words.includes('httponly')
  }
}

function split(pair: string): { name: string; value: string } | undefined {
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  return at > 0 && name !== '' ? { name, value: pair.slice(at + 1).trim() } : undefined
}

/** `Max-Age` at or below zero, or `Expires` in the past: the way to take a cookie away. */
function expires(attribute: string): boolean {
  const [name, value = ''] = attribute.split('=')
  if (name === 'max-age') return Number(value) <= 0
  return name === 'expires' && Date.parse(value) <= Date.now()
}
