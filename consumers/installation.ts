import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { type PublishedName, published, type Tarballs } from '../scripts/packages.ts'
import { root } from '../scripts/run.ts'

const runFile = promisify(execFile)

const here = join(root, 'consumers')

/** What the programs need besides Hookbox. */
const ofConsumer = ['typescript', '@types/node', 'ws', '@types/ws']

/** A project far from this workspace, in which the three packages are installed as from a registry. */
export interface Installation extends AsyncDisposable {
  readonly folder: string
  /** Of a file in one of the packages. */
  path(name: PublishedName, file?: string): string
  /** Runs a program of the project to its end and tells what it wrote to stdout. Rejects where it fails. */
  node(program: string, ...args: string[]): Promise<string>
  /** Runs the command `hookbox` as an npm script would. */
  hookbox(...args: string[]): Promise<string>
  /** Of the command `hookbox`. */
  readonly command: string
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly [field: string]: unknown
}

/**
 * Installs without a network. Each package sees what its manifest declares and nothing else, as in pnpm's layout, so that
 * an undeclared dependency is missing here as it would be for a user.
 */
export async function install(tarballs: Tarballs): Promise<Installation> {
  const top = await realpath(await mkdtemp(join(tmpdir(), 'hookbox-consumer-')))
  const folder = join(top, 'project')
  // Beside the project: what only the project declares is not to be found from here.
  const store = (name: PublishedName, dependency: string) => join(top, 'store', name, 'node_modules', dependency)
  const path = (name: PublishedName, file = '') => join(store(name, `@hookbox/${name}`), file)

  for (const name of published) {
    await unpack(tarballs[name], path(name))
    await link(path(name), join(folder, 'node_modules', '@hookbox', name))
  }
  for (const name of published) await linkDependencies(name)
  for (const name of ofConsumer) {
    await link(join(here, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'consumer', private: true }))
  await cp(join(here, 'programs'), folder, { recursive: true })

  const { bin } = await readManifest(path('server'))
  const command = path('server', bin?.hookbox)
  await chmod(command, 0o755) // As every package manager does with what `bin` names.

  async function linkDependencies(name: PublishedName): Promise<void> {
    const { dependencies = {} } = await readManifest(path(name))
    for (const dependency of Object.keys(dependencies)) {
      const own = published.find((one) => dependency === `@hookbox/${one}`)
      const source = own ? path(own) : join(root, 'packages', name, 'node_modules', dependency)
      await link(source, store(name, dependency))
    }
  }

  return {
    folder,
    path,
    command,
    node: async (program, ...args) => (await runFile(process.execPath, [program, ...args], { cwd: folder })).stdout,
    hookbox: async (...args) => (await runFile(command, args, { cwd: folder })).stdout,
    async [Symbol.asyncDispose]() {
      await rm(top, { recursive: true, force: true })
    },
  }
}

export async function unpack(tarball: string, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await runFile('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1'])
}

export async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest
}

/** Real paths, so that what is linked finds its own dependencies where it really is. */
async function link(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await symlink(await realpath(source), target, 'junction')
}
