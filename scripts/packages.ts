import { join } from 'node:path'
import { pnpm, root } from './run.ts'

/** The packages that are published, each after those it depends on. */
export const published = ['protocol', 'client', 'server'] as const

export type PublishedName = (typeof published)[number]

/** What would be published, by package: the path of its tarball. */
export type Tarballs = Readonly<Record<PublishedName, string>>

/** The files that a manifest leads to, relative to its folder. */
export function filesNamedBy(manifest: Readonly<Record<string, unknown>>): string[] {
  const named = JSON.stringify(['exports', 'main', 'types', 'bin', 'unpkg'].map((field) => manifest[field]))
  // Not the names of entries, which a colon follows.
  const paths = [...named.matchAll(/"\.\/([^"*]+)"(?!:)/g)].map(([, path = '']) => path)
  return [...new Set(paths)]
}

/** Packs what is built, as a release does. */
export async function pack(folder: string): Promise<Tarballs> {
  const entries = await Promise.all(
    published.map(async (name) => [name, await packOne(name, join(folder, `${name}.tgz`))] as const),
  )
  return Object.fromEntries(entries) as unknown as Tarballs
}

async function packOne(name: PublishedName, tarball: string): Promise<string> {
  const { exitCode, output } = await pnpm(['pack', '--out', tarball], {
    cwd: join(root, 'packages', name),
    quiet: true,
  })
  if (exitCode !== 0) throw new Error(`packing ${name} failed:\n${output}`)
  return tarball
}
