import { randomInt } from 'node:crypto'
import { lacksRedis } from '@hookbox/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleFolder, bundleHub } from '../src/bundle.ts'
import { line } from '../src/line.ts'
import { type Settings, soak } from '../src/soak.ts'

/** Two of each kind, all at the same time, and just enough traffic for them. `pnpm soak` has the full counts. */
const common = {
  clients: 6,
  channels: 6,
  payload: 200,
  deliveries: 500,
  cuts: 10,
  patience: 60,
  nodes: 3,
} as const

let folder: Awaited<ReturnType<typeof bundleFolder>>
let hub: string

describe.skipIf(lacksRedis()).concurrent('over several nodes', () => {
  beforeAll(async () => {
    folder = await bundleFolder()
    hub = await bundleHub(folder.path)
  }, 60_000)

  afterAll(() => folder[Symbol.asyncDispose]())

  test.each<{ name: string } & Pick<Settings, 'scenario' | 'upsets'> & Partial<Pick<Settings, 'persistence'>>>([
    { name: 'kills of a node', scenario: 'nodes', upsets: 2 },
    { name: 'planned stops of a node', scenario: 'drain', upsets: 2 },
    { name: 'restarts of a Redis that keeps nothing', scenario: 'redis-restart', upsets: 2 },
    {
      name: 'restarts of a Redis that keeps a file',
      scenario: 'redis-restart',
      upsets: 2,
      persistence: 'everysec',
    },
    { name: 'failovers', scenario: 'sentinel', upsets: 2 },
    { name: 'slots that move, and masters that are killed', scenario: 'cluster', upsets: 2 },
  ])('nothing is lost, doubled or left out without a word over $name', { timeout: 180_000 }, async (row) => {
    const { name: _, persistence = 'none', ...settings } = row
    const result = await soak({
      ...common,
      ...settings,
      persistence,
      snapshot: false,
      seed: randomInt(2 ** 32 - 1),
      hub,
    })
    process.stdout.write(`${line(result)}\n`)
    // How long things take says as much of the machine that runs all tests as of the hub: the command judges that, too.
    const wrong = result.violations - result.report.counts.late
    expect(wrong, result.report.examples.join('\n')).toBe(0)
    expect(result.upsets).toBe(settings.upsets)
    expect(result.report.deliveries).toBeGreaterThanOrEqual(common.deliveries)
  })
})
