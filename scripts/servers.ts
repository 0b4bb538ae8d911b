import { existsSync } from 'node:fs'
import { installByApt } from './apt.ts'
import { isCommand } from './commands.ts'

/** A server of the system's that tests start in processes of their own. */
export interface Server {
  readonly command: string
  /** The package of Debian, whose service has the same name. */
  readonly debian: string
  readonly homebrew: string
}

export interface Servers {
  readonly found: number
  /** A sentence for each that is neither found nor could be installed. */
  readonly missing: readonly string[]
}

/** Finds servers, and installs those that are missing where that is possible. */
export async function needServers(wanted: readonly Server[]): Promise<Servers> {
  const absent = () => wanted.filter(({ command }) => !isServer(command))
  const packages = absent().map(({ debian }) => debian)
  if (packages.length > 0) await installByApt(packages, packages)
  const missing = absent()
  return { found: wanted.length - missing.length, missing: missing.map(helpFor) }
}

/** Whether it is there, without installing anything. */
export function hasServer({ command }: Server): boolean {
  return isServer(command)
}

/** For whoever reads the terminal. */
export function howToGet({ debian, homebrew }: Server): string {
  return `Debian: apt-get install ${debian}; macOS: brew install ${homebrew}`
}

/** Debian has servers where only the PATH of root leads. */
function isServer(command: string): boolean {
  return isCommand(command) || existsSync(`/usr/sbin/${command}`)
}

function helpFor(server: Server): string {
  const { command } = server
  return `${command} is missing and could not be installed. For its tests install it with the system’s packages (${howToGet(server)})`
}
