import { join } from 'node:path'
import { expect, test } from 'vitest'
import { setApart } from '../set-apart.ts'
import { withLoneSource } from './kit/lone-source.ts'

/** A source, alone in its package, with the members of these interfaces set apart. */
function apart(source: string, ...interfaces: string[]): Promise<string | undefined> {
  return withLoneSource(source, (folder) =>
    setApart(folder, interfaces).get(join(folder, 'src/index.ts'))?.replace('; export {}', ''),
  )
}

test.each([
  [
    'is another one wherever the source means it, and nowhere else',
    'interface Line { close(): void }; function end(line: Line, socket: WebSocket) { line.close(); socket.close() }; end({ close() {} }, new WebSocket(""))',
    'interface Line { closeInside(): void }; function end(line: Line, socket: WebSocket) { line.closeInside(); socket.close() }; end({ closeInside() {} }, new WebSocket(""))',
  ],
  [
    'is another one where it is taken apart or put together in short',
    'interface Line { open: boolean }; const open = true; const line: Line = { open }; { const { open } = line; void open }',
    'interface Line { openInside: boolean }; const open = true; const line: Line = { openInside: open }; { const { openInside: open } = line; void open }',
  ],
  [
    'stays where the member may be missing',
    'interface Line { name?: string; size: number }',
    'interface Line { name?: string; sizeInside: number }',
  ],
  [
    'stays where the interface is not named',
    'interface Line { size: number }; interface Other { size: number }',
    'interface Line { sizeInside: number }; interface Other { size: number }',
  ],
])('the name of a member %s', async (_, source, expected) => {
  expect(await apart(source, 'Line')).toBe(expected)
})

test('an object that somebody else made cannot pass for one of the package', async () => {
  const source = 'interface Line { close(): void }; const line: Line = new WebSocket(""); void line'
  await expect(apart(source, 'Line')).rejects.toThrow("Property 'closeInside' is missing in type 'WebSocket'")
})

test('an interface that is not there is told', async () => {
  await expect(apart('interface Line { size: number }', 'Lines')).rejects.toThrow('expected an interface Lines')
})
