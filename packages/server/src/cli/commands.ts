import type { CommandHelp } from '../config/help.ts'
import type { Command } from './command.ts'

interface Row extends CommandHelp {
  /** Loaded when it is asked for, so that a hub that starts is not slowed by it. */
  readonly load: () => Promise<Command>
}

/** Every command, by its name. */
const commands: { readonly [name: string]: Row } = {
  doctor: {
    usage: 'doctor',
    help: 'Ask your application as a hub would, and say what is right and wrong.',
    load: async () => (await import('./doctor.ts')).doctor,
  },
  probe: {
    usage: 'probe WEBHOOK',
    help: 'Send your application one webhook, and print what a hub would do with the reply.',
    load: async () => (await import('./probe.ts')).probe,
  },
}

/** The help of all commands. */
export const commandList: readonly CommandHelp[] = Object.values(commands)

/** The command of this name; undefined where a hub is to start. */
export function commandNamed(name: string | undefined): Row | undefined {
  return name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
}
