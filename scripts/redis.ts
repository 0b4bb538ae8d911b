import { hasApt, installByApt } from './apt.ts'
import { isCommand } from './commands.ts'

/** Finds the `redis-server` that tests start, and installs it where that is possible. A sentence where there is none. */
export async function needRedis(): Promise<string | undefined> {
  if (!isCommand('redis-server') && hasApt()) await installByApt(['redis-server'], ['redis-server'])
  if (isCommand('redis-server')) return undefined
  const without = process.env.REDIS_URL
    ? 'tests that start servers of their own do without, others use the one of REDIS_URL'
    : 'tests that need it do without'
  const help = "install it with the system's packages (Debian: apt-get install redis-server; macOS: brew install redis)"
  return `redis-server is missing and could not be installed; ${without}. To run them, ${help}`
}
