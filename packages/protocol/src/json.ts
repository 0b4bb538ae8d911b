import { HookboxError } from './errors.ts'

/** What can be written as JSON. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

declare const checked: unique symbol

/**
 * JSON as text that may be spliced into a frame: it parses, is not too deep and holds no raw CR or LF.
 * {@link jsonText} makes one of what came in, {@link toJsonText} of a value.
 */
export type JsonText = string & { readonly [checked]: true }

/** Deeper JSON is refused, so that nobody's parser is asked to recurse without end. */
export const maxJsonDepth = 32

/**
 * Checks text that came in from outside and makes it fit to be spliced into a frame.
 *
 * JSON may hold raw line breaks between its tokens, and a line break separates frames: left in, whoever writes a payload
 * could forge a frame. Inside JSON strings raw line breaks cannot stand, so a space is always an equal replacement.
 *
 * @throws HookboxError `bad_request` naming `field`.
 */
export function jsonText(text: string, field: string): JsonText {
  if (depth(text) > maxJsonDepth) throw tooDeep(field)
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new HookboxError('bad_request', `${field}: expected JSON, got ${quote(text)}`, { cause })
  }
  return onOneLine(text) as JsonText
}

/** Of JSON, in which line breaks stand between tokens only. */
export function onOneLine(text: string): string {
  return text.includes('\n') || text.includes('\r') ? text.replace(/[\r\n]/g, ' ') : text
}

/**
 * Writes a value as text that may be spliced into a frame.
 *
 * @throws HookboxError `bad_request` naming `field` when it is nested deeper than {@link maxJsonDepth}.
 */
export function toJsonText(value: Json, field = 'payload'): JsonText {
  if (typeof value === 'string' && standsAsItIs.test(value)) return `"${value}"` as JsonText
  const text = write(value)
  if (typeof value !== 'object') return text as JsonText
  if (text === tooDeepToWrite || depth(text) > maxJsonDepth) throw tooDeep(field)
  return text as JsonText
}

/** Nothing to escape, which is true of most names and sooner seen than done. */
const standsAsItIs = /^[ !#-[\]-~]{0,200}$/

/** The text of `null`. */
export const jsonNull: JsonText = 'null' as JsonText

/** A value as it is shown in an error message: JSON, at most 60 characters of it. */
export function quote(value: unknown): string {
  const text = write(value)
  // Cutting between two surrogates would leave a half that other languages' parsers refuse.
  return text.length > 60 ? `${text.slice(0, 57).replace(/[\ud800-\udbff]$/, '')}…` : text
}

/** True for `{…}`, false for lists, null and everything else. */
export function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const tooDeepToWrite = '…'

/** Engines parse JSON of any depth but write it by recursion: a few thousand brackets exhaust the stack. */
function write(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch (error) {
    if (error instanceof RangeError) return tooDeepToWrite
    throw error
  }
}

function tooDeep(field: string): HookboxError {
  return new HookboxError('bad_request', `${field}: expected JSON nested at most ${maxJsonDepth} deep`)
}

/** How deep brackets are nested in JSON text. */
export function depth(text: string): number {
  let deepest = 0
  let open = 0
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) i = endOfString(text, i)
    else if (c === 0x5b || c === 0x7b) {
      open++
      if (open > deepest) deepest = open
    } else if (c === 0x5d || c === 0x7d) open--
  }
  return deepest
}

/** Where the string ends that begins at `start`: its second quotation mark; in text that is no JSON, the text's end. */
function endOfString(text: string, start: number): number {
  for (let end = start; ; ) {
    end = text.indexOf('"', end + 1)
    if (end === -1) return text.length
    let slashes = end
    while (text.charCodeAt(slashes - 1) === 0x5c) slashes--
    if ((end - slashes) % 2 === 0) return end
  }
}

/**
 * The value under a name in the args of a frame, which parses, as it stands there: read once, it need not be written again.
 * Undefined where it is not there, or a name is written with an escape, so that it may be another one than it seems.
 */
export function textOf(frame: string, name: string): JsonText | undefined {
  const quoted = `"${name}"`
  const isEscaped = frame.includes('\\')
  let open = 0
  let isName = false
  let isWanted = false
  let from = -1
  let to = -1
  for (let i = 0; i < frame.length; i++) {
    const c = frame.charCodeAt(i)
    if (c === 0x22) {
      const start = i
      i = endOfString(frame, i)
      if (!isName) continue
      isName = false
      isWanted = i - start === quoted.length - 1 && frame.startsWith(quoted, start)
      if (isEscaped && frame.slice(start, i).includes('\\')) return undefined
    } else if (c === 0x5b || c === 0x7b) {
      open++
      if (open === argsLevel) isName = true
    } else if (open === argsLevel) {
      if (c === 0x3a && isWanted) {
        isWanted = false
        from = i + 1
        to = -1
      } else if (c === 0x2c || c === 0x7d) {
        if (from !== -1 && to === -1) to = i
        isName = c === 0x2c
        if (!isName) open--
      }
    } else if (c === 0x5d || c === 0x7d) open--
  }
  return to === -1 ? undefined : (onOneLine(frame.slice(from, to)).trim() as JsonText)
}

/** How many brackets are open inside the args of a frame, `[id, "NAME", {…}]`. */
const argsLevel = 2
