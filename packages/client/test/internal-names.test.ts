import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { internalNames } from '../internal-names.ts'
import { withLoneSource } from './kit/lone-source.ts'

const client = join(import.meta.dirname, '..')
const entries = ['src/index.ts', 'src/fallback.ts', 'src/inspect.ts', 'src/global.ts']

/** The names that may be made short in a package whose only source this is. */
function namesIn(source: string): Promise<string[]> {
  return withLoneSource(source, (folder) => internalNames(folder, ['src/index.ts']))
}

test.each([
  [
    'of an interface that is not exported',
    'interface Told { mine: number }; export function use(): void { void ({ mine: 1 } as Told).mine }',
    ['mine'],
  ],
  [
    'of a class that is not exported',
    'class Told { mine = 1; said() { return this.mine } }; void new Told().said()',
    ['mine', 'said'],
  ],
  [
    'that is destructured',
    'interface Told { mine: number }; function f({ mine: x }: Told) { return x }; f({ mine: 1 })',
    ['mine'],
  ],
  ['of what is exported', 'export interface Told { mine: number }', []],
  [
    'of what an exported function takes',
    'interface Told { mine: number }; export function use(_: readonly Told[]): void {}',
    [],
  ],
  [
    'of what an exported interface extends',
    'interface Told { mine: number }; export interface Said extends Told {}',
    [],
  ],
  [
    'that is the same as one of something exported',
    'interface Told { mine: number }; export interface Said { mine: string }; void ({ mine: 1 } as Told)',
    [],
  ],
  ['that the language has too', 'interface Told { add(): void }; const told: Told = { add() {} }; told.add()', []],
  [
    'that the browser has too',
    'interface Told { readyState: number }; void ({ readyState: 1 } as Told).readyState',
    [],
  ],
  [
    'of an object without a written type',
    'interface Told { mine: number }; void JSON.stringify({ mine: 1 }); void ({ mine: 1 } as Told)',
    [],
  ],
  [
    'of what anybody may have sent',
    'interface Told { mine: number }; void JSON.parse("{}").mine; void ({ mine: 1 } as Told)',
    [],
  ],
  [
    'that is quoted',
    'interface Told { mine: number }; const told: Told = { mine: 1 }; void told["mine"]; void ("mine" in told)',
    [],
  ],
  [
    'that is read by a variable',
    'interface Told { mine: number }; const told: Told = { mine: 1 }; for (const name of ["mine"] as const) void told[name]',
    [],
  ],
])('a name %s', async (_, source, names) => {
  expect(await namesIn(source)).toEqual(names)
})

test('an entry that is not there is told', () => {
  expect(() => internalNames(client, ['src/other.ts'])).toThrow('expected a module at')
})

test('of the client, nothing that is written on the wire and nothing that pages read or write', async () => {
  const names = internalNames(client, entries)
  expect(names).toContain('sentHere')
  const vectors = ['client-frames', 'server-frames'].map((name) => join(client, `../protocol/vectors/${name}.json`))
  const texts = await Promise.all([...vectors, join(client, 'README.md')].map((file) => readFile(file, 'utf8')))
  const written = texts.flatMap((text) => [...text.matchAll(/(?:"(\w+)\\?":)|(?:\.(\w+))|(?:(\w+):)/g)])
  const others = new Set(written.flatMap(([, ...found]) => found))
  expect(names.filter((name) => others.has(name))).toEqual([])
})
