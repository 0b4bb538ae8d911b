import type { EventEmitter } from 'node:events'
import { type Clock, systemClock } from '../clock.ts'
import type { Log } from '../log.ts'

/** What is needed of `process`, so that a test can stand in for it. */
export interface Host extends Pick<EventEmitter, 'on'> {
  exit(code: number): void
}

/** Milliseconds that closing may take, besides the time over which pages are sent to other hubs. */
const patience = 10_000

/**
 * Ends the process on SIGTERM and SIGINT: closes once, within 10 s after `drain`, and exits with 0; a second signal exits at once. A bug
 * that nothing caught exits with 1, as what it left behind cannot be trusted: whoever supervises starts it again.
 *
 * `isLed`: another process, which gets the same signals, decides when this one exits at once. Then only the first signal counts.
 */
export function stopOnSignals(
  close: () => Promise<void>,
  log: Log,
  host: Host = process,
  {
    clock = systemClock,
    drain = 0,
    isLed = false,
  }: { readonly clock?: Clock; readonly drain?: number; readonly isLed?: boolean } = {},
): void {
  const deadline = patience + drain
  let stopping = false

  const stop = (signal: string) => {
    if (stopping) return isLed ? undefined : host.exit(1)
    stopping = true
    log.info({ signal }, 'stopping')
    clock.after(deadline, () => {
      log.warn(`not closed within ${deadline / 1000} s`)
      host.exit(0)
    })
    close().then(
      () => host.exit(0),
      (err: unknown) => {
        log.error({ err }, 'closing failed')
        host.exit(1)
      },
    )
  }
  const fail = (err: unknown) => {
    log.fatal({ err }, 'a bug that nothing caught')
    host.exit(1)
  }

  host.on('SIGTERM', () => stop('SIGTERM'))
  host.on('SIGINT', () => stop('SIGINT'))
  host.on('uncaughtException', fail)
  host.on('unhandledRejection', fail)
}
