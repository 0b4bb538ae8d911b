import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { bundleFolder, bundleHub } from '../src/bundle.ts'
import { line } from '../src/line.ts'
import { type Settings, soak } from '../src/soak.ts'

const common = { clients: 30, channels: 16, payload: 4_000, patience: 60, nodes: 3, persistence: 'none' } as const

test.each<{ name: string; settings: Pick<Settings, 'scenario' | 'snapshot' | 'deliveries' | 'cuts' | 'upsets'> }>([
  {
    name: 'a hundred cuts',
    settings: { scenario: 'cuts', snapshot: false, deliveries: 20_000, cuts: 100, upsets: 0 },
  },
  {
    name: 'planned restarts of a hub that keeps its memory',
    settings: { scenario: 'restart', snapshot: true, deliveries: 5_000, cuts: 60, upsets: 2 },
  },
])('nothing is lost and nothing comes twice over $name', { timeout: 180_000 }, async ({ settings }) => {
  await using folder = await bundleFolder()
  const seed = randomInt(2 ** 32 - 1)
  const result = await soak({ ...common, ...settings, seed, hub: await bundleHub(folder.path) })
  process.stdout.write(`${line(result)}\n`)
  expect(result.violations, result.report.examples.join('\n')).toBe(0)
  expect(result.report.gaps).toBe(0)
  expect(result.report.deliveries).toBeGreaterThanOrEqual(settings.deliveries)
  expect(result.cuts).toBeGreaterThanOrEqual(settings.cuts)
  expect(result.upsets).toBe(settings.upsets)
  expect(result.report.recoveries).toBeGreaterThan(settings.cuts)
})
