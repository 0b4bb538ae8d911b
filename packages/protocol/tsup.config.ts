import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  // Types are checked where the tests are run: checking them here as well took longer than all else.
  dts: { compilerOptions: { noCheck: true } },
  clean: true,
  target: 'es2022',
})
