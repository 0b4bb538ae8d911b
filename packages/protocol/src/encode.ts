import type { ClientFrame } from './frames.ts'
import type { JsonText } from './json.ts'

/** Writes a frame of the page's. */
export function encodeFrame(frame: ClientFrame): string {
  return JSON.stringify([frame.id, frame.name, frame.args])
}

/** Joins frames into one message. */
export function joinFrames(frames: readonly string[]): string {
  return frames.join('\n')
}

/** A name in front of its value, and the same behind another one: those of the wire are few, and written often. */
const names = new Map<string, readonly [first: string, further: string]>()
const mostNames = 256

function written(key: string): readonly [first: string, further: string] {
  const known = names.get(key)
  if (known) return known
  const first = `${JSON.stringify(key)}:`
  const both = [first, `,${first}`] as const
  if (names.size < mostNames) names.set(key, both)
  return both
}

/** The inside of a JSON object, `"a":1,"b":[]`, from values that are JSON text already. Undefined ones are left out. */
export function members(values: { readonly [key: string]: JsonText | undefined }): string {
  let text = ''
  for (const key of Object.keys(values)) {
    const value = values[key]
    if (value === undefined) continue
    text += written(key)[text === '' ? 0 : 1] + value
  }
  return text
}

/** A frame of the hub's from the inside of its args (see {@link members}): nothing is parsed or encoded again. */
export function spliceFrame(id: number, name: string, inside: string): string {
  return `[${id},"${name}",{${inside}}]`
}
