import { readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'
import { internalNames } from './internal-names.ts'
import { names as inReconnectingWebSocket, unread, use } from './reconnecting-websocket.ts'
import { tailored, without } from './tailored.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

const common: Options = {
  target: 'es2022',
  define: { packageVersion: JSON.stringify(version) },
  noExternal: ['nanoevents', 'reconnecting-websocket'],
  esbuildPlugins: [
    {
      name: 'short names inside',
      setup({ initialOptions }) {
        const names = internalNames(import.meta.dirname, ['src/index.ts', 'src/fallback.ts', 'src/global.ts'])
        initialOptions.mangleProps = new RegExp(`^(${[...names, inReconnectingWebSocket].join('|')})$`)
      },
    },
    {
      name: 'what pages need of reconnecting-websocket',
      setup(build) {
        build.onLoad({ filter: /reconnecting-websocket\.ts$/ }, ({ path }) => ({
          contents: tailored(readFileSync(path, 'utf8'), use),
          loader: 'ts',
        }))
        build.onLoad({ filter: /transport.websocket\.ts$/ }, ({ path }) => ({
          contents: without(readFileSync(path, 'utf8'), unread),
          loader: 'ts',
        }))
      },
    },
  ],
}

const forReconnectingWebSocket: NonNullable<Options['esbuildOptions']> = (options) => {
  // the package's own source: what it ships as JavaScript is ES5 and a quarter larger
  options.alias = { 'reconnecting-websocket': 'reconnecting-websocket/reconnecting-websocket.ts' }
  // its licence stands beside the script, in a file that is published with it
  options.legalComments = 'external'
}

export default defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts', fallback: 'src/fallback.ts' },
    format: ['esm', 'cjs'],
    dts: { compilerOptions: { stripInternal: true } },
    // the other build writes into the same folder at the same time
    clean: ['!hookbox.js*'],
    esbuildOptions: forReconnectingWebSocket,
  },
  {
    ...common,
    entry: { hookbox: 'src/global.ts' },
    format: ['iife'],
    globalName: 'hookbox',
    outExtension: () => ({ js: '.js' }),
    minify: true,
    noExternal: [/./],
    esbuildOptions(options, context) {
      forReconnectingWebSocket(options, context)
      options.conditions = ['@hookbox/source', 'module', 'browser']
    },
  },
])
