import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Where what is measured beside us finds what it needs; none of it is a dependency of ours. */
export const folder: string = here('peers')

/** What a server is started with. */
export interface Starting {
  readonly port: number
  /** A web application that admits everybody, on this port of this machine. */
  readonly application: number
  /** The URL of a Redis of its own, where there is one. */
  readonly redis: string | undefined
}

/** A server that can be measured. */
export interface Peer {
  /** What it is, with what is switched on. */
  readonly about: string
  /** As generator/load.cpp calls it; `none`: it is no server, makes its load by itself and prints what the generator would. */
  readonly protocol: 'hookbox' | 'raw' | 'socket.io' | 'nats' | 'nchan' | 'centrifuge' | 'none'
  readonly command: (starting: Starting) => readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Files without which it cannot be started. */
  readonly needs: readonly string[]
  /** It takes a Redis. */
  readonly redis?: true
  /** What it writes when it can be used; without this, it can as soon as it listens. */
  readonly says?: string
  /** How one comes by it: by `--get` where it is in npm or Debian, run as root. */
  readonly npm?: string
  readonly debian?: readonly string[]
  /** Whose version is told: a `package.json`, or a package of Debian. */
  readonly versionOf?: string
  /** What is run after that. */
  readonly build?: readonly string[]
  /** Measured only where it is named: what is there already, with something more. */
  readonly variant?: true
  /** It is no server that anybody would use, and is measured only in rows whose limit it is. */
  readonly limit?: true
}

const got = (path: string) => join(folder, 'node_modules', path)
const centrifuge = here('peers/centrifuge/centrifuge-server')
const hub = here('../packages/server/dist/cli.js')
const hubCommand = ({ port, application, redis }: Starting, level = 'error'): string[] => [
  ...[process.execPath, hub, '--port', `${port}`, '--interface', '127.0.0.1'],
  ...['--cb-single-url', `http://127.0.0.1:${application}/`, '--rate', '0', '--log-level', level],
  ...(redis === undefined ? [] : ['--redis', redis]),
]
/** The first of several workers listens before the others are there, so that it is waited for what the command says. */
const withWorkers = (workers: number) => ({
  protocol: 'hookbox' as const,
  command: (starting: Starting) => [...hubCommand(starting, 'info'), '--workers', `${workers}`],
  needs: [hub],
  redis: true as const,
  says: 'listening at',
  variant: true as const,
})
const goPackages = ['centrifuge', 'protocol'].map((name) => `golang-github-centrifugal-${name}-dev`)

