import { commandHelp } from '../config/help.ts'
import { loadForCommand } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { version } from '../config/version.ts'
import { ignore } from '../requests.ts'
import type { Command } from './command.ts'
import type { Terminal } from './run.ts'

/** What a command needs of `process`. */
export interface CommandTerminal extends Terminal {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean }
}

/** The exit codes that mean the same for all commands. */
export const exits = { done: 0, no: 1, usage: 2, fault: 3 } as const

/** Runs a command to its end, and tells the exit code. A mistake in what it was given is one line, and 2. */
export async function runCommand(name: string, command: Command, terminal: CommandTerminal): Promise<number> {
  const { argv, env, stdout, stderr } = terminal
  // Whoever reads may go, as `head` does; that is no failure.
  stdout.on('error', ignore)
  stderr.on('error', ignore)
  try {
    const given = loadForCommand(argv.slice(3), command.page.flags, env)
    if (given === 'help') stdout.write(`${commandHelp(command.page)}\n`)
    else if (given === 'version') stdout.write(`${version}\n`)
    else return await command.run(given, terminal)
    return exits.done
  } catch (error) {
    if (error instanceof ConfigError) {
      stderr.write(`hookbox ${name}: ${error.message}\n`)
      return exits.usage
    }
    // A bug. Scripts must not take it for a no.
    stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    return exits.fault
  }
}
