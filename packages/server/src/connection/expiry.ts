import { closeCodes, type JsonText } from '@hookbox/protocol'
import type { Cancel } from '../clock.ts'
import type { Hub } from '../hub/hub.ts'
import type { ConnectDetails, Verdict } from '../webhooks/callbacks.ts'
import type { Connection } from './connection.ts'

/** Milliseconds until the application is asked again after a fault: who was admitted once is not put out by a deployment. */
const afterFault = 10_000

/**
 * Asks `connect` again when the application's `expires_in` has passed (contract: Webhooks). A refusal closes for good; where
 * the name is another one now, the page comes back under it.
 */
export function watchExpiry(connection: Connection, hub: Hub, payload: JsonText, expiresIn: number): Cancel {
  let ended = false
  let cancel = hub.clock.after(expiresIn, ask, 'roughly')

  function ask(): void {
    const question = { connId: connection.id, payload, reason: 'expired' } as const
    hub.callbacks.connect(connection.caller, question).then((verdict) => {
      if (ended) return
      if (verdict.ok && verdict.details.name !== connection.user) {
        hub.voidTicket(connection)
        connection.close(closeCodes.internal, 'the user has changed')
      } else if (verdict.ok) {
        const { expiresIn } = verdict.details
        renew(verdict, expiresIn === undefined ? undefined : hub.clock.now() + expiresIn)
        if (expiresIn !== undefined) cancel = hub.clock.after(expiresIn, ask, 'roughly')
      } else if (verdict.error.code === 'webhook_failed') cancel = hub.clock.after(afterFault, ask, 'roughly')
      else connection.close(closeCodes.refused, verdict.error.message)
    })
  }

  async function renew(
    verdict: Extract<Verdict<ConnectDetails>, { ok: true }>,
    deadline: number | undefined,
  ): Promise<void> {
    try {
      await hub.renew(connection, verdict, verdict.details.details)
    } catch (err) {
      // Who was admitted once is not put out by a slip in an option: the options stay as they are.
      hub.log.error({ webhook: 'connect', connection: connection.id, err }, 'the reply to connect cannot be used')
    }
    hub.postponeTicket(connection, deadline)
  }

  return () => {
    ended = true
    cancel()
  }
}
