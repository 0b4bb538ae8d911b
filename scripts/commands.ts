import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a command would be, by each folder of the PATH. */
export function onPath(command: string): string[] {
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, command))
}

export function isCommand(command: string): boolean {
  return onPath(command).some((path) => existsSync(path))
}
