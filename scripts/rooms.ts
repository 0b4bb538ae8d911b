import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { root } from './run.ts'

/** A source file, by its path from the root, with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
}

/** Something that a file imports. */
export interface Import {
  /** `path:line`, to click on. */
  readonly at: string
  /** The path from the root of a file of ours, else the name of a package or of a module of Node. */
  readonly target: string
}

/** All TypeScript files of a folder of ours. */
export function sources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !/[\\/](node_modules|dist|test-results)[\\/]/.test(file))
    .map((file) => ({ path: slashed(relative(root, file)), text: readFileSync(file, 'utf8') }))
}

const specifier = /\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g

export function importsOf({ path, text }: Source): Import[] {
  return linesOf(text).flatMap(({ line, number }) =>
    [...line.matchAll(specifier)].map(([, , name = '']) => ({
      at: `${path}:${number}`,
      target: name.startsWith('.') ? slashed(join(dirname(path), name)) : name,
    })),
  )
}

/** Where a text stands in the code of a file: `path:line`. */
export function places({ path, text }: Source, wanted: string): string[] {
  return linesOf(text).flatMap(({ line, number }) => (line.includes(wanted) ? [`${path}:${number}`] : []))
}

/** Examples in comments import whatever they like. */
function linesOf(text: string): { line: string; number: number }[] {
  return text
    .split('\n')
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => !/^\s*(\*|\/\/|\/\*)/.test(line))
}

function slashed(path: string): string {
  return path.split(sep).join('/')
}
