import { printable } from '../printable.ts'
import type { Terminal } from './run.ts'

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
