import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bin, pnpm, root, run } from './run.ts'
import { add, nothing, oneFailed, onePassed, type Tally } from './tally.ts'

const published = ['protocol', 'client', 'server']

/** What a page in TypeScript may write; the types come from what is published, and channels are added to them. */
const page = `
import { connect, type Subscription } from '@hookbox/client'

declare module '@hookbox/client' {
  interface ChannelMap {
    chat: { payload: { text: string }; state: { topic: string } }
    [room: \`room-\${string}\`]: { payload: number }
  }
}

const conn = connect('https://hub.example.org')
const chat = conn.subscribe('chat')
export const topic: string | undefined = chat.state.topic
export const news: Subscription = conn.subscribe('news')
chat.on('publish', ({ payload }) => payload.text.length)
conn.publish('room-7', 7)
// @ts-expect-error a number is no Chat
conn.publish('chat', 7)
`

/** The ways in which TypeScript finds a package, each by a file of its own. */
const resolutions = [
  { file: 'page.mts', module: 'nodenext' },
  { file: 'page.cts', module: 'nodenext' },
  { file: 'page.ts', module: 'esnext', moduleResolution: 'bundler' },
] as const

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
    tally = add(tally, await compilePages(folder))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return tally
}

/** Against the packed packages, as if they were installed. */
async function compilePages(folder: string): Promise<Tally> {
  for (const file of await readdir(folder)) {
    const home = join(folder, 'node_modules', '@hookbox', file.replace(/^hookbox-([a-z]+)-.*/, '$1'))
    await mkdir(home, { recursive: true })
    await run('tar', ['-xzf', join(folder, file), '-C', home, '--strip-components=1'])
  }
  let tally = nothing
  for (const { file, ...options } of resolutions) {
    await writeFile(join(folder, file), page)
    const settings = Object.entries({ ...options, lib: 'es2023,esnext.disposable,dom' }).flatMap(([name, value]) => [
      `--${name}`,
      value,
    ])
    const compiled = await run(bin('tsc'), ['--noEmit', '--strict', ...settings, file], { cwd: folder, quiet: true })
    if (compiled.exitCode !== 0) console.log(`${file}:\n${compiled.output}`)
    tally = add(tally, compiled.exitCode === 0 ? onePassed : oneFailed)
  }
  return tally
}
