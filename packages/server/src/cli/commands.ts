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
  tail: {
    usage: 'tail CHANNEL',
    help: 'Join a channel as a page does, and print what is told there.',
    load: async () => (await import('./tail.ts')).tail,
  },
  publish: {
    usage: 'publish CHANNEL [JSON]',
    help: 'Publish into a channel.',
    load: async () => (await import('./publish.ts')).publish,
  },
  info: {
    usage: 'info',
    help: 'Print what the hub is, and how much is on it.',
    load: async () => (await import('./overview.ts')).info,
  },
  channels: {
    usage: 'channels [CHANNEL …]',
    help: 'Print the names of all channels, or all about some.',
    load: async () => (await import('./overview.ts')).channels,
  },
  users: {
    usage: 'users [USER …]',
    help: 'Print the names of all users, or all about some.',
    load: async () => (await import('./overview.ts')).users,
  },
}

/** The help of all commands. */
export const commandList: readonly CommandHelp[] = Object.values(commands)

/** The command of this name; undefined where a hub is to start. */
export function commandNamed(name: string | undefined): Row | undefined {
  return name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
}
