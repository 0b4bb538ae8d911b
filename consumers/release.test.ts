import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { published } from '../scripts/packages.ts'
import { obstacles, publish } from '../scripts/release.ts'
import { scriptTags } from '../scripts/script-tag.ts'
import { type Manifest, readManifest, unpack } from './installation.ts'
import { type Registry, startRegistry } from './registry.ts'
import { copyWorkspace, type WorkspaceCopy } from './workspace-copy.ts'

let registry: Registry
let copy: WorkspaceCopy
const folders = published.map((name) => `packages/${name}`)

async function manifests(): Promise<Manifest[]> {
  return Promise.all(folders.map((folder) => readManifest(join(copy.folder, folder))))
}

async function change(file: string, changes: object): Promise<void> {
  await copy.write(file, JSON.stringify({ ...JSON.parse(await copy.read(file)), ...changes }, undefined, 2))
}

beforeAll(async () => {
  registry = await startRegistry()
  copy = await copyWorkspace(registry.url)
})

afterAll(async () => {
  await copy?.[Symbol.asyncDispose]()
  await registry?.[Symbol.asyncDispose]()
})

describe.sequential('a release', () => {
  let before: string[]

  test('takes the changes that wait for it', async () => {
    const { exitCode, output } = await copy.changeset('version')
    expect(exitCode, output).toBe(0)
  })

  test('is refused while something stands in its way, which is named', async () => {
    await copy.write('.changeset/one-mended.md', "---\n'@hookbox/server': patch\n---\n\nThe hub is mended.\n")
    for (const folder of folders) await change(`${folder}/package.json`, { repository: undefined })
    await change('packages/client/package.json', { version: '9.9.9' })
    expect(await obstacles(copy.folder)).toEqual([
      expect.stringMatching(/^\.changeset: expected no changes left, found .*one-mended\.md.*"npx changeset version"$/),
      expect.stringMatching(/^versions: expected one for all packages, found \S+, 9\.9\.9/),
      ...folders.map((folder) => expect.stringContaining(`${folder}/package.json: repository: expected`)),
      expect.stringMatching(/^git: expected everything to be committed, found\n(.|\n)*one-mended/),
    ])
    const { version } = await readManifest(join(copy.folder, 'packages/server'))
    await change('packages/client/package.json', { version })
  })

  test('gives all packages one version, though one of them has changed', async () => {
    before = await Promise.all(['testkit', 'server'].map((name) => copy.read(`packages/${name}/package.json`)))
    const { exitCode, output } = await copy.changeset('version')
    expect(exitCode, output).toBe(0)
    const versions = (await manifests()).map(({ version }) => version)
    expect(new Set(versions).size).toBe(1)
    expect(versions[0]).not.toBe(JSON.parse(before[1] ?? '').version)
  })

  test('writes a changelog for each', async () => {
    const [{ version } = { version: '' }] = await manifests()
    for (const folder of folders) expect(await copy.read(`${folder}/CHANGELOG.md`)).toContain(`## ${version}\n`)
    expect(await copy.read('packages/server/CHANGELOG.md')).toContain('The hub is mended.')
  })

  test('leaves alone what is not published, and how siblings are named', async () => {
    expect(await copy.read('packages/testkit/package.json')).toBe(before[0])
    const { version, ...server } = await readManifest(join(copy.folder, 'packages/server'))
    const { version: _, ...wasServer } = JSON.parse(before[1] ?? '') as Manifest
    expect(server).toEqual(wasServer)
  })

  test('has nothing in its way when all is committed and the sources have an address', async () => {
    for (const folder of folders) {
      const repository = { type: 'git', url: 'git+https://example.org/hookbox.git', directory: folder }
      await change(`${folder}/package.json`, { repository })
    }
    await copy.commit()
    expect(await obstacles(copy.folder)).toEqual([])
  })

  test('could be published: the rehearsal of pnpm says so', async () => {
    const { exitCode, output } = await copy.pnpm('-r', 'publish', '--dry-run', '--no-git-checks', '--report-summary')
    expect(exitCode, output).toBe(0)
    const { publishedPackages } = JSON.parse(await copy.read('pnpm-publish-summary.json'))
    const [{ version } = { version: '' }] = await manifests()
    expect(publishedPackages.map(({ name }: Manifest) => name).sort()).toEqual(
      published.map((name) => `@hookbox/${name}`).sort(),
    )
    expect(publishedPackages.map((one: Manifest) => one.version)).toEqual(published.map(() => version))
    expect(registry.publications).toEqual([])
  })

  test('reaches a registry with three packages that fit, and tells the tag of the script in them', async () => {
    const tags = await publish(copy.folder, { quiet: true, env: copy.env })
    const [{ version } = { version: '' }] = await manifests()
    expect(registry.publications.map(({ name }) => name).sort()).toEqual(
      published.map((name) => `@hookbox/${name}`).sort(),
    )
    for (const { name, access, versions, _attachments, 'dist-tags': distTags } of registry.publications) {
      expect(access).toBe('public')
      expect(distTags).toEqual({ latest: version })
      expect(Object.keys(versions)).toEqual([version])
      const unpacked = join(copy.folder, 'published', name)
      await mkdir(unpacked, { recursive: true })
      for (const [file, { data }] of Object.entries(_attachments)) {
        const tarball = join(unpacked, `${file.replaceAll('/', '-')}`)
        await writeFile(tarball, Buffer.from(data, 'base64'))
        await unpack(tarball, unpacked)
      }
      const manifest = await readManifest(unpacked)
      expect(JSON.stringify(manifest)).not.toMatch(/@hookbox\/source|"(workspace|catalog):/)
      for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
        if (dependency.startsWith('@hookbox/')) expect(range, dependency).toBe(version)
      }
    }
    const script = 'published/@hookbox/client/dist/hookbox.js'
    expect(tags).toEqual(scriptTags(version, await readFile(join(copy.folder, script))))
  })
})
