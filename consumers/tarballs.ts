import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { pack, type Tarballs } from '../scripts/packages.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly tarballs: Tarballs
  }
}

/** Packs once for all tests. Needs a build. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-tarballs-'))
  project.provide('tarballs', await pack(folder))
  return () => rm(folder, { recursive: true, force: true })
}
