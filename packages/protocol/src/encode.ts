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

/** The inside of a JSON object, `"a":1,"b":[]`, from values that are JSON text already. Undefined ones are left out. */
export function members(values: { readonly [key: string]: JsonText | undefined }): string {
  let text = ''
  for (const key of Object.keys(values)) {
    const value = values[key]
    if (value === undefined) continue
    // there is nothing to escape in the names of the wire, which is seen sooner than done
    const name = /^\w+$/.test(key) ? `"${key}"` : JSON.stringify(key)
    text += `${text === '' ? '' : ','}${name}:${value}`
  }
  return text
}

/** A frame of the hub's from the inside of its args (see {@link members}): nothing is parsed or encoded again. */
export function spliceFrame(id: number, name: string, inside: string): string {
  return `[${id},"${name}",{${inside}}]`
}
