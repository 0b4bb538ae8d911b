import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

/** The console's page, which the hub serves and its package carries. It is built with the hub. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Relative, so that it works below whatever path the hub, or a proxy before it, has.
  base: './',
  build: {
    outDir: fileURLToPath(new URL('../../packages/server/dist/admin', import.meta.url)),
    emptyOutDir: true,
    target: 'es2022',
    // A script in the page itself, which its policy would refuse.
    modulePreload: false,
    assetsInlineLimit: 0,
    license: { fileName: 'notices.md' },
  },
})
