import { closeCodes, type JsonText } from '@hookbox/protocol'
import type { Cancel } from '../clock.ts'
import type { Hub } from '../hub/hub.ts'
import type { Connection } from './connection.ts'

/** Milliseconds until the application is asked again after a fault: who was admitted once is not put out by a deployment. */
const afterFault = 10_000

/**
 * Asks `connect` again when the application's `expires_in` has passed (contract: Webhooks). A refusal closes for good; where
 * the name is another one now, the page comes back under it.
 */
export function watchExpiry(connection: Connection, hub: Hub, payload: JsonText, expiresIn: number): Cancel {
  let ended = false
  let cancel = hub.clock.after(expiresIn, ask)

  function ask(): void {
    const question = { connId: connection.id, payload, reason: 'expired' } as const
    hub.callbacks.connect(connection.caller, question).then((verdict) => {
      if (ended) return
      if (verdict.ok && verdict.details.name !== connection.user) {
        connection.close(closeCodes.internal, 'the user has changed')
      } else if (verdict.ok) {
        if (verdict.details.expiresIn !== undefined) cancel = hub.clock.after(verdict.details.expiresIn, ask)
      } else if (verdict.error.code === 'webhook_failed') cancel = hub.clock.after(afterFault, ask)
      else connection.close(closeCodes.refused, verdict.error.message)
    })
  }

  return () => {
    ended = true
    cancel()
  }
}
