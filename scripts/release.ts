import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PublishedName, published } from './packages.ts'
import { bin, pnpm, type RunOptions, root, run } from './run.ts'
import { scriptTags } from './script-tag.ts'

interface Manifest {
  readonly version: string
  readonly repository?: unknown
}

/** What stands in the way of a release of this workspace: a sentence for each. */
export async function obstacles(workspace: string): Promise<string[]> {
  const found: string[] = []
  const changesets = (await readdir(join(workspace, '.changeset'))).filter((file) => /^(?!README).*\.md$/.test(file))
  if (changesets.length > 0) {
    found.push(`.changeset: expected no changes left, found ${changesets.join(', ')}; run "npx changeset version"`)
  }
  const manifests = await Promise.all(published.map((name) => manifestOf(workspace, name)))
  const versions = new Set(manifests.map(({ version }) => version))
  if (versions.size > 1) found.push(`versions: expected one for all packages, found ${[...versions].join(', ')}`)
  for (const [index, { repository }] of manifests.entries()) {
    if (repository !== undefined) continue
    found.push(
      `packages/${published[index]}/package.json: repository: expected {"type", "url", "directory"}, ` +
        'as the links of its README begin there',
    )
  }
  const status = await run('git', ['status', '--porcelain'], { cwd: workspace, quiet: true })
  if (status.exitCode !== 0 || status.output !== '') {
    found.push(`git: expected everything to be committed, found\n${status.output.trimEnd()}`)
  }
  // Changesets runs it by this name, and only pnpm packs the manifests as they are to be.
  const packer = await run('pnpm', ['--version'], { cwd: workspace, quiet: true })
  if (packer.exitCode !== 0) found.push('pnpm: expected it on the PATH; run "npx -y pnpm@10 release"')
  return found
}

/** Publishes what is built and tells the tags for pages. Undefined where publishing failed. */
export async function publish(workspace: string, options: RunOptions = {}): Promise<string[] | undefined> {
  const { exitCode, output } = await run(bin('changeset'), ['publish'], { ...options, cwd: workspace })
  if (exitCode !== 0) {
    console.log(output)
    return undefined
  }
  const { version } = await manifestOf(workspace, 'client')
  return scriptTags(version, await readFile(join(workspace, 'packages/client/dist/hookbox.js')))
}

async function manifestOf(workspace: string, name: PublishedName): Promise<Manifest> {
  return JSON.parse(await readFile(join(workspace, 'packages', name, 'package.json'), 'utf8')) as Manifest
}

async function main(): Promise<boolean> {
  const found = await obstacles(root)
  for (const obstacle of found) console.log(obstacle)
  if (found.length > 0) return false
  // It builds, too: what is published below is what has been checked.
  const checked = await pnpm(['check'])
  if (checked.exitCode !== 0) return false
  const tags = await publish(root)
  if (tags === undefined) return false
  console.log(
    `\nFor pages without a bundler:\n\n${tags.join('\n')}\n\nThe tags of git are to be pushed: git push --follow-tags`,
  )
  return true
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = (await main()) ? 0 : 1
