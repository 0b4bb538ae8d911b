import { type ClientArgs, closeCodes, HookboxError, limits, members, toJsonText } from '@hookbox/protocol'
import type { Hub } from '../hub/hub.ts'
import { changeUserOptions } from '../hub/user-options.ts'
import type { Connection } from './connection.ts'
import { watchExpiry } from './expiry.ts'
import { pingInterval } from './heartbeat.ts'

/**
 * `CONNECT`: asks the application who this is. A refusal ends the page's tries (4401); a fault does not (4502), since nobody
 * said no.
 */
export async function handshake(
  connection: Connection,
  hub: Hub,
  id: number,
  args: ClientArgs['CONNECT'],
): Promise<void> {
  connection.cookies.addMissing(args.cookie_string ?? '')
  const payload = toJsonText(args.payload ?? null)
  const verdict = await hub.callbacks.connect(connection.caller, { connId: connection.id, payload })
  if (!verdict.ok) return refuse(connection, id, verdict.error)
  const { name, overridePayload, expiresIn, details } = verdict.details
  let options = hub.userOptions(name, connection.settings.userDefaults)
  try {
    options = changeUserOptions(options, details)
  } catch (error) {
    hub.log.error({ webhook: 'connect', err: error }, 'the reply to connect cannot be used')
    return refuse(
      connection,
      id,
      new HookboxError('webhook_failed', 'the application could not be asked', { cause: error }),
    )
  }
  connection.answer(
    id,
    'CONNECTED',
    members({
      name: toJsonText(name),
      payload: overridePayload ?? payload,
      id: toJsonText(connection.id),
      ping: toJsonText(pingInterval / 1_000),
      linger: toJsonText(connection.settings.linger / 1_000),
      limits: toJsonText({ frame: limits.frame, message: limits.message, channels: limits.channels }),
    }),
  )
  connection.admitted(name, options)
  // Where it enters is among its options; what it leaves is asked for once.
  hub.obey(name, connection.caller, { autoSubscribe: [], autoUnsubscribe: verdict.autoUnsubscribe })
  connection.begin(() => (expiresIn === undefined ? () => {} : watchExpiry(connection, hub, payload, expiresIn)))
}

function refuse(connection: Connection, id: number, error: HookboxError): void {
  connection.fail(id, error)
  connection.close(error.code === 'webhook_failed' ? closeCodes.webhookFailed : closeCodes.refused, error.message)
}
