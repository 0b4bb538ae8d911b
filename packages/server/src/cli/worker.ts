import { HookboxError } from '@hookbox/protocol'
import type { Config } from '../config/config.ts'
import { ConfigError } from '../config/options.ts'
import { createLog, type KeptLog } from '../log.ts'
import { ignore } from '../requests.ts'
import type { Siblings } from '../siblings.ts'
import type { Startable, Terminal } from './run.ts'
import { stopOnSignals } from './stop.ts'
import { type FromWorker, type ToWorker, workerVariable } from './worker-messages.ts'

/** What a worker needs of `process`. */
export interface WorkerTerminal extends Terminal {
  emit(signal: string): boolean
  /** To the command that started it. */
  send?(message: FromWorker, done: () => void): void
}

/** One of the processes of `--workers`: a node that serves the port together with the others, until the command tells it to stop. */
export function runWorker(
  terminal: WorkerTerminal,
  makeHub: (config: Config, log: KeptLog, siblings: Siblings) => Startable,
): void {
  terminal.stdout.on('error', ignore)
  terminal.stderr.on('error', ignore)
  const worker = Number(terminal.env[workerVariable])
  const asked = new Map<number, (texts: readonly string[]) => void>()
  let lastId = 0
  let own: () => Promise<string> = async () => ''

  function say(message: FromWorker, done: () => void = ignore): void {
    terminal.send?.(message, done)
  }

  const siblings: Siblings = {
    worker,
    answer(answer) {
      own = answer
    },
    all: () =>
      new Promise((resolve) => {
        const id = ++lastId
        asked.set(id, resolve)
        say({ kind: 'ask metrics', id })
      }),
  }

  async function begin(config: Config): Promise<void> {
    let log: KeptLog | undefined
    try {
      log = createLog(config.log, terminal, { worker })
      const hub = makeHub(config, log, siblings)
      stopOnSignals(() => hub.close(), log, terminal, { drain: config.drain, isLed: true })
      const listening = await hub.listen()
      log.info('a worker has started')
      say({ kind: 'listening', listening })
    } catch (error) {
      const code = error instanceof ConfigError ? 2 : 1
      const exit = () => terminal.exit(code)
      if (error instanceof ConfigError || error instanceof HookboxError)
        return say({ kind: 'failed', message: error.message, code }, exit)
      log?.fatal({ err: error }, 'cannot start')
      exit()
    }
  }

  terminal.on('message', (message: ToWorker) => {
    switch (message.kind) {
      case 'begin':
        return void begin(message.config)
      case 'stop':
        return void (terminal.emit('SIGTERM') || terminal.exit(0))
      case 'tell metrics':
        // Whoever cannot tell is left out.
        return void own().then((text) => say({ kind: 'metrics', id: message.id, text }), ignore)
      case 'all metrics':
        asked.get(message.id)?.(message.texts)
        asked.delete(message.id)
    }
  })
  say({ kind: 'here' })
}
