import { execFile } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleFolder, bundleHub, bundleSoak, type Edit } from '../src/bundle.ts'
import type { Result } from '../src/soak.ts'
import { healed, type Mutant, mutants } from './mutants.ts'

/** Small and rough: a line is lost for every fifty deliveries. */
const small = ['--clients', '10', '--channels', '12', '--deliveries', '3000', '--cuts', '60', '--payload', '300']

/** Milliseconds: a busy machine takes its time. */
const patience = 180_000

let folder: Awaited<ReturnType<typeof bundleFolder>>
let plain: { readonly hub: Promise<string>; readonly soak: Promise<string> }

beforeAll(async () => {
  folder = await bundleFolder()
  plain = { hub: bundleHub(folder.path), soak: bundleSoak(folder.path) }
  await Promise.all([plain.hub, plain.soak])
}, patience)

afterAll(() => folder[Symbol.asyncDispose]())

let bundles = 0

/** Which side an edit is for: the client is bundled with the soak. */
function bundled(edits: readonly Edit[], side: 'hub' | 'soak'): Promise<string> {
  const own = edits.filter(({ file }) => file.startsWith('packages/server/') === (side === 'hub'))
  if (own.length === 0) return plain[side]
  const make = side === 'hub' ? bundleHub : bundleSoak
  return make(folder.path, `${side}${++bundles}`, own)
}

async function run({ edits, flags = [] }: Omit<Mutant, 'found'>, more: readonly string[]): Promise<Result> {
  const [soak, hub] = await Promise.all([bundled(edits, 'soak'), bundled(edits, 'hub')])
  return new Promise((resolve, reject) => {
    const args = [soak, '--hub', hub, '--json', ...small, ...flags, ...more]
    execFile(process.execPath, args, { timeout: patience, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      process.stdout.write(`${stderr.split('\n', 1)[0]}\n`)
      const last = stdout.trimEnd().split('\n').at(-1) ?? ''
      if (last.startsWith('{')) resolve(JSON.parse(last) as Result)
      else reject(new Error(`the soak ended without a result: ${stderr}`, { cause: error }))
    })
  })
}

describe.concurrent('bugs that are planted', () => {
  test.each(mutants)('$name: $found', { timeout: patience }, async (mutant) => {
    const { report } = await run(mutant, ['--patience', '3', '--until', mutant.found])
    expect(report.counts[mutant.found], report.examples.join('\n')).toBeGreaterThan(0)
  })

  test.each(healed)('no finding: $name', { timeout: patience }, async (mutant) => {
    const { report, violations } = await run(mutant, ['--patience', '20'])
    expect(violations, report.examples.join('\n')).toBe(0)
    expect(report.recoveries).toBeGreaterThan(50)
  })
})
