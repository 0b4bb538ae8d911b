/** The `Cookie` header that a webhook carries: all of it, or only the cookie of this name; undefined where nothing is left. */
export function wantedCookies(header: string | undefined, identifier: string | undefined): string | undefined {
  if (!header || identifier === undefined) return header || undefined
  const pairs = header.split(';').map((pair) => pair.trim())
  return pairs.filter((pair) => pair.startsWith(`${identifier}=`)).join('; ') || undefined
}
