import { defineConfig } from 'tsup'

export default defineConfig({
  entry: { index: 'src/index.ts', probe: 'src/probe/play-hub.ts', cli: 'src/cli/main.ts' },
  format: ['esm', 'cjs'],
  dts: { entry: { index: 'src/index.ts', probe: 'src/probe/play-hub.ts' } },
  clean: true,
  shims: true,
  target: 'node20',
})
