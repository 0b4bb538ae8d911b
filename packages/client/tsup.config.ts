import { readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

const common: Options = {
  target: 'es2022',
  define: { packageVersion: JSON.stringify(version) },
  noExternal: ['nanoevents', 'reconnecting-websocket'],
}

// the package's own source: what it ships as JavaScript is ES5 and a quarter larger
const alias = { 'reconnecting-websocket': 'reconnecting-websocket/reconnecting-websocket.ts' }

export default defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts' },
    format: ['esm', 'cjs'],
    dts: { compilerOptions: { stripInternal: true } },
    // the other build writes into the same folder at the same time
    clean: ['!hookbox.js'],
    esbuildOptions(options) {
      options.alias = alias
    },
  },
  {
    ...common,
    entry: { hookbox: 'src/global.ts' },
    format: ['iife'],
    globalName: 'hookbox',
    outExtension: () => ({ js: '.js' }),
    minify: true,
    noExternal: [/./],
    esbuildOptions(options) {
      options.alias = alias
      options.conditions = ['@hookbox/source', 'module', 'browser']
      // only reconnecting-websocket names its own members so
      options.mangleProps = /^_/
    },
  },
])
