#!/usr/bin/env node
import { commandNamed } from './commands.ts'

/** What is not needed is not loaded: a hub needs none of the commands, and they need no hub. */
async function main(): Promise<void> {
  const [, , name = ''] = process.argv
  const command = commandNamed(name)
  if (command) {
    const [{ runCommand }, loaded] = await Promise.all([import('./run-command.ts'), command()])
    process.exitCode = await runCommand(name, loaded, process)
  } else {
    const [{ run }, { hookboxFrom }] = await Promise.all([import('./run.ts'), import('../hookbox.ts')])
    await run(process, hookboxFrom)
  }
}

void main()
