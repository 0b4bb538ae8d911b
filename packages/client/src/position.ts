import type { Position } from '@hookbox/protocol'
import type { Writable } from './writable.ts'

/** How far something has been delivered. It moves on in its place. */
export type Place = Writable<Position>

/** Reads a position that the hub must have written well: it throws at what is none. */
export function placeAt(text: string): Place {
  const [, epoch, offset] = /(.+):(\d+)/.exec(text) as unknown as [all: string, epoch: string, offset: string]
  return { epoch, offset: Number(offset) }
}

/** Whether a number is the next one: the place has moved on to it then. A repeat is not, and neither is a jump, which is `lost`. */
export function follows(place: Place, offset: number, lost: () => void): boolean {
  const next = offset === place.offset + 1
  if (next) place.offset = offset
  else if (offset > place.offset) lost()
  return next
}
