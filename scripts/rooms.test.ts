import { describe, expect, test } from 'vitest'
import { type Import, importsOf, places, type Source, sources } from './rooms.ts'

/** What the code of each package may rely on: its own files, and these. */
const packages = {
  'packages/protocol/src': [],
  'packages/client/src': ['@hookbox/protocol', 'nanoevents', 'reconnecting-websocket'],
  'packages/server/src': [
    '@hookbox/client',
    '@hookbox/protocol',
    'node:',
    'ioredis',
    'ipaddr.js',
    'pino',
    'prom-client',
    'undici',
    'ws',
  ],
  'packages/testkit/src': ['@hookbox/protocol', 'node:', 'ws'],
  e2e: [
    '@hookbox/',
    '@playwright/test',
    'node:',
    'scripts/',
    'apps/',
    'consumers/',
    'esbuild',
    'express',
    'axe-core',
    'selenium-webdriver',
  ],
  'bench/src': ['@hookbox/testkit', '@playwright/test', 'node:', 'scripts/', 'ws'],
  'soak/src': ['@hookbox/client', '@hookbox/protocol', '@hookbox/testkit', 'node:', 'esbuild', 'ws'],
} as const

/** In the hub: who may import whom. A row ending in `/` is a room, any other one file. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  broker: ['transport/prepared-frame.ts'],
  webhooks: ['signals/', 'config/config.ts'],
  polling: [],
  channel: [
    'signals/',
    'broker/broker.ts',
    'webhooks/callbacks.ts',
    'webhooks/persist.ts',
    'polling/options.ts',
    'transport/prepared-frame.ts',
    'transport/batch.ts',
  ],
  hub: [
    'signals/',
    'channel/',
    'broker/broker.ts',
    'webhooks/callbacks.ts',
    'webhooks/persist.ts',
    'polling/options.ts',
    'transport/prepared-frame.ts',
  ],
  connection: [
    'signals/',
    'hub/',
    'broker/broker.ts',
    'webhooks/callbacks.ts',
    'transport/transport.ts',
    'transport/prepared-frame.ts',
    'transport/batch.ts',
  ],
  signals: [],
  snapshot: ['broker/memory/memory-broker.ts'],
  transport: ['signals/', 'config/config.ts'],
  http: ['signals/', 'config/config.ts'],
  rest: ['hub/', 'http/', 'config/config.ts', 'signals/'],
  admin: ['hub/', 'http/', 'config/config.ts', 'signals/', 'doctor/webhook-feed.ts', 'doctor/webhook-call.ts'],
  config: [],
  probe: [
    'webhooks/',
    'config/',
    'channel/details.ts',
    'channel/options.ts',
    'channel/state.ts',
    'connection/cookies.ts',
    'hub/user-options.ts',
  ],
  doctor: ['probe/', 'webhooks/', 'config/', 'channel/options.ts', 'hub/user-options.ts', 'transport/origin.ts'],
  cli: ['config/', 'doctor/', 'probe/', 'webhooks/', 'hookbox.ts'],
}

const hub = 'packages/server/src/'
const hubSources = sources(hub)

/** Free for every room: what stands at the root, besides what puts the hub together, knows nothing of the domain. */
const freeForAll = hubSources.filter(({ path }) => roomOf(path) === undefined && !/\/(hookbox|index)\.ts$/.test(path))

const published = ['packages/protocol/src', 'packages/client/src', hub].flatMap(sources)

function isAmong(target: string, allowed: readonly string[]): boolean {
  return allowed.some((one) => target === one || (/[/:]$/.test(one) && target.startsWith(one)))
}

/** `file:line → what it imports`, for each import that the row does not allow. */
function offences(files: readonly Source[], isAllowed: (imported: Import) => boolean): string[] {
  return files
    .flatMap(importsOf)
    .filter((imported) => !isAllowed(imported))
    .map(({ at, target }) => `${at} → ${target}`)
}

function roomOf(path: string): string | undefined {
  const [room, ...rest] = path.slice(hub.length).split('/')
  return rest.length > 0 ? room : undefined
}

