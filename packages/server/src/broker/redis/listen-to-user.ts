import { isObject, type Position } from '@hookbox/protocol'
import type { Numbered, Options, Stop, UserEar } from '../broker.ts'
import { type Context, nowhere } from './context.ts'
import { readMissed, readPosition, readTold } from './entries.ts'
import { unreadable } from './failure.ts'
import { Following } from './following.ts'
import { standUser } from './lua/user.ts'
import { listOf, numberOf, parsed, textOf } from './replies.ts'
import { readOptions } from './users.ts'

/** How a user stands. */
interface Standing {
  isHere: boolean
  options: Options
  /** Of the private messages. */
  top: Position
  /** How many changes were told. */
  turn: number
}

/** Follows a user, like {@link openChannel}. */
export async function listenToUser(context: Context, user: string, ear: UserEar): Promise<Stop> {
  const { servers, gate, log } = context
  const spot = context.keys.user(user)
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
  return stop

  async function read(): Promise<void> {
    const since = standing?.top ?? nowhere
    const reply = await servers.run(standUser, spot, [...context.logArgs(spot), since.epoch, since.offset])
    const now = readStanding(reply)
    if (standing) catchUp(standing, now)
    else standing = now
  }

  function catchUp(known: Standing, now: Standing & { readonly missed: readonly Numbered[] | undefined }): void {
    const { isHere, options } = known
    known.isHere = now.isHere
    known.options = now.options
    known.turn = now.turn
    if (!isHere && now.isHere) tell(() => ear.came())
    // A log that has ended was heard to its end, or what is lost of it comes with the next.
    if (now.missed) for (const numbered of now.missed) hear(known, numbered)
    else if (now.top.epoch !== nowhere.epoch) lose(known, now.top)
    if (isHere && now.isHere && JSON.stringify(options) !== JSON.stringify(now.options)) {
      tell(() => ear.changed(now.options))
    }
    if (isHere && !now.isHere) tell(() => ear.left())
  }

  function apply(text: string, wasHeld: boolean): boolean {
    if (!standing) return true
    const rest = text.slice(2)
    if (text[0] === 'T') return applyTold(standing, rest)
    if (text[0] === 'E') return applyEpoch(standing, readPosition(rest).position, wasHeld)
    return applyChange(standing, text[0], rest)
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

  function applyChange(known: Standing, kind: string | undefined, text: string): boolean {
    const [, epoch, digits, rest] = /^(\S+) (\d+) (.*)$/s.exec(text) ?? []
    const turn = numberOf(digits)
    const beginsLog = kind === 'A' && rest === '0' && turn === 1 && epoch !== undefined && epoch !== known.top.epoch
    if (beginsLog && !known.isHere) known.top = { epoch, offset: 0 }
    else if (epoch !== known.top.epoch || turn > known.turn + 1) return false
    else if (turn <= known.turn) return true
    known.turn = turn
    if (kind === 'O') {
      const options = parsed(rest ?? '')
      if (!isObject(options)) throw unreadable('the options of a user')
      known.options = options as Options
      tell(() => ear.changed(options as Options))
    } else if (kind === 'A') {
      if (!known.isHere) tell(() => ear.came())
      known.isHere = true
      return numberOf(rest) === known.top.offset
    } else if (kind === 'G') {
      if (known.isHere) tell(() => ear.left())
      known.isHere = false
    } else throw unreadable('something that is told of a user')
    return true
  }

  function hear(known: Standing, numbered: Numbered): void {
    known.top = numbered.position
    tell(() => ear.messaged(numbered))
  }

  function lose(known: Standing, top: Position): void {
    known.top = top
    tell(() => ear.lost(top))
  }

  /** Whoever hears must not stop what tells. */
  function tell(what: () => void): void {
    try {
      what()
    } catch (err) {
      log.error({ err, user }, 'hearing of a user failed')
    }
  }
}

function readStanding(reply: unknown): Standing & { readonly missed: readonly Numbered[] | undefined } {
  const [isHere, options, epoch, offset, missed, turn = 0] = listOf(reply)
  const top = epoch === undefined ? nowhere : { epoch: textOf(epoch), offset: numberOf(offset) }
  return {
    isHere: isHere === 1,
    options: readOptions(options),
    top,
    turn: turn === null ? 0 : numberOf(turn),
    missed: readMissed(missed, top),
  }
}
