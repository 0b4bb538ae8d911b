import base from './playwright.config.ts'

/** Takes the pictures of the documentation: `npx playwright test --config screenshots.config.ts`. */
export default {
  ...base,
  testMatch: 'screenshots.ts',
  projects: base.projects?.filter(({ name }) => name === 'chromium') ?? [],
}
