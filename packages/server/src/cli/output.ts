import { printable } from '../printable.ts'
import type { Answered } from './rest.ts'
import type { Terminal } from './run.ts'
import { exits } from './run-command.ts'

/** Whether a program reads: then every line is JSON. */
export function isForPrograms({ stdout }: Terminal, json: boolean): boolean {
  return json || !stdout.isTTY
}

/** Writes one value: a line of JSON for programs, and readable for people. */
export function show(
  terminal: Terminal,
  { value, json, hide = (text) => text }: { value: unknown; json: boolean; hide?: (text: string) => string },
): void {
  if (isForPrograms(terminal, json)) return void terminal.stdout.write(`${hide(JSON.stringify(value))}\n`)
  const lines = hide(JSON.stringify(value, null, 2)).split('\n')
  terminal.stdout.write(lines.map((line) => `${printable(line)}\n`).join(''))
}

/** Says on the standard error why something was not done, and tells the exit code. */
export function complain(
  terminal: Terminal,
  name: string,
  { kind, error }: Exclude<Answered, { kind: 'done' }>,
): number {
  terminal.stderr.write(`hookbox ${name}: ${printable(error)}\n`)
  return kind === 'no' ? exits.no : exits.fault
}

/** Shows what the hub answered, and tells the exit code. */
export function answer(terminal: Terminal, name: string, answered: Answered, json: boolean): number {
  if (answered.kind !== 'done') return complain(terminal, name, answered)
  show(terminal, { value: answered.details, json })
  return exits.done
}
