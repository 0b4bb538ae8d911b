import type { Clock } from '../clock.ts'
import { answerJson, type Handler } from './router.ts'

/** Says that this process is alive, since how many seconds, and what it is. Asks nothing of anything else. */
export function health(version: string, clock: Clock): Handler {
  const started = clock.now()
  return (_request, response) => {
    answerJson(response, 200, { status: 'ok', uptime: Math.floor((clock.now() - started) / 1000), version })
  }
}
