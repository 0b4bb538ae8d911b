import { defineConfig } from 'tsup'

const common = { shims: true, target: 'node20' } as const

export default defineConfig([
  { ...common, entry: ['src/index.ts'], format: ['esm', 'cjs'], dts: true, clean: true },
  { ...common, entry: { cli: 'src/cli/main.ts' }, format: ['esm'] },
])
