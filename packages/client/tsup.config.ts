import { readFileSync } from 'node:fs'
import { defineConfig, type Options } from 'tsup'
import { internalNames } from './internal-names.ts'
import { names as inReconnectingWebSocket, unread, use } from './reconnecting-websocket.ts'
import { setApart } from './set-apart.ts'
import { tailored, without } from './tailored.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as { version: string }

/** The interfaces by which the package's own parts know one another. */
const inside = [
  'Batch',
  'Channel',
  'Deferred',
  'Emitter',
  'History',
  'Hold',
  'Item',
  'Line',
  'LineEvents',
  'LineSettings',
  'Means',
  'Outbox',
  'Presence',
  'Reader',
  'Requests',
  'State',
  'StreamWay',
  'Surroundings',
  'Talk',
  'Transport',
  'View',
  'Wakeful',
  'Watchdog',
]

const entries = ['src/index.ts', 'src/fallback.ts', 'src/inspect.ts', 'src/global.ts']

let made: { readonly sources: ReadonlyMap<string, string>; readonly names: readonly string[] } | undefined

/** What the first of the builds finds out for all of them. */
function shortened(): NonNullable<typeof made> {
  if (made) return made
  const sources = setApart(import.meta.dirname, inside)
  made = { sources, names: internalNames(import.meta.dirname, entries, sources) }
  return made
}

const common: Options = {
  target: 'es2022',
  define: { packageVersion: JSON.stringify(version) },
  noExternal: ['nanoevents', 'reconnecting-websocket'],
  esbuildPlugins: [
    {
      name: 'short names inside, and what pages need of reconnecting-websocket',
      setup(build) {
        const { sources, names } = shortened()
        build.initialOptions.mangleProps = new RegExp(`^(${[...names, inReconnectingWebSocket].join('|')})$`)
        build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
          const source = sources.get(path)
          if (source !== undefined) return { contents: without(source, unread), loader: 'ts' }
          if (!path.endsWith('reconnecting-websocket.ts')) return undefined
          return { contents: tailored(readFileSync(path, 'utf8'), use), loader: 'ts' }
        })
      },
    },
  ],
}

const forReconnectingWebSocket: NonNullable<Options['esbuildOptions']> = (options) => {
  // the package's own source: what it ships as JavaScript is ES5 and a quarter larger
  options.alias = { 'reconnecting-websocket': 'reconnecting-websocket/reconnecting-websocket.ts' }
  // its licence stands beside the script, in a file that is published with it
  options.legalComments = 'external'
  // a bundler that takes in the result cannot know any more what is constant
  options.minifySyntax = true
}

export default defineConfig([
  {
    ...common,
    entry: { index: 'src/index.ts', fallback: 'src/fallback.ts', inspect: 'src/inspect.ts' },
    format: ['esm', 'cjs'],
    // Types are checked where the tests are run: checking them here as well took longer than all else.
    dts: { compilerOptions: { stripInternal: true, noCheck: true } },
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
