/**
 * Cookies by name, from a `Cookie` header. The object has no prototype: a cookie may be called `__proto__`.
 *
 * Of several with one name the first counts: browsers put the one with the longest path first (RFC 6265 §5.4).
 */
export function parseCookies(header: string | undefined): { readonly [name: string]: string } {
  const cookies: { [name: string]: string } = Object.create(null)
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=')
    if (equals < 1) continue
    const name = pair.slice(0, equals).trim()
    if (name !== '' && !(name in cookies)) cookies[name] = decode(pair.slice(equals + 1).trim())
  }
  return cookies
}

function decode(value: string): string {
  const bare = /^"(.*)"$/s.exec(value)?.[1] ?? value
  try {
    return decodeURIComponent(bare)
  } catch {
    // Not percent-encoded, then: the cookie is the application's own, in whatever form it likes.
    return bare
  }
}
