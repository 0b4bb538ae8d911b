import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Our own packages are read from their sources. What Node loads itself must not be given `import`, which it adds where it belongs. */
const ours = '@hookbox/source'

export default defineConfig({
  resolve: { conditions: [ours, 'module', 'node'] },
  ssr: { resolve: { conditions: [ours, 'module', 'node'], externalConditions: [ours] } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'apps/*/test/**/*.test.ts',
      'scripts/**/*.test.ts',
      'soak/test/**/*.test.ts',
      'bench/test/**/*.test.ts',
      'examples/test/**/*.test.ts',
    ],
    environment: 'node',
    // Most files are small, and would spend more time on loading the sources anew than on testing.
    isolate: false,
    setupFiles: [fileURLToPath(new URL('scripts/vitest-tidy.ts', import.meta.url))],
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    testTimeout: 10_000,
  },
})
