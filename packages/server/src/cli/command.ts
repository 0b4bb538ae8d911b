import type { commandHelp } from '../config/help.ts'
import type { Given } from '../config/load.ts'
import type { Terminal } from './run.ts'

/** Something that `hookbox` does besides starting a hub. */
export interface Command {
  /** What `--help` says of it. */
  readonly page: Parameters<typeof commandHelp>[0]
  /**
   * Does it, and tells the exit code.
   *
   * @throws ConfigError for a mistake in what it was given
   */
  run(given: Given, terminal: Terminal): Promise<number>
}
