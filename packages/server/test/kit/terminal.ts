import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { commandNamed } from '../../src/cli/commands.ts'
import type { Terminal } from '../../src/cli/run.ts'
import { runCommand } from '../../src/cli/run-command.ts'
import { type Sink, sink } from './sink.ts'

/** What a command that has ended left behind. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestTerminal extends Terminal {
  readonly stdout: Sink
  readonly stderr: Sink
  /** The codes of the exits that were asked for at once. */
  readonly exits: number[]
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

/** Runs a command in this process, to its end. */
export async function hookbox(
  args: readonly string[],
  options: Parameters<typeof testTerminal>[1] = {},
): Promise<Ended> {
  const terminal = testTerminal(args, options)
  const [name = ''] = args
  const command = commandNamed(name)
  if (!command) throw new Error(`there is no command ${name}`)
  const code = await runCommand(name, await command.load(), terminal)
  return { code, stdout: terminal.stdout.text, stderr: terminal.stderr.text }
}
