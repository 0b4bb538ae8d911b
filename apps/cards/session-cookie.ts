/** A name of its own: cookies ignore ports, so the other demos on this host send theirs along. */
const cookieName = 'cards_session'

/** The session id in a `Cookie` header. */
export function sessionOf(cookies = ''): string | undefined {
  for (const cookie of cookies.split(';')) {
    const [name, value] = cookie.trim().split('=')
    if (name === cookieName && value) return value
  }
  return undefined
}

/** HttpOnly: no script needs it, since the browser itself shows it to the hub. */
const attributes = 'Path=/; HttpOnly; SameSite=Lax'
const thirtyDays = 30 * 24 * 60 * 60

export const cookieFor = (session: string) => `${cookieName}=${session}; ${attributes}; Max-Age=${thirtyDays}`
export const noCookie = `${cookieName}=; ${attributes}; Max-Age=0`
