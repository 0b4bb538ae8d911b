import { HookboxError } from '@hookbox/protocol'
import type { Log } from '../log.ts'

/** Does something that nobody waits for; where it fails, the log says so. */
export type Background = (what: string, task: () => Promise<void>) => void

/** `stopping`: a hub that stops has nothing more to see to, and whoever inherits has. */
export function createBackground(log: Pick<Log, 'warn' | 'error'>, stopping: () => boolean): Background {
  return (what, task) => {
    task().catch((error: unknown) => {
      if (stopping() && error instanceof HookboxError) return
      if (error instanceof HookboxError) log.warn({ error: error.message, code: error.code }, `${what} failed`)
      else log.error({ err: error }, `${what} failed`)
    })
  }
}
