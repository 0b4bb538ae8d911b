import { unreadable } from './failure.ts'

// What comes from Redis is checked like anything from outside: another program may have written there.

export function listOf(reply: unknown): readonly unknown[] {
  if (!Array.isArray(reply)) throw unreadable('a list')
  return reply
}

export function textOf(reply: unknown): string {
  if (typeof reply !== 'string') throw unreadable('a text')
  return reply
}

export function optionalText(reply: unknown): string | undefined {
  return reply === null || reply === undefined ? undefined : textOf(reply)
}

export function numberOf(reply: unknown): number {
  const number = typeof reply === 'string' && reply !== '' ? Number(reply) : reply
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) throw unreadable('a whole number')
  return number
}

export function textsOf(reply: unknown): string[] {
  return listOf(reply).map(textOf)
}

/** Names and values in turn. */
export function pairsOf(reply: unknown): (readonly [name: string, value: string])[] {
  const texts = textsOf(reply)
  const pairs: [string, string][] = []
  for (let i = 0; i + 1 < texts.length; i += 2) pairs.push([texts[i] ?? '', texts[i + 1] ?? ''])
  return pairs
}

/** JSON that this hub has written, as it is. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable('JSON')
  }
}

/** What `encodeURIComponent` has written. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw unreadable('an encoded text')
  }
}
