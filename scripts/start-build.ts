import { spawn } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Problem } from './start-problem.ts'

interface Package {
  name: string
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
    await build(join(root, 'packages', one.name))
  }
}

/** The bundler's command, started without a shell or a package manager between, so that a signal reaches it. */
export function bundler(folder: string): string {
  return join(dirname(createRequire(join(folder, 'package.json')).resolve('tsup')), 'cli-default.js')
}

function build(folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundler(folder)], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    }
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Problem(`Building ${folder} failed:\n${output.trim()}`))
    })
  })
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
