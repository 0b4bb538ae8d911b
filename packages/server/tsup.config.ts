import { fileURLToPath } from 'node:url'
import { defineConfig } from 'tsup'
import { build } from 'vite'

export default defineConfig({
  entry: { index: 'src/index.ts', probe: 'src/probe/play-hub.ts', cli: 'src/cli/main.ts' },
  format: ['esm', 'cjs'],
  // Types are checked where the tests are run: checking them here as well took longer than all else.
  dts: { entry: { index: 'src/index.ts', probe: 'src/probe/play-hub.ts' }, compilerOptions: { noCheck: true } },
  clean: true,
  shims: true,
  target: 'node20',
  /** The page of the console lies beside what serves it. Not before: cleaning up would take it away. */
  async onSuccess() {
    const configFile = fileURLToPath(new URL('../../apps/admin/vite.config.ts', import.meta.url))
    await build({ configFile, logLevel: 'warn' })
  },
})
