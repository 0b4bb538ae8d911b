import type { Clock } from '../clock.ts'
import { answerJson, type Handler } from './router.ts'

/** What a node knows of itself. */
export interface Readiness {
  /** Why it serves nobody yet, or not any more; undefined while it serves. */
  readonly phase: () => 'starting' | 'stopping' | undefined
  /** Whether everything that nodes share can be reached, as far as is known already. */
  readonly brokerUp: () => boolean
  /** Sends something to itself by the way that everything takes between nodes, and resolves when it has come back. */
  readonly roundTrip: () => Promise<unknown>
  readonly clock: Clock
}

/** Milliseconds for the round trip. */
export const readyTimeout = 1_000

/**
 * Says whether pages should be sent here (contract: Paths): only while a message makes its way through what nodes share.
 * However many ask at once, one message goes out.
 */
export function serveReady({ phase, brokerUp, roundTrip, clock }: Readiness): Handler {
  let underWay: Promise<string | undefined> | undefined

  /** Why not; undefined where it is ready. */
  async function look(): Promise<string | undefined> {
    if (!brokerUp()) return 'the broker cannot be reached'
    let cancel = (): void => {}
    const late = new Promise<string>((resolve) => {
      cancel = clock.after(readyTimeout, () =>
        resolve(`no message came back through the broker within ${readyTimeout} ms`),
      )
    })
    const trip = roundTrip().then(
      () => undefined,
      () => 'no message makes its way through the broker',
    )
    try {
      return await Promise.race([trip, late])
    } finally {
      cancel()
    }
  }

  return async (_request, response) => {
    underWay ??= phase() === undefined ? look().finally(() => (underWay = undefined)) : undefined
    const reason = await underWay
    // It may have begun to stop meanwhile.
    const status = phase() ?? (reason === undefined ? 'ready' : 'unavailable')
    if (status === 'ready') return answerJson(response, 200, { status })
    const words = { starting: 'the hub is starting', stopping: 'the hub is stopping', unavailable: reason }
    answerJson(response, 503, { status, reason: words[status] })
  }
}
