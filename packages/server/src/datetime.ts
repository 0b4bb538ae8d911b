import type { JsonText } from '@hookbox/protocol'

let last = Number.NaN
let text = 'null' as JsonText

/** A time (milliseconds since 1970) as it stands in entries: RFC 3339, in UTC, as JSON. Many of them are of one millisecond. */
export function datetimeText(at: number): JsonText {
  if (at !== last) {
    text = `"${new Date(at).toISOString()}"` as JsonText
    last = at
  }
  return text
}
