import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { HookboxError } from '@hookbox/protocol'
import type { Config } from '../config/config.ts'
import { help } from '../config/help.ts'
import { type Command, load } from '../config/load.ts'
import { ConfigError } from '../config/options.ts'
import { version } from '../config/version.ts'
import { createLog, type KeptLog, type Log } from '../log.ts'
import { ignore } from '../requests.ts'
import { commandList } from './command-list.ts'
import { type Host, stopOnSignals } from './stop.ts'
import type { Listening } from './worker-messages.ts'

/** What the command needs of a hub. */
export interface Startable {
  listen(): Promise<Listening>
  close(): Promise<void>
}

/** What the command needs of `process`. */
export interface Terminal extends Host {
  readonly argv: readonly string[]
  readonly env: { readonly [name: string]: string | undefined }
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Writable & { readonly isTTY?: boolean }
}

/** The command `hookbox`: starts a hub, or says in one line why it does not. */
export async function run(
  terminal: Terminal,
  makeHub: (config: Config, log: KeptLog) => Startable | Promise<Startable>,
): Promise<void> {
  terminal.stdout.on('error', ignore)
  terminal.stderr.on('error', ignore)
  let started: { config: Config; log: KeptLog } | undefined
  try {
    const command: Command = load(terminal.argv.slice(2), terminal.env)
    if (command === 'help') return void terminal.stdout.write(`${help(commandList)}\n`)
    if (command === 'version') return void terminal.stdout.write(`${version}\n`)
    const { config, warnings } = command
    const log = createLog(config.log, terminal)
    started = { config, log }
    for (const warning of warnings) log.warn(warning)
    const hub = await makeHub(config, log)
    stopOnSignals(() => hub.close(), log, terminal, { drain: config.redis ? config.drain : 0 })
    const { url, restUrl, adminUrl } = await hub.listen()
    const everywhere =
      config.interface === '0.0.0.0' || config.interface === '::' ? ', on every address of this machine' : ''
    const rest = restUrl === undefined ? '' : `, REST at ${restUrl}`
    const operators = adminUrl === undefined ? '' : `, the console at ${adminUrl}`
    const workers = config.workers === 1 ? '' : `, with ${config.workers} workers`
    log.info(`listening at ${url}${everywhere}${rest}${operators}${workers}`)
    if (config.open) warnOfOpenMode(url, terminal.stderr, log)
  } catch (error) {
    const expected = error instanceof ConfigError || error instanceof HookboxError
    if (expected) terminal.stderr.write(`hookbox: ${error.message}\n`)
    else if (started !== undefined) started.log.fatal({ err: error }, 'cannot start')
    else terminal.stderr.write(`${error instanceof Error ? error.stack : error}\n`)
    terminal.exit(error instanceof ConfigError ? 2 : 1)
  }
}

function warnOfOpenMode(url: string, stderr: Terminal['stderr'], log: Log): void {
  const lines = [
    'OPEN MODE: everyone who can reach this is admitted.',
    `${url} asks no web application. Never serve the public like this.`,
  ]
  log.warn('open mode: everyone is admitted')
  const width = Math.max(...lines.map((line) => line.length))
  const edge = '─'.repeat(width + 2)
  const box = [`┌${edge}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${edge}┘`].join('\n')
  stderr.write(`${styleText(['bold', 'yellow'], box, { stream: stderr, validateStream: true })}\n`)
}
