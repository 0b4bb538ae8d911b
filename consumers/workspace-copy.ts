import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, type Run, root, run } from '../scripts/run.ts'

/** A copy of all that a release reads and writes, committed to a git of its own. */
export interface WorkspaceCopy extends AsyncDisposable {
  readonly folder: string
  /** For programs that publish. */
  readonly env: Readonly<Record<string, string>>
  read(file: string): Promise<string>
  write(file: string, text: string): Promise<void>
  commit(): Promise<void>
  changeset(...args: string[]): Promise<Run>
  /** The one on the PATH, which Changesets uses, too. */
  pnpm(...args: string[]): Promise<Run>
}

const files = ['LICENSE', 'package.json', 'pnpm-lock.yaml', 'pnpm-workspace.yaml', '.changeset', '.gitignore']

const needs = { client: ['protocol', 'testkit'], server: ['protocol', 'client', 'testkit'] }

/** `registry` is where it publishes to: never a real one. */
export async function copyWorkspace(registry: string): Promise<WorkspaceCopy> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-release-'))
  for (const file of files) await cp(join(root, file), join(folder, file), { recursive: true })
  for (const parent of ['packages', 'apps']) {
    for (const name of await readdir(join(root, parent))) await copyPackage(join(parent, name))
  }
  for (const name of ['e2e', 'consumers', 'soak']) await copyPackage(name)
  await linkInto('node_modules/@changesets/cli', join(root, 'node_modules/@changesets/cli'))
  // Siblings are linked to the copies: their versions are read there when a package is packed.
  for (const [name, siblings] of Object.entries(needs)) {
    for (const sibling of siblings) {
      await linkInto(`packages/${name}/node_modules/@hookbox/${sibling}`, join(folder, 'packages', sibling))
    }
  }
  await writeFile(join(folder, '.npmrc'), `registry=${registry}\n${registry.replace('http:', '')}:_authToken=none\n`)
  await git('init', '--quiet')
  await commit()

  async function copyPackage(path: string): Promise<void> {
    const unneeded = /[\\/](node_modules|src|test|public)([\\/]|$)/
    await cp(join(root, path), join(folder, path), {
      recursive: true,
      filter: (source) => !unneeded.test(source.slice(root.length - 1)),
    })
  }

  async function linkInto(path: string, target: string): Promise<void> {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await symlink(target, join(folder, path), 'junction')
  }

  async function git(...args: string[]): Promise<void> {
    const who = ['-c', 'user.name=Release', '-c', 'user.email=release@example.org', '-c', 'commit.gpgSign=false']
    const { exitCode, output } = await run('git', [...who, ...args], { cwd: folder, quiet: true })
    if (exitCode !== 0) throw new Error(`git ${args.join(' ')}: ${output}`)
  }

  async function commit(): Promise<void> {
    await git('add', '--all')
    await git('commit', '--quiet', '--message', 'As it is')
  }

  const env = {
    npm_config_registry: registry,
    // Otherwise the answers of an earlier registry on the same port are taken for this one's.
    npm_config_cache: join(folder, 'node_modules/.npm'),
    // The tags that are made with git need a name, too.
    GIT_COMMITTER_NAME: 'Release',
    GIT_COMMITTER_EMAIL: 'release@example.org',
  }
  return {
    folder,
    env,
    read: (file) => readFile(join(folder, file), 'utf8'),
    write: (file, text) => writeFile(join(folder, file), text),
    commit,
    changeset: (...args) => run(bin('changeset'), args, { cwd: folder, env, quiet: true }),
    pnpm: (...args) => run('pnpm', args, { cwd: folder, env, quiet: true }),
    async [Symbol.asyncDispose]() {
      await rm(folder, { recursive: true, force: true })
    },
  }
}
