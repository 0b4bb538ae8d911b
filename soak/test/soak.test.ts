import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { bundleFolder, bundleHub } from '../src/bundle.ts'
import { line } from '../src/line.ts'
import { soak } from '../src/soak.ts'

test('nothing is lost and nothing comes twice over a hundred cuts', { timeout: 180_000 }, async () => {
  await using folder = await bundleFolder()
  const result = await soak({
    scenario: 'cuts',
    seed: randomInt(2 ** 32 - 1),
    clients: 30,
    channels: 16,
    deliveries: 20_000,
    cuts: 100,
    upsets: 0,
    payload: 4_000,
    snapshot: false,
    patience: 60,
    hub: await bundleHub(folder.path),
  })
  process.stdout.write(`${line(result)}\n`)
  expect(result.violations, result.report.examples.join('\n')).toBe(0)
  expect(result.report.deliveries).toBeGreaterThanOrEqual(20_000)
  expect(result.cuts).toBeGreaterThanOrEqual(100)
  expect(result.report.recoveries).toBeGreaterThan(100)
})
