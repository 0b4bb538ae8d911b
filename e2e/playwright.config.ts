import { defineConfig, type PlaywrightTestConfig } from '@playwright/test'
import { browserNames, findBrowser } from '../scripts/browsers.ts'

type Project = NonNullable<PlaywrightTestConfig['projects']>[number]
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
}

function project(browserName: (typeof browserNames)[number]): Project {
  const found = findBrowser(browserName)
  return { name: browserName, use: { browserName, ...(found && !found.own ? ofSystem[browserName](found.path) : {}) } }
}

export default defineConfig({
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
  use: { trace: 'retain-on-failure' },
  projects: browserNames.map(project),
})
