import { readFileSync } from 'node:fs'

/** A text, or its parts, where writing it out would be long. */
export type Text = string | readonly (string | { readonly repeat: readonly [text: string, times: number] })[]

export function read<Row extends { readonly name: string }>(file: string): Row[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), 'utf8')) as Row[]
}

export function build(text: Text): string {
  if (typeof text === 'string') return text
  return text.map((part) => (typeof part === 'string' ? part : part.repeat[0].repeat(part.repeat[1]))).join('')
}
