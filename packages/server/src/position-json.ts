import type { JsonText } from '@hookbox/protocol'

/** A position that `formatPosition` wrote, as JSON: there is nothing in it to escape. */
export function positionJson(text: string): JsonText {
  return `"${text}"` as JsonText
}
