/** The cookies that webhooks carry for one connection, as they stand now. */
export class CookieJar {
  /** As a header: it takes less memory than a table, and is asked for far more often than it changes. */
  #header = ''

  /** `header`: the handshake's `Cookie` header. */
  constructor(header: string | undefined) {
    this.addMissing(header ?? '')
  }

  /** A `Cookie` header; undefined when there is none to send. */
  get header(): string | undefined {
    return this.#header === '' ? undefined : this.#header
  }

  /** Takes the names that are not there yet: a page's own `document.cookie` never overrules what the browser sent. */
  addMissing(cookieString: string): void {
    if (cookieString !== '') this.#header = written(read(cookieString, this.#read()))
  }

  /** Takes these and no others. */
  replace(cookieString: string): void {
    this.#header = written(read(cookieString))
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
    const cookies = this.#read()
    if (isOver(attributes, now)) cookies.delete(cookie.name)
    else cookies.set(cookie.name, cookie.value)
    this.#header = written(cookies)
    return !attributes.has('httponly')
  }

  #read(): Map<string, string> {
    return read(this.#header)
  }
}

/** Of two with the same name the first one counts. */
function read(cookieString: string, cookies: Map<string, string> = new Map()): Map<string, string> {
  for (const pair of cookieString.split(';')) {
    const cookie = split(pair)
    if (cookie && !cookies.has(cookie.name)) cookies.set(cookie.name, cookie.value)
  }
  return cookies
}

function written(cookies: ReadonlyMap<string, string>): string {
  return [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
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
