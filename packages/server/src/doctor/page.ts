import { quote } from '@hookbox/protocol'
import type { Config } from '../config/config.ts'
import { createDoorkeeper } from '../transport/origin.ts'
import { type Finding, note, right, wrong } from './finding.ts'

/** Whether pages of an origin may connect. `hub`: where they reach the hub, where that was given. */
export function explainOrigin(origin: string, hub: URL | undefined, config: Config): Finding {
  const exact = URL.canParse(origin) ? new URL(origin).origin : 'null'
  if (exact !== 'null' && exact !== origin) {
    return wrong(
      'origin_form',
      `No browser sends the origin ${quote(origin)}: it would be ${exact}.`,
      `Write it so in --origin, too.`,
    )
  }
  const refuse = (host: string | undefined) => createDoorkeeper(config).refuseOrigin({ headers: { origin } }, host)
  if (refuse(undefined) === undefined)
    return right('origin_allowed', `Pages of ${origin} may connect: --origin lists it.`)
  if (hub === undefined) {
    return note(
      'origin_by_host',
      `Pages of ${origin} may connect only where they reach the hub by the host name ${new URL(origin).hostname || origin}; with another they get status 403.`,
      `Say where they reach it, as --url wss://hub.example.org, or let them in by --origin ${origin}`,
    )
  }
  if (refuse(hub.host) === undefined) {
    return right('origin_allowed', `Pages of ${origin} may connect: the hub is at the same host name.`)
  }
  return wrong(
    'origin_refused',
    `Pages of ${origin} get status 403 from a hub at ${hub.hostname}, and no webhook is asked.`,
    `Let them in by --origin ${origin}`,
  )
}
