import { type Position, spliceFrame } from '@hookbox/protocol'
import type { Clock } from '../../clock.ts'
import type { Messages } from '../broker.ts'
import type { RecoveryBudget } from './recovery-budget.ts'
import { RecoveryLog, recoveryWindow, type SavedRecoveryLog } from './recovery-log.ts'

/** A user's private messages as they are put away for the next start of the hub. */
export interface SavedMessages {
  readonly user: string
  readonly log: SavedRecoveryLog
}

/** The private messages of each user who is connected, or was within the recovery window. */
export class MessageLogs implements Messages {
  readonly #clock: Clock
  readonly #budget: RecoveryBudget
  readonly #logs = new Map<string, { readonly log: RecoveryLog; attending: number }>()
  /** Users whom nobody attends to, with the time since when, longest first. */
  readonly #left = new Map<string, number>()

  constructor(clock: Clock, budget: RecoveryBudget) {
    this.#clock = clock
    this.#budget = budget
  }

  attend: Messages['attend'] = async (user, hear) => {
    this.#forget()
    const kept = this.#logs.get(user) ?? { log: new RecoveryLog(this.#clock, this.#budget), attending: 0 }
    this.#logs.set(user, kept)
    this.#left.delete(user)
    kept.attending++
    const stop = kept.log.listen(hear)
    let stopped = false
    return () => {
      if (stopped) return
      stopped = true
      stop()
      if (--kept.attending === 0) this.#left.set(user, this.#clock.now())
    }
  }

  send: Messages['send'] = async (user, inside) => {
    this.#forget()
    return this.#logs
      .get(user)
      ?.log.tell({ name: 'MESSAGE' }, (offset) => spliceFrame(0, 'MESSAGE', `${inside},"offset":${offset}`))
  }

  read: Messages['read'] = async (user, since) => {
    this.#forget()
    const log = this.#logs.get(user)?.log
    return { top: log?.top ?? nowhere, missed: since && log?.missed(since) }
  };

  *save(): Generator<SavedMessages> {
    this.#forget()
    for (const [user, { log }] of this.#logs) yield { user, log: log.save() }
  }

  restore({ user, log }: SavedMessages): void {
    this.#logs.set(user, { log: new RecoveryLog(this.#clock, this.#budget, log), attending: 0 })
    this.#left.set(user, this.#clock.now())
  }

  #forget(): void {
    const old = this.#clock.now() - recoveryWindow.duration
    for (const [user, since] of this.#left) {
      if (since > old) return
      this.#left.delete(user)
      this.#logs.get(user)?.log.end()
      this.#logs.delete(user)
    }
  }
}

/** The position in a log that is not there: no other one ever has it. */
const nowhere: Position = { epoch: 'none', offset: 0 }
