import { excerpt } from '../webhooks/reply.ts'

/** As far as a body is looked at: a title stands at its beginning. */
const looked = 16_384

export function isHtml(body: string): boolean {
  return /^\s*</.test(body)
}

/** What a page calls itself. */
export function titleOf(body: string): string | undefined {
  const [, title] = /<title[^>]*>([^<]*)</i.exec(body.slice(0, looked)) ?? []
  return clean(title)
}

/** The one line that says most: of a page its title or first heading, else the first that is not empty. */
export function firstLine(body: string): string | undefined {
  const start = body.slice(0, looked)
  if (!isHtml(start)) return clean(start.trim().split('\n', 1)[0])
  const [, heading] = /<h1[^>]*>(.*?)<\/h1>/is.exec(start) ?? []
  return titleOf(start) ?? clean(heading) ?? clean(start.replace(/<[^>]*>/g, ' '))
}

/** `: “…”`, to end a sentence with. */
export function quoted(line: string | undefined): string {
  return line === undefined ? '.' : `: “${line}”.`
}

/** What PHP writes into a reply that it warns in. */
export function phpWarning(body: string): string | undefined {
  const [, kind, text] =
    /<b>(Warning|Notice|Deprecated|Fatal error|Parse error)<\/b>:\s*([^\n]*)/.exec(body.slice(0, looked)) ?? []
  return kind === undefined ? undefined : clean(`${kind}: ${text?.replace(/<[^>]*>/g, '')}`)
}

const entities: { readonly [entity: string]: string } = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#39': "'",
  '#x27': "'",
}

function clean(text: string | undefined): string | undefined {
  const plain = text?.replace(/<[^>]*>/g, ' ').replace(/&(#?\w+);/g, (whole, name: string) => entities[name] ?? whole)
  const line = excerpt(plain?.trim() ?? '').trim()
  return line === '' ? undefined : line
}
