import type { commandHelp } from '../config/help.ts'
import type { Given } from '../config/load.ts'
import type { CommandTerminal } from './run-command.ts'

/** Something that `hookbox` does besides starting a hub. */
export interface Command {
  /** What `--help` says of it. */
  readonly page: Parameters<typeof commandHelp>[0]
  /**
   * Does it, and tells the exit code.
   *
   * @throws ConfigError for a mistake in what it was given
   */
  run(given: Given, terminal: CommandTerminal): Promise<number>
}