describe('packages', () => {
  test.each(Object.entries(packages))('%s imports only its own files and %j', (folder, allowed) => {
    const isAllowed = ({ target }: Import) => target.startsWith(`${folder}/`) || isAmong(target, allowed)
    expect(offences(sources(folder), isAllowed)).toEqual([])
  })

  test('of each other they import the public entry only', () => {
    const all = Object.keys(packages).flatMap(sources)
    const isEntry = ({ target }: Import) => !target.startsWith('@hookbox/') || /^@hookbox\/[a-z]+$/.test(target)
    expect(offences(all, isEntry)).toEqual([])
  })
})

describe('rooms of the hub', () => {
  test.each(Object.entries(rooms))('%s imports only itself and %j', (room, allowed) => {
    const files = hubSources.filter(({ path }) => roomOf(path) === room)
    const own = [...[`${room}/`, ...allowed].map((one) => hub + one), ...freeForAll.map(({ path }) => path)]
    const isAllowed = ({ target }: Import) => !target.startsWith(hub) || isAmong(target, own)
    expect(offences(files, isAllowed)).toEqual([])
  })

  test('what is free for all imports no room but the configuration', () => {
    const isAllowed = ({ target }: Import) => [undefined, 'config'].includes(roomOf(target)) || !target.startsWith(hub)
    expect(offences(freeForAll, isAllowed)).toEqual([])
  })

  test('every room has a row', () => {
    const found = new Set(hubSources.flatMap(({ path }) => roomOf(path) ?? []))
    expect(Object.keys(rooms)).toEqual(expect.arrayContaining([...found]))
  })

  test.each([
    { name: 'ws', homes: ['transport/websocket.ts', 'cli/tail.ts'] },
    { name: '@hookbox/client', homes: ['cli/tail.ts'] },
    { name: 'undici', homes: ['webhooks/', 'polling/'] },
    { name: 'pino', homes: ['log.ts'] },
    { name: 'prom-client', homes: ['http/metrics.ts'] },
  ])('$name is imported by $homes alone', ({ name, homes }) => {
    const own = homes.map((home) => hub + home)
    const isAllowed = ({ at, target }: Import) => target !== name || isAmong(at.replace(/:\d+$/, ''), own)
    expect(offences(published, isAllowed)).toEqual([])
  })
})

test('the environment is read by the configuration and the command alone, and in one place of the test kit', () => {
  const mayRead = ({ path }: Source) =>
    [`${hub}config/`, `${hub}cli/`, 'packages/testkit/src/environment.ts'].some((one) => path.startsWith(one)) ||
    path.endsWith('.config.ts')
  const others = Object.keys(packages)
    .flatMap(sources)
    .filter((source) => !mayRead(source))
  expect(others.flatMap((source) => places(source, 'process.env'))).toEqual([])
})

describe('what these tests see', () => {
  const text = [
    "import type { A } from '../hub/hub.ts'",
    '// import { B } from "nowhere"',
    '/** An example:',
    " * import { C } from '@hookbox/client'",
    ' */',
    'import {',
    '  D,',
    "} from './d.ts'",
    "import 'side-effect'",
    "export { E } from '../../elsewhere.ts'",
    "const f = await import('node:fs')",
  ].join('\n')

  test('every way to import, with its line, and nothing in comments', () => {
    expect(importsOf({ path: 'packages/server/src/channel/x.ts', text })).toEqual([
      { at: 'packages/server/src/channel/x.ts:1', target: 'packages/server/src/hub/hub.ts' },
      { at: 'packages/server/src/channel/x.ts:8', target: 'packages/server/src/channel/d.ts' },
      { at: 'packages/server/src/channel/x.ts:9', target: 'side-effect' },
      { at: 'packages/server/src/channel/x.ts:10', target: 'packages/server/elsewhere.ts' },
      { at: 'packages/server/src/channel/x.ts:11', target: 'node:fs' },
    ])
  })

  test('an offence is named by file, line and target', () => {
    expect(offences([{ path: `${hub}broker/x.ts`, text: "import '../hub/hub.ts'" }], () => false)).toEqual([
      'packages/server/src/broker/x.ts:1 → packages/server/src/hub/hub.ts',
    ])
  })
})
