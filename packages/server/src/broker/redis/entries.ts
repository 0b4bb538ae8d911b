import type { Position } from '@hookbox/protocol'
import { PreparedFrame } from '../../transport/prepared-frame.ts'
import type { Appending, Numbered, Retention, Seed, StateChange, Unnumbered } from '../broker.ts'
import { idWindow } from '../memory/bounded-ids.ts'
import type { Append } from './appends.ts'
import { unreadable } from './failure.ts'
import { decoded, numberOf, textsOf } from './replies.ts'
import type { Arg } from './servers.ts'

const names: readonly string[] = ['PUBLISH', 'SUBSCRIBE', 'UNSUBSCRIBE', 'STATE_UPDATE', 'MESSAGE']

function isName(text: string | undefined): text is Numbered['name'] {
  return text !== undefined && names.includes(text)
}

/** `<time> <name> <origin> <frame>`, as a window holds it. */
export function readEntry(entry: string, position: Position): Numbered {
  const first = entry.indexOf(' ')
  const second = entry.indexOf(' ', first + 1)
  const third = entry.indexOf(' ', second + 1)
  const name = entry.slice(first + 1, second)
  if (first < 1 || third < 0 || !isName(name) || !entry.startsWith('[0,"', third + 1))
    throw unreadable('an entry of a log')
  return {
    name,
    position,
    frame: new PreparedFrame(entry.slice(third + 1)),
    at: numberOf(entry.slice(0, first)),
    origin: readOrigin(entry.slice(second + 1, third)),
  }
}

/** The entries up to `top`, without a gap. */
export function readMissed(reply: unknown, top: Position): Numbered[] | undefined {
  if (reply === null || reply === undefined) return undefined
  const entries = textsOf(reply)
  return entries.map((entry, i) => readEntry(entry, { epoch: top.epoch, offset: top.offset - entries.length + 1 + i }))
}

/** What a topic says after its first letter: `<epoch> <offset>`, and where there is more, that. */
export function readPosition(text: string): { position: Position; rest: string } {
  const first = text.indexOf(' ')
  const second = text.indexOf(' ', first + 1)
  const end = second < 0 ? text.length : second
  if (first < 1) throw unreadable('a position')
  const position = { epoch: text.slice(0, first), offset: numberOf(text.slice(first + 1, end)) }
  return { position, rest: text.slice(end + 1) }
}

/** What `T` says that comes after a position; undefined where it does not follow that. */
export function readTold(text: string, { epoch, offset }: Position): Numbered[] | undefined {
  const { position, rest } = readPosition(text)
  if (position.epoch !== epoch || position.offset > offset + 1) return undefined
  const entries = rest.split('\n')
  // What was heard before is not read again.
  const known = offset + 1 - position.offset
  return entries.slice(known).map((entry, i) => readEntry(entry, { epoch, offset: offset + 1 + i }))
}

function writeOrigin(origin: string | undefined): string {
  return origin === undefined ? '-' : `=${encodeURIComponent(origin)}`
}

function readOrigin(text: string): string | undefined {
  return text.startsWith('=') ? decoded(text.slice(1)) : undefined
}

// Arguments of scripts, in the order in which the parts of lua/ take them.

export const idArgs: readonly Arg[] = [idWindow.duration, idWindow.size, idWindow.bytes]

export function keepArgs({ size, duration, publishOnly }: Retention): Arg[] {
  return [size, duration, flag(publishOnly)]
}

/** Of many things at once: `appending`, and how many. */
export function appendsArgs(channel: string, some: readonly Append[]): Arg[] {
  return [JSON.stringify(channel), some.length, ...some.flatMap(({ what, how }) => whatArgs(what, how))]
}

/** Of one thing: `appendingOne`. */
export function appendArgs(channel: string, what: Unnumbered, how: Omit<Appending, 'keep'>): Arg[] {
  return [JSON.stringify(channel), ...whatArgs(what, how)]
}

function whatArgs({ name, at, origin, inside }: Unnumbered, { told, kept, idKey }: Omit<Appending, 'keep'>): Arg[] {
  return [name, at, writeOrigin(origin), inside, flag(told), flag(kept), flag(idKey !== undefined), idKey ?? '']
}

export function seedArgs(history: Seed['history']): Arg[] {
  const entries = history.flatMap(({ what: { name, at, inside }, idKey }) => {
    return [name, at, inside, flag(idKey !== undefined), idKey ?? '']
  })
  return [history.length, ...entries]
}

export function stateArgs({ updates, deletes }: StateChange): Arg[] {
  return [deletes.length, ...deletes, updates.size, ...[...updates].flat()]
}

export function flag(is: boolean): Arg {
  return is ? 1 : 0
}
