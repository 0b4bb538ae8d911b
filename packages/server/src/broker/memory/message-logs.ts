import { type Position, spliceFrame } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import { SmallSet } from '../../small-set.ts'
import type { Messages, Stop, UserEar } from '../broker.ts'
import type { RecoveryBudget } from './recovery-budget.ts'
import { RecoveryLog, recoveryWindow, type SavedRecoveryLog } from './recovery-log.ts'
import { type SavedSent, SentIds } from './sent-ids.ts'

/** A user's private messages as they are put away for the next start of the hub. */
export interface SavedMessages {
  readonly user: string
  readonly log: SavedRecoveryLog
}

/** The private messages of each user who is connected, or was within the recovery window, and who hears of users. */
export class MessageLogs implements Messages {
  readonly #clock: Clock
  readonly #budget: RecoveryBudget
  readonly #logs = new Map<string, RecoveryLog>()
  readonly #ears = new Map<string, SmallSet<UserEar>>()
  /** Users who are gone, with the time since when, longest first. */
  readonly #left = new Map<string, number>()
  readonly #sent: SentIds

  constructor(clock: Clock, budget: RecoveryBudget) {
    this.#clock = clock
    this.#budget = budget
    this.#sent = new SentIds(clock)
  }

  /** The user is there. */
  begin(user: string): void {
    this.#forget()
    this.#left.delete(user)
    if (!this.#logs.has(user)) this.#open(user)
  }

  /** The user's last connection has gone. */
  end(user: string): void {
    this.#left.set(user, this.#clock.now())
  }

  listen(user: string, ear: UserEar): Stop {
    const ears = this.#ears.get(user) ?? new SmallSet<UserEar>()
    ears.add(ear)
    this.#ears.set(user, ears)
    return () => {
      ears.delete(ear)
      if (ears.size === 0 && this.#ears.get(user) === ears) this.#ears.delete(user)
    }
  }

  /** Who hears of the user. */
  ears(user: string): readonly UserEar[] {
    return [...(this.#ears.get(user) ?? [])]
  }

  send: Messages['send'] = async (user, inside) => {
    this.#forget()
    const log = this.#logs.get(user)
    if (!log) return undefined
    const text = (offset: number) => spliceFrame(0, 'MESSAGE', `${inside},"offset":${offset}`)
    const numbered = log.tell({ name: 'MESSAGE' }, text, this.#clock.now())
    for (const ear of this.ears(user)) ear.messaged(numbered)
    return numbered.position
  }

  read: Messages['read'] = async (user, since) => {
    this.#forget()
    const log = this.#logs.get(user)
    return { top: log?.top ?? nowhere, missed: since && log?.missed(since) }
  }

  wasSent: Messages['wasSent'] = async (sender, id) => this.#sent.has(sender, id)

  sent: Messages['sent'] = async (sender, id) => this.#sent.add(sender, id);

  *save(): Generator<({ readonly kind: 'messages' } & SavedMessages) | ({ readonly kind: 'sent' } & SavedSent)> {
    this.#forget()
    for (const [user, log] of this.#logs) yield { kind: 'messages', user, log: log.save() }
    for (const sent of this.#sent.save()) yield { kind: 'sent', ...sent }
  }

  restore({ user, log }: SavedMessages): void {
    this.#open(user, log)
    this.#left.set(user, this.#clock.now())
  }

  restoreSent(saved: SavedSent): void {
    this.#sent.restore(saved)
  }

  #open(user: string, saved?: SavedRecoveryLog): void {
    this.#logs.set(user, new RecoveryLog(this.#clock, this.#budget, saved))
  }

  #forget(): void {
    const old = this.#clock.now() - recoveryWindow.duration
    for (const [user, since] of this.#left) {
      if (since > old) return
      this.#left.delete(user)
      this.#logs.get(user)?.end()
      this.#logs.delete(user)
    }
  }
}

/** The position in a log that is not there: no other one ever has it. */
const nowhere: Position = { epoch: 'none', offset: 0 }
