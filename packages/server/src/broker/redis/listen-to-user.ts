import { isObject, type Position } from '@hookbox/protocol'
import type { Numbered, Options, Stop, UserEar } from '../broker.ts'
import { type Context, nowhere } from './context.ts'
import { readEntry, readMissed, readPosition } from './entries.ts'
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
    if (text[0] === 'E') return readPosition(rest).position.epoch === standing.top.epoch
    // Coming, going and options have no number by which it could be seen whether they are in what was read.
    return !wasHeld && applyChange(standing, text[0], rest)
  }

  function applyTold(known: Standing, text: string): boolean {
    const { position, rest } = readPosition(text)
    const { epoch, offset } = known.top
    if (position.epoch !== epoch || position.offset > offset + 1) return false
    if (position.offset === offset + 1) hear(known, readEntry(rest, position))
    return true
  }

  function applyChange(known: Standing, kind: string | undefined, text: string): boolean {
    switch (kind) {
      case 'A': {
        const { position } = readPosition(text)
        const { epoch, offset } = known.top
        const isNewLog = position.epoch !== epoch && position.offset === 0
        if (known.isHere || !(isNewLog || (position.epoch === epoch && position.offset === offset))) return false
        known.isHere = true
        known.top = position
        tell(() => ear.came())
        return true
      }
      case 'G':
        if (!known.isHere) return false
        known.isHere = false
        tell(() => ear.left())
        return true
      case 'O': {
        const options = parsed(text)
        if (!isObject(options)) throw unreadable('the options of a user')
        const told = options as Options
        known.options = told
        tell(() => ear.changed(told))
        return true
      }
      default:
        throw unreadable('something that is told of a user')
    }
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
  const [isHere, options, epoch, offset, missed] = listOf(reply)
  const top = epoch === undefined ? nowhere : { epoch: textOf(epoch), offset: numberOf(offset) }
  return { isHere: isHere === 1, options: readOptions(options), top, missed: readMissed(missed, top) }
}
