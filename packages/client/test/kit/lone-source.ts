import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What comes of the folder of a package that has one source, `src/index.ts`; afterwards it is gone. */
export async function withLoneSource<T>(source: string, use: (folder: string) => T): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-source-'))
  try {
    await mkdir(join(folder, 'src'))
    const compilerOptions = { target: 'ES2022', lib: ['ES2023', 'DOM'], module: 'ESNext', types: [], strict: true }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }))
    await writeFile(join(folder, 'src/index.ts'), `${source}; export {}`)
    return use(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
