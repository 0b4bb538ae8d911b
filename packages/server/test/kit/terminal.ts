import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { commandNamed } from '../../src/cli/commands.ts'
import { type CommandTerminal, runCommand } from '../../src/cli/run-command.ts'
import { type Sink, sink } from './sink.ts'

/** What a command that has ended left behind. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestTerminal extends CommandTerminal {
  readonly stdout: Sink
  readonly stderr: Sink
  /** The codes of the exits that were asked for at once. */
  readonly exits: number[]
  /** As a signal does. */
  emit(signal: string): boolean
}

export function testTerminal(
  args: readonly string[],
  { env = {}, isTTY = false, stdin = '' }: { env?: Record<string, string>; isTTY?: boolean; stdin?: string } = {},
): TestTerminal {
  const exits: number[] = []
  return Object.assign(new EventEmitter(), {
    argv: ['node', 'hookbox', ...args],
    env,
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    stdout: sink({ isTTY }),
    stderr: sink(),
    exit: (code: number) => void exits.push(code),
    exits,
  })
}

/** Begins a command in this process; `ended` tells its exit code. */
export async function begin(
  args: readonly string[],
  options: Parameters<typeof testTerminal>[1] = {},
): Promise<{ readonly terminal: TestTerminal; readonly ended: Promise<number> }> {
  const terminal = testTerminal(args, options)
  const [name = ''] = args
  const command = commandNamed(name)
  if (!command) throw new Error(`there is no command ${name}`)
  return { terminal, ended: runCommand(name, await command(), terminal) }
}

/** Runs a command in this process, to its end. */
export async function hookbox(
  args: readonly string[],
  options: Parameters<typeof testTerminal>[1] = {},
): Promise<Ended> {
  const { terminal, ended } = await begin(args, options)
  return { code: await ended, stdout: terminal.stdout.text, stderr: terminal.stderr.text }
}
