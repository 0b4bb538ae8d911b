import type { Received } from './decode.ts'
import { depth, type Json, type JsonText, maxJsonDepth, onOneLine } from './json.ts'
import { limits } from './limits.ts'

/** What stands before the payload. The name is one that needs no further check: printable ASCII of its length. */
const beforePayload = /^\[(0|[1-9]\d{0,14}),"PUBLISH",\{"channel_name":"([ !#-[\]-~]{1,200})","payload":/

const beforeId = ',"message_id":"'
const plainId = /^[ !#-[\]-~]{1,128}$/
const end = '}]'

/**
 * A `PUBLISH` as pages write it, with its members in this order and nothing escaped in names: its payload lies between a known
 * beginning and a known end, so that only the payload itself is parsed, and no text is gone through to find it.
 * It is only a shorter way: undefined where the frame is anything else, or there is anything wrong with it.
 */
export function plainPublish(frame: string): Received | undefined {
  if (!frame.endsWith(end) || frame.length * 3 > limits.frame) return undefined
  const beginning = beforePayload.exec(frame)
  if (!beginning) return undefined
  const [before, id, name = ''] = beginning
  const messageId = lastId(frame)
  const to = frame.length - end.length - (messageId === undefined ? 0 : beforeId.length + messageId.length + 1)
  if (messageId !== undefined && !plainId.test(messageId)) return undefined
  const text = frame.slice(before.length, to)
  const payload = parsed(text)
  if (payload === undefined || (typeof payload === 'object' && depth(text) > maxJsonDepth)) return undefined
  return {
    id: Number(id),
    name: 'PUBLISH',
    args:
      messageId === undefined
        ? { channel_name: own(name), payload }
        : { channel_name: own(name), payload, message_id: own(messageId) },
    payload: onOneLine(text).trim() as JsonText,
  }
}

/**
 * A plain text by itself. Names and ids are remembered for longer than the frame, and engines keep all of a text alive out of
 * which another one was cut, but for the shortest.
 */
function own(cut: string): string {
  return cut.length < 13 ? cut : JSON.parse(`"${cut}"`)
}

/** What the frame ends with, where that is a `message_id`. */
function lastId(frame: string): string | undefined {
  const closing = frame.length - end.length - 1
  if (frame[closing] !== '"') return undefined
  const opening = frame.lastIndexOf('"', closing - 1)
  return frame.startsWith(beforeId, opening + 1 - beforeId.length) ? frame.slice(opening + 1, closing) : undefined
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
