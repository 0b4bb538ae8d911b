import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { filesNamedBy, published } from '../scripts/packages.ts'
import { importsOf, sources } from '../scripts/rooms.ts'
import { bin, root, run } from '../scripts/run.ts'
import { type Manifest, readManifest, unpack } from './installation.ts'

const tarballs = inject('tarballs')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hookbox-unpacked-'))
  for (const name of published) await unpack(tarballs[name], join(folder, name))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function files(name: string): Promise<string[]> {
  const all = await readdir(join(folder, name), { recursive: true, withFileTypes: true })
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe.each(published)('the tarball of %s', (name) => {
  let manifest: Manifest
  beforeAll(async () => {
    manifest = await readManifest(join(folder, name))
  })

  test.each([
    { tool: 'publint', args: ['--strict'] },
    // The wildcard of the vectors cannot be enumerated, and JSON has no types to be wrong.
    { tool: 'attw', args: ['--quiet', '--exclude-entrypoints', './vectors/*.json', '--'] },
  ])('has nothing that $tool finds', async ({ tool, args }) => {
    const { exitCode, output } = await run(bin(tool), [...args, tarballs[name]], { quiet: true })
    expect(exitCode, output).toBe(0)
  })

  test('has a licence, a readme and what its manifest names', async () => {
    const unpacked = new Set((await files(name)).map((file) => file.slice(join(folder, name).length + 1)))
    expect(['LICENSE', 'README.md', ...filesNamedBy(manifest)].filter((path) => !unpacked.has(path))).toEqual([])
    expect(await readFile(join(folder, name, 'LICENSE'), 'utf8')).toBe(await readFile(join(root, 'LICENSE'), 'utf8'))
    expect(manifest.license).toBe('MIT')
  })

  test('has a readme whose links lead somewhere, from where the sources are', async () => {
    const text = await readFile(join(folder, name, 'README.md'), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(join(root, 'packages', name, link)))).toEqual([])
  })

  test('has neither sources nor tests nor maps', async () => {
    const unwanted = /\/(src|test|node_modules)\/|\.map$|\.tsbuildinfo$|tsconfig|(?<!\.d)\.ts$/
    expect((await files(name)).filter((file) => unwanted.test(file.slice(folder.length)))).toEqual([])
  })

  test('tells nothing of the machine that built it', async () => {
    const traces = [root, homedir(), tmpdir(), 'sourceMappingURL', 'file://'].filter((trace) => trace.length > 1)
    for (const file of (await files(name)).filter((one) => !one.endsWith('.md'))) {
      const text = await readFile(file, 'utf8')
      expect(
        traces.filter((trace) => text.includes(trace)),
        file,
      ).toEqual([])
    }
  })

  test('depends on versions that a registry knows, on its siblings in the very same', () => {
    const { version, dependencies = {} } = manifest
    expect(JSON.stringify(manifest)).not.toMatch(/"(workspace|catalog|link|file):/)
    for (const [dependency, range] of Object.entries(dependencies)) {
      if (dependency.startsWith('@hookbox/')) expect(range, dependency).toBe(version)
    }
  })

  test('is public, and leads nobody to sources that it does not have', () => {
    expect(manifest.publishConfig).toEqual({ access: 'public' })
    expect(manifest.private).toBeUndefined()
    expect(JSON.stringify(manifest)).not.toContain('@hookbox/source')
  })

  test('offers what the workspace offers', async () => {
    const inWorkspace = JSON.parse(await readFile(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest
    const withoutSource = JSON.parse(JSON.stringify(inWorkspace.exports), (key, value: unknown) =>
      key === '@hookbox/source' ? undefined : value,
    )
    expect(manifest.exports).toEqual(withoutSource)
  })
})

test('nothing of the inspector is in what pages load that do not ask for it', async () => {
  const dist = join(folder, 'client', 'dist')
  expect(await readFile(join(dist, 'inspect.js'), 'utf8')).toMatch(/over for good/)
  const loaded = new Set(['index.js', 'index.cjs', 'fallback.js', 'fallback.cjs'])
  for (const file of loaded) {
    const text = await readFile(join(dist, file), 'utf8')
    expect(text).not.toMatch(/over for good/)
    for (const [, other = ''] of text.matchAll(/["']\.\/([^"']+\.c?js)["']/g)) loaded.add(other)
  }
})

test('the licences of what is bundled into the client are in its tarball', async () => {
  const bundled = new Set(
    sources('packages/client/src')
      .flatMap(importsOf)
      .map(({ target }) => target)
      .filter((target) => !target.startsWith('packages/') && !/^(@hookbox\/|node:)/.test(target)),
  )
  const notices = (await readFile(join(folder, 'client', 'THIRD-PARTY-NOTICES'), 'utf8')).replace(/\s+/g, ' ')
  for (const name of bundled) {
    const licence = await readFile(join(root, 'packages/client/node_modules', name, 'LICENSE'), 'utf8')
    expect(notices).toContain(licence.trim().replace(/\s+/g, ' '))
  }
})
