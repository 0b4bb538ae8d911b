import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, pnpm, root, run } from './run.ts'
import { add, nothing, oneFailed, onePassed, type Tally } from './tally.ts'

const published = ['protocol', 'client', 'server']

/** Packs what would be published and checks it as its users would meet it: entry points, types, files. Needs a build. */
export async function checkPackages(): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-packages-'))
  let tally = nothing
  try {
    for (const name of published) {
      const packed = await pnpm(['pack', '--pack-destination', folder], {
        cwd: join(root, 'packages', name),
        quiet: true,
      })
      if (packed.exitCode !== 0) {
        console.log(packed.output)
        tally = add(tally, oneFailed)
      }
    }
    for (const file of await readdir(folder)) {
      const tarball = join(folder, file)
      for (const [command, ...args] of [
        ['publint', '--strict', tarball],
        // The wildcard of the vectors cannot be enumerated, and JSON has no types to be wrong.
        ['attw', '--quiet', '--exclude-entrypoints', './vectors/*.json', '--', tarball],
      ] as const) {
        const checked = await run(bin(command), args, { quiet: true })
        if (checked.exitCode !== 0) console.log(`${command} ${file}:\n${checked.output}`)
        tally = add(tally, checked.exitCode === 0 ? onePassed : oneFailed)
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return tally
}
