import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** An exact replacement in a source of ours, by its path from the root. */
export interface Edit {
  readonly file: string
  readonly find: string
  readonly replace: string
}

/**
 * A folder for bundles, removed when it is disposed. By its description it is the server's package, as the hub asks there for
 * its version; the other packages of ours are found from where it lies.
 */
export async function bundleFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(root, 'soak/node_modules/.bundles-'))
  const described = JSON.parse(await readFile(join(root, 'packages/server/package.json'), 'utf8')) as object
  const exports = { './package.json': './package.json' }
  await writeFile(join(path, 'package.json'), JSON.stringify({ ...described, exports }))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** One file of the hub's command, from the sources as they are or with the edits. Tells its path. */
export function bundleHub(folder: string, name = 'hub', edits: readonly Edit[] = []): Promise<string> {
  return bundle('packages/server/src/cli/main.ts', join(folder, `${name}.mjs`), edits)
}

/** One file of the soak itself with the client in it, which takes what {@link bundleHub} gave by `--hub`. */
export function bundleSoak(folder: string, name = 'soak', edits: readonly Edit[] = []): Promise<string> {
  return bundle('soak/src/main.ts', join(folder, `${name}.mjs`), edits)
}

async function bundle(entry: string, outfile: string, edits: readonly Edit[]): Promise<string> {
  const unused = new Set(edits)
  await build({
    entryPoints: [join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['@hookbox/source', 'module'],
    // Runs from where it is installed alone, and is not needed where everything is bundled.
    external: ['esbuild'],
    // Packages written for CommonJS ask for Node's own modules at run time.
    banner: { js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);" },
    logLevel: 'error',
    plugins: [editing(edits, unused)],
  })
  for (const { file, find } of unused) throw new Error(`${file}: expected it to be bundled, to replace ${find}`)
  return outfile
}

function editing(edits: readonly Edit[], unused: Set<Edit>): Plugin {
  return {
    name: 'edits',
    setup({ onLoad }) {
      if (edits.length === 0) return
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const file = relative(root, path).split(sep).join('/')
        const own = edits.filter((edit) => edit.file === file)
        if (own.length === 0) return undefined
        for (const edit of own) unused.delete(edit)
        return { contents: applyEdits(await readFile(path, 'utf8'), own), loader: 'ts' }
      })
    },
  }
}

/** @throws Error where a text is not found, or more than once: then the table is no longer true. */
export function applyEdits(source: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { file, find, replace }) => {
    const found = text.split(find).length - 1
    if (found !== 1) throw new Error(`${file}: expected this text once, found ${found} times: ${find}`)
    return text.replace(find, () => replace)
  }, source)
}
