import type { Clock } from '../clock.ts'
import { randomId } from '../ids.ts'
import type { Log } from '../log.ts'
import type { Verdict, WebhookName } from './callbacks.ts'

/** A webhook that is asked again while it fails. */
export interface Persisting {
  /** Its `webhook-id`, the same on every try. */
  readonly id: string
  /** How the first try went. */
  readonly firstTry: Promise<Verdict>
  /** The first answer that is no fault, or how it ended without one. */
  readonly outcome: Promise<Verdict | 'given up' | 'dropped'>
  /** Makes one last try at once, after the one under way if there is one, and ends with it. */
  hurry(): void
  /** Ends without another try. An answer to the one under way still counts. */
  drop(): void
}

export interface PersistOptions {
  readonly clock: Clock
  readonly log: Pick<Log, 'warn' | 'error'>
  /** For the log. */
  readonly name: WebhookName
  /** Counts what was given up. */
  readonly onGivenUp?: () => void
  readonly newId?: () => string
}

const firstDelay = 1_000
const longestDelay = 60_000
/** Milliseconds from the first try to the last. */
const longestPersistence = 600_000

/**
 * Asks until there is an answer: a fault (not a refusal) is repeated with the same id, after 1 s doubling to 60 s, for at
 * most 10 minutes. What is given up is logged.
 */
export function persist(attempt: (id: string) => Promise<Verdict>, options: PersistOptions): Persisting {
  const { clock, log, name, onGivenUp, newId = randomId } = options
  const id = newId()
  const start = clock.now()
  /** How it is to go on: as planned, one last try, or not at all. */
  let plan: 'persist' | 'hurry' | 'drop' = 'persist'
  let wake = (): void => {}

  /** Resolves after the delay, or as soon as the plan changes. */
  function pause(delay: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.after(delay, resolve)
      wake = () => {
        cancel()
        resolve()
      }
    })
  }

  function changePlan(to: 'hurry' | 'drop'): void {
    if (plan === 'drop') return
    plan = to
    wake()
  }

  const firstTry = attempt(id)

  async function finish(): Promise<Verdict | 'given up' | 'dropped'> {
    let tries = 1
    let verdict = await firstTry
    for (let delay = firstDelay; isFault(verdict); delay = Math.min(delay * 2, longestDelay)) {
      if (plan === 'persist' && clock.now() + delay - start > longestPersistence) return giveUp(tries)
      if (plan === 'persist') await pause(delay)
      // Read anew: the plan may have changed meanwhile.
      const now = plan as 'persist' | 'hurry' | 'drop'
      if (now === 'drop') {
        log.warn({ webhook: name, id, tries }, 'webhook dropped: it is no longer wanted')
        return 'dropped'
      }
      verdict = await attempt(id)
      tries++
      if (now === 'hurry' && isFault(verdict)) return giveUp(tries)
    }
    return verdict
  }

  function giveUp(tries: number): 'given up' {
    log.error({ webhook: name, id, tries }, 'webhook given up: the application did not hear of it')
    onGivenUp?.()
    return 'given up'
  }

  return { id, firstTry, outcome: finish(), hurry: () => changePlan('hurry'), drop: () => changePlan('drop') }
}

function isFault(verdict: Verdict): boolean {
  return !verdict.ok && verdict.error.code === 'webhook_failed'
}
