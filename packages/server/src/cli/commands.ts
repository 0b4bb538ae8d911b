import type { Command } from './command.ts'
import type { CommandName } from './command-list.ts'

/** Loads a command, when it is asked for: a hub that starts needs none of them. */
export type LoadCommand = () => Promise<Command>

const commands: { readonly [N in CommandName]: LoadCommand } = {
  doctor: async () => (await import('./doctor.ts')).doctor,
  probe: async () => (await import('./probe.ts')).probe,
  tail: async () => (await import('./tail.ts')).tail,
  publish: async () => (await import('./publish.ts')).publish,
  info: async () => (await import('./overview.ts')).info,
  channels: async () => (await import('./overview.ts')).channels,
  users: async () => (await import('./overview.ts')).users,
}

/** The command of this name; undefined where a hub is to start. */
export function commandNamed(name: string | undefined): LoadCommand | undefined {
  return name !== undefined && Object.hasOwn(commands, name) ? commands[name as CommandName] : undefined
}
