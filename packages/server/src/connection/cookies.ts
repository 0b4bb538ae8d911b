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

  /** Takes these and no others. */
  replace(cookieString: string): void {
    this.#cookies.clear()
    this.addMissing(cookieString)
  }

  /**
   * Applies the value of a `Set-Cookie` header (RFC 6265 §5.2), by name alone: where and for which path it holds is for the
   * browser to know. True when script may see it, so that the page can be told.
   */
  set(line: string, now: number): boolean {
    const [pair = '', ...given] = line.split(';')
    const cookie = split(pair)
    if (!cookie) return false
    const attributes = new Map(given.map(attribute))
    if (isOver(attributes, now)) this.#cookies.delete(cookie.name)
    else this.#cookies.set(cookie.name, cookie.value)
    return !attributes.has('httponly')
  }
}

function split(pair: string): { name: string; value: string } | undefined {
  const at = pair.indexOf('=')
  const name = pair.slice(0, at).trim()
  return at > 0 && name !== '' ? { name, value: pair.slice(at + 1).trim() } : undefined
}

function attribute(text: string): [name: string, value: string] {
  const [name = '', ...value] = text.split('=')
  return [name.trim().toLowerCase(), value.join('=').trim()]
}

/** `Max-Age` at or below zero, or else `Expires` in the past: the way to take a cookie away. */
function isOver(attributes: ReadonlyMap<string, string>, now: number): boolean {
  const age = Number(attributes.get('max-age'))
  if (attributes.has('max-age') && !Number.isNaN(age)) return age <= 0
  return Date.parse(attributes.get('expires') ?? '') <= now
}
