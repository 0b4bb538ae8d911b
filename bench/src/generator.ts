import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installByApt } from '../../scripts/apt.ts'
import { run } from '../../scripts/run.ts'

const source = fileURLToPath(new URL('../generator/load.cpp', import.meta.url))

/** Builds the load generator where its source has changed, and gives its path. @throws Error saying what is missing */
export async function buildGenerator(): Promise<string> {
  if (process.platform !== 'linux')
    throw new Error('The load generator needs Linux: it waits by epoll and reads /proc.')
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 12)
  const folder = join(tmpdir(), 'hookbox-bench')
  const file = join(folder, `load-${hash}`)
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true })
  const compile = () => run('g++', ['-O2', '-march=native', '-Wall', '-o', file, source], { quiet: true })
  let built = await compile()
  if (built.exitCode === null) {
    await installByApt(['g++'])
    built = await compile()
  }
  if (built.exitCode === null) throw new Error('The load generator needs a C++ compiler: install g++.')
  if (built.exitCode !== 0) throw new Error(`The load generator cannot be built:\n${built.output}`)
  return file
}
