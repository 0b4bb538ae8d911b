import { defineConfig, type PlaywrightTestConfig } from '@playwright/test'
import { browserNames, findBrowser } from '../scripts/browsers.ts'
import type { TestOptions } from './resilience/fixtures.ts'

type Config = PlaywrightTestConfig<object, TestOptions>
type Project = NonNullable<Config['projects']>[number]
type Use = NonNullable<Project['use']>

/** Where a browser comes from the system and not from Playwright. */
const ofSystem: Record<(typeof browserNames)[number], (executablePath: string) => Use> = {
  chromium: (executablePath) => ({
    launchOptions: {
      executablePath,
      // The pages are our own. Root, as whom containers run, cannot have the sandbox.
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
    },
  }),
  // A stock Firefox is driven by WebDriver BiDi: only Playwright's own build speaks its other protocol.
  firefox: (executablePath) => ({ channel: 'moz-firefox', launchOptions: { executablePath } }),
  webkit: (webKitDriver) => ({ webKitDriver }),
}

/** Each engine takes its time: what differs between them is how lines break and come back, and what a page may do. */
const inEachEngine: Record<(typeof browserNames)[number], Partial<Project>> = {
  chromium: {},
  // One demo shows that a whole application works there, too.
  firefox: { testIgnore: ['admin.spec.ts', 'cards.spec.ts', 'graph.spec.ts', 'readme.spec.ts', 'two-nodes.spec.ts'] },
  // What is about our demos needs Playwright's own API.
  webkit: { testMatch: 'resilience/*.spec.ts' },
}

function project(browserName: (typeof browserNames)[number]): Project {
  const found = findBrowser(browserName)
  const use = {
    browserName,
    // Pictures that move are drawn the whole time: they stand still, but where a test wants to see them move.
    contextOptions: { reducedMotion: 'reduce' as const },
    ...(found && !found.own ? ofSystem[browserName](found.path) : {}),
  }
  return { name: browserName, use, ...inEachEngine[browserName] }
}

export default defineConfig<object, TestOptions>({
  testDir: '.',
  testMatch: '**/*.spec.ts',
  outputDir: 'test-results',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: Boolean(process.env.CI),
  timeout: 30_000,
  expect: { timeout: 5_000 },
  reporter: 'line',
  use: {
    // What was done, said and asked for. A copy of the page at each step, or pictures, which would cost more than the tests themselves,
    // are taken whether or not anything fails: where a test failed there is a picture of the end.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
    ...(process.env.HOOKBOX_SEED && { seed: Number(process.env.HOOKBOX_SEED) }),
  },
  projects: browserNames.map(project),
})