export const peers = {
  hookbox: {
    about:
      'this hub, the command as it is installed: history of 50, positions, presence where the row says so, webhooks',
    protocol: 'hookbox',
    command: hubCommand,
    needs: [hub],
  },
  'ws loop': {
    about: 'thirty lines over ws',
    protocol: 'raw',
    command: ({ port }) => [process.execPath, here('peers/ws-loop.mjs'), `${port}`],
    needs: [],
    versionOf: here('node_modules/ws/package.json'),
  },
  'socket.io': {
    about: 'rooms, WebSocket only',
    protocol: 'socket.io',
    command: ({ port }) => [process.execPath, here('peers/socket-io.mjs'), `${port}`],
    needs: [got('socket.io')],
    npm: 'socket.io@4',
    versionOf: got('socket.io/package.json'),
  },
  bun: {
    about: 'Bun’s own WebSockets and topics (uWebSockets)',
    protocol: 'raw',
    command: ({ port }) => [got('.bin/bun'), here('peers/bun.mjs'), `${port}`],
    needs: [got('.bin/bun')],
    npm: 'bun@1',
    versionOf: got('bun/package.json'),
  },
  nats: {
    about: 'nats-server by WebSocket',
    protocol: 'nats',
    command: ({ port }) => [here('peers/nats.sh'), `${port}`],
    needs: ['/usr/sbin/nats-server'],
    debian: ['nats-server'],
    versionOf: 'nats-server',
  },
  nchan: {
    about: 'nginx with nchan, 100 messages kept',
    protocol: 'nchan',
    command: ({ port }) => [here('peers/nchan.sh'), `${port}`],
    needs: ['/usr/lib/nginx/modules/ngx_nchan_module.so'],
    debian: ['nginx-light', 'libnginx-mod-nchan'],
    versionOf: 'libnginx-mod-nchan',
  },
  centrifuge: {
    about: 'the Go library of Centrifugo, without history',
    protocol: 'centrifuge',
    command: ({ port }) => [centrifuge, `${port}`],
    needs: [centrifuge],
    debian: [
      'golang-go',
      ...goPackages,
      'golang-github-fzambia-eagle-dev',
      'golang-github-igm-sockjs-go-dev',
      'golang-github-mna-redisc-dev',
    ],
    versionOf: 'golang-github-centrifugal-centrifuge-dev',
    build: ['go', 'build', '-o', centrifuge, here('peers/centrifuge/main.go')],
    env: { GO111MODULE: 'off', GOPATH: '/usr/share/gocode' },
  },
  ioredis: {
    about: 'the script by which the hub appends a publish to a log, by the hub’s Redis client alone',
    protocol: 'none',
    command: ({ redis }) => [
      ...[process.execPath, `--import=${import.meta.resolve('tsx')}`, '--conditions=@hookbox/source'],
      ...[here('peers/ioredis.ts'), `${redis}`],
    ],
    needs: [],
    versionOf: here('../packages/server/node_modules/ioredis/package.json'),
    redis: true,
  },
  undici: {
    about: 'the request by which the hub asks about a publish, by the hub’s HTTP client alone',
    protocol: 'none',
    command: ({ application }) => [process.execPath, here('peers/undici.mjs'), `${application}`],
    needs: [],
    versionOf: here('../packages/server/node_modules/undici/package.json'),
  },
  'bare wire': {
    about:
      'the hub’s wire over ws, joined and shared as the hub does, without users, history, presence, rules or checks',
    protocol: 'hookbox',
    command: ({ port }) => [process.execPath, here('peers/bare-wire.mjs'), `${port}`],
    needs: [],
    limit: true,
  },
  'bare wire asking': {
    about: 'the same, and the web application is asked about each page that connects and each publish',
    protocol: 'hookbox',
    command: ({ port, application }) => [process.execPath, here('peers/bare-wire.mjs'), `${port}`, `${application}`],
    needs: [],
    limit: true,
  },
  'ws loop deflate': {
    about: 'the thirty lines over ws, each connection compressing for itself',
    protocol: 'raw',
    command: ({ port }) => [process.execPath, here('peers/ws-loop.mjs'), `${port}`, 'deflate'],
    needs: [],
    variant: true,
  },
  'with compression': {
    about: 'this hub with --compression',
    protocol: 'hookbox',
    command: (starting) => [...hubCommand(starting), '--compression'],
    needs: [hub],
    variant: true,
  },
  'with console': {
    about: 'this hub with its console, at which nobody looks',
    protocol: 'hookbox',
    command: (starting) => [...hubCommand(starting), '--admin-password', 'the password of the console'],
    needs: [hub],
    variant: true,
  },
  '1 worker': { about: 'this hub with --redis and one worker, which is the command itself', ...withWorkers(1) },
  '2 workers': { about: 'this hub with --redis and --workers 2: the command, and two nodes', ...withWorkers(2) },
} as const satisfies Readonly<Record<string, Peer>>

export type PeerName = keyof typeof peers

export const peerNames = Object.keys(peers) as PeerName[]

/** Those that are measured where none is named. */
export const defaultPeers: readonly PeerName[] = peerNames.filter((name) => !(peers[name] as Peer).variant)

export function isInstalled({ needs }: Peer): boolean {
  return needs.every((file) => existsSync(file))
}

/** One line for each that is not here. */
export function howToGet(missing: readonly PeerName[]): string {
  const lines = missing.map((name) => {
    const { npm, debian }: Peer = peers[name]
    const from = npm ? `${npm} of npm` : debian ? `Debian’s ${debian.join(' ')}` : 'pnpm build'
    return `  ${name.padEnd(12)} ${from}`
  })
  return `Not installed, and so not measured; \`--get\` gets them where it can (Debian’s as root):\n${lines.join('\n')}`
}
