import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { filesNamedBy, type PublishedName, published } from './packages.ts'
import { type Run, root, run } from './run.ts'

/** The bundler's command, started without a shell or a package manager between, so that a signal reaches it. */
export function bundler(folder: string): string {
  return join(dirname(createRequire(join(folder, 'package.json')).resolve('tsup')), 'cli-default.js')
}

/** Milliseconds; the slowest package takes a few seconds. */
const deadline = 180_000

/** Builds one package. Without a file that its manifest names it has failed, whatever the bundler says. */
export async function build(name: PublishedName, workspace: string = root): Promise<Run> {
  const folder = join(workspace, 'packages', name)
  const built = await run(process.execPath, [bundler(folder)], { cwd: folder, quiet: true, deadline })
  if (built.exitCode !== 0) return built
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const missing = filesNamedBy(manifest).filter((file) => !existsSync(join(folder, file)))
  if (missing.length === 0) return built
  return { exitCode: 1, output: `${built.output}the bundler ended well, but there is no ${missing.join(', ')}\n` }
}

/** Builds what is published, up to the first package that cannot be built. */
export async function buildAll(): Promise<Run> {
  for (const name of published) {
    const built = await build(name)
    if (built.exitCode !== 0) return { ...built, output: `building ${name} failed:\n${built.output}` }
  }
  return { exitCode: 0, output: '' }
}
