import type { JsonText, Position } from '@hookbox/protocol'
import type { ChannelEar, ChannelRecord, Numbered, Stop } from '../broker.ts'
import { type Context, nowhere } from './context.ts'
import { readMissed, readPosition, readTold } from './entries.ts'
import { unreadable } from './failure.ts'
import { Following } from './following.ts'
import { standChannel } from './lua/channel.ts'
import { listOf, numberOf, textOf } from './replies.ts'

export function recordOf(options: unknown, revision: unknown): ChannelRecord {
  return { options: textOf(options) as JsonText, revision: numberOf(revision) }
}

/** How a channel stands. */
interface Standing {
  /** The life of the server, see link.ts. */
  life: string
  /** Tells it from another one of the same name. */
  readonly born: string
  record: ChannelRecord
  top: Position
}

/** Follows a channel: what it is told, and what it has become whenever something was missed. */
export async function openChannel(
  context: Context,
  name: string,
  ear: ChannelEar,
): Promise<{ readonly record: ChannelRecord; readonly stop: Stop } | undefined> {
  const { servers, gate, log } = context
  const spot = context.keys.channel(name)
  let standing: Standing | undefined

  const following = new Following({ read, apply, gate, log })
  const unsubscribe = await servers.topics.subscribe(spot, following)
  const forget = context.hears(spot, () => standing?.top ?? nowhere)
  const stop = context.untilClosed(() => {
    following.stop()
    forget()
    unsubscribe()
  })
  try {
    await following.begin()
  } catch (error) {
    stop()
    throw error
  }
  if (standing) return { record: standing.record, stop }
  stop()
  return undefined

  async function read(): Promise<void> {
    const since = standing?.top ?? nowhere
    const reply = await servers.run(standChannel, spot, [...context.logArgs(spot), since.epoch, since.offset])
    const { life, now } = readStanding(reply)
    if (!standing) standing = now
    // What a server has lost in another life of its data, nobody has removed.
    else if (!now || now.born !== standing.born) end(life === standing.life ? 'destroyed' : 'lost')
    else catchUp(standing, now)
  }

  function catchUp(known: Standing, now: StandingNow): void {
    known.life = now.life
    if (now.missed) for (const numbered of now.missed) hear(known, numbered)
    else lose(known, now.top)
    if (now.record.options !== known.record.options) change(known, now.record)
    else known.record = now.record
  }

  function apply(text: string, wasHeld: boolean): boolean {
    const rest = text.slice(2)
    if (!standing) return true
    switch (text[0]) {
      case 'T':
        return applyTold(standing, rest)
      case 'E':
        return applyEpoch(standing, readPosition(rest).position, wasHeld)
      case 'O': {
        const [, born, revision, options] = /^(\S+) (\d+) (.*)$/s.exec(rest) ?? []
        if (born !== standing.born) return false
        const record = recordOf(options, revision)
        // Else it was told before what is known.
        if (record.revision > standing.record.revision) change(standing, record)
        return true
      }
      case 'R':
        if (rest === standing.born) end('destroyed')
        return true
      default:
        throw unreadable('something that is told of a channel')
    }
  }

  function applyTold(known: Standing, text: string): boolean {
    const told = readTold(text, known.top)
    for (const numbered of told ?? []) hear(known, numbered)
    return told !== undefined
  }

  /** Whatever was told before has been heard before. */
  function applyEpoch(known: Standing, top: Position, wasHeld: boolean): boolean {
    if (top.epoch === known.top.epoch) return true
    if (!wasHeld) lose(known, top)
    return !wasHeld
  }

  function hear(known: Standing, numbered: Numbered): void {
    known.top = numbered.position
    tell(() => ear.heard(numbered))
  }

  function lose(known: Standing, top: Position): void {
    known.top = top
    tell(() => ear.lost(top))
  }

  function change(known: Standing, record: ChannelRecord): void {
    known.record = record
    tell(() => ear.changed(record))
  }

  function end(how: 'destroyed' | 'lost'): void {
    stop()
    tell(() => ear.removed(how))
  }

  /** Whoever hears must not stop what tells. */
  function tell(what: () => void): void {
    try {
      what()
    } catch (err) {
      log.error({ err, channel: name }, 'hearing of a channel failed')
    }
  }
}

interface StandingNow extends Standing {
  readonly missed: readonly Numbered[] | undefined
}

function readStanding(reply: unknown): { readonly life: string; readonly now: StandingNow | undefined } {
  const [first, born, options, revision, epoch, offset, missed] = listOf(reply)
  const life = textOf(first)
  if (born === undefined) return { life, now: undefined }
  const top = { epoch: textOf(epoch), offset: numberOf(offset) }
  const record = recordOf(options, revision)
  return { life, now: { life, born: textOf(born), record, top, missed: readMissed(missed, top) } }
}
