import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from './build.ts'
import type { PublishedName } from './packages.ts'
import { Problem } from './start-problem.ts'

interface Package {
  name: PublishedName
  /** Whose sources end up in its files. */
  from: string[]
  /** The files that the demos need. */
  builds: string[]
}

/** In the order in which they need each other. */
const packages: Package[] = [
  { name: 'protocol', from: ['protocol'], builds: ['index.js'] },
  { name: 'client', from: ['client', 'protocol'], builds: ['hookbox.js', 'index.js'] },
  { name: 'server', from: ['server', 'protocol'], builds: ['cli.js', 'index.js'] },
]

/** Builds what is missing or older than its sources. */
export async function buildWhatIsOld(root: string): Promise<void> {
  for (const one of packages) {
    const sources = await Promise.all(one.from.map((name) => newest(join(root, 'packages', name))))
    const builds = await Promise.all(one.builds.map((file) => changed(join(root, 'packages', one.name, 'dist', file))))
    if (Math.min(...builds) > Math.max(...sources)) continue
    console.log(`Building ${one.name}…`)
    const { exitCode, output } = await build(one.name, root)
    if (exitCode !== 0) throw new Problem(`Building ${one.name} failed:\n${output.trim()}`)
  }
}

/** When the youngest file was changed that a build reads. */
async function newest(folder: string): Promise<number> {
  const inside = await readdir(join(folder, 'src'), { recursive: true })
  const files = [...inside.map((file) => join('src', file)), 'package.json', 'tsup.config.ts']
  return Math.max(...(await Promise.all(files.map((file) => changed(join(folder, file))))))
}

/** Zero where there is no such file. */
async function changed(file: string): Promise<number> {
  const stats = await stat(file).catch(() => undefined)
  return stats?.mtimeMs ?? 0
}
