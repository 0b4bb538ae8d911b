import { defineConfig } from 'vitest/config'
import workspace from '../vitest.config.ts'

export default defineConfig({
  ...workspace,
  root: import.meta.dirname,
  test: {
    ...workspace.test,
    include: ['*.test.ts'],
    globalSetup: ['./tarballs.ts'],
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
