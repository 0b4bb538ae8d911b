#!/usr/bin/env node
import { commandNamed } from './commands.ts'
import { forkWorker, isWorker } from './fork-worker.ts'

/** What is not needed is not loaded: a hub needs none of the commands, they need no hub, and whoever has workers is none. */
async function main(): Promise<void> {
  if (isWorker()) {
    const [{ runWorker }, { hookboxFrom }] = await Promise.all([import('./worker.ts'), import('../hookbox.ts')])
    return runWorker(process, (config, log, siblings) => hookboxFrom(config, log, undefined, siblings))
  }
  const [, , name = ''] = process.argv
  const command = commandNamed(name)
  if (command) {
    const [{ runCommand }, loaded] = await Promise.all([import('./run-command.ts'), command()])
    process.exitCode = await runCommand(name, loaded, process)
  } else {
    const { run } = await import('./run.ts')
    await run(process, async (config, log) => {
      if (config.workers > 1) return (await import('./workers.ts')).createWorkers({ config, log, fork: forkWorker })
      return (await import('../hookbox.ts')).hookboxFrom(config, log)
    })
  }
}

void main()
