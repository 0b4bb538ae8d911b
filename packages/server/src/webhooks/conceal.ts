import type { Exchange } from './http.ts'
import { readReply } from './reply.ts'

/** Shorter ones would take away what has nothing to do with them, and could be guessed anyway. */
const shortest = { secret: 4, cookie: 12 }

/** Takes secrets, and the values of a `Cookie` header, out of what an application wrote: it may repeat what it was sent. */
export function concealer(
  secrets: readonly (string | undefined)[],
  cookies: string | undefined,
): (text: string) => string {
  const values = (cookies?.split(';') ?? []).map((pair) => pair.slice(pair.indexOf('=') + 1).trim())
  const hidden = [
    ...secrets.filter((secret) => secret !== undefined && secret.length >= shortest.secret),
    ...values.filter((value) => value.length >= shortest.cookie),
  ].filter((one) => one !== undefined)
  const forms = hidden.flatMap((one) => [one, encodeURIComponent(one), JSON.stringify(one).slice(1, -1)])
  const longestFirst = [...new Set(forms)].sort((a, b) => b.length - a.length)
  return (text) => longestFirst.reduce((rest, form) => rest.replaceAll(form, '…'), text)
}

/** An application may repeat in an error page what it was sent. Nobody is to read a secret there. */
export function conceal(exchange: Exchange, hide: (text: string) => string): Exchange {
  const { answer, reply } = exchange
  if (!answer || reply.kind === 'answer') return exchange
  const hidden = { ...answer, body: hide(answer.body) }
  return { reply: readReply(hidden, reply.url), answer: hidden }
}
