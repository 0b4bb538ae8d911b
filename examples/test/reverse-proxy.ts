import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, type Program, startProgram } from '../../packages/testkit/src/index.ts'

/** What stands in the place of the addresses in a configuration. */
export interface Sites {
  readonly hubs: readonly [port: number, port: number]
  readonly application: number
}

/** A reverse proxy that runs by its example. */
export interface ReverseProxy extends AsyncDisposable {
  readonly port: number
  readonly output: string
  /** Takes the first hub out, as docs/proxies.md says: it keeps the pages that it has, and gets no new ones. */
  readonly removeFirst: (() => Promise<void>) | undefined
}

/** One program, by how it is started with what it is configured by. */
export interface Kind {
  readonly name: 'nginx' | 'HAProxy' | 'Caddy'
  readonly command: string
  readonly version: string
  /** In examples/proxies. */
  readonly file: string
  /** Of its block in docs/proxies.md. */
  readonly language: string
  /** What to put in the place of what, besides the addresses of hubs and application. */
  own(place: Place): readonly Replacement[]
  args(file: string, folder: string): readonly string[]
  /** Missing where only the end of the hub takes it out. */
  readonly removeFirst?: (running: Running) => Promise<void>
}

interface Place {
  readonly port: number
  /** Where Caddy takes orders. */
  readonly adminPort: number
  readonly folder: string
}

type Replacement = readonly [from: string, to: string]

interface Running {
  readonly program: Program
  readonly folder: string
  /** Writes the configuration anew. */
  change(...replacements: readonly Replacement[]): Promise<void>
}

// Debian has servers where only the PATH of root leads.
const path = `${process.env.PATH}:/usr/sbin`
const isRoot = process.getuid?.() === 0
const firstHub = '10.0.0.11:8001'

export const kinds: readonly Kind[] = [
  {
    name: 'nginx',
    command: 'nginx',
    version: '-v',
    file: 'nginx.conf',
    language: 'nginx',
    own: ({ port, folder }) => [
      ['listen 80;', `listen 127.0.0.1:${port};`],
      ['http {\n', `http {\naccess_log off;\n${isRoot ? '' : temporaryFiles(folder)}`],
    ],
    args: (file, folder) => ['-c', file, '-g', `daemon off; error_log stderr notice; pid ${folder}/nginx.pid;`],
    async removeFirst({ program, change }) {
      await change([`${firstHub} max_fails=1 fail_timeout=3s;`, `${firstHub} down;`])
      program.signal('SIGHUP')
    },
  },
  {
    name: 'HAProxy',
    command: 'haproxy',
    version: '-v',
    file: 'haproxy.cfg',
    language: 'haproxy',
    own: ({ port, folder }) => [
      ['bind :80', `bind 127.0.0.1:${port}`],
      ['/run/haproxy/admin.sock', `${folder}/admin.sock`],
      // Whoever is not root cannot become somebody else.
      ...(isRoot ? [] : [['    user haproxy\n    group haproxy\n', ''] as const]),
    ],
    args: (file) => ['-db', '-f', file],
    async removeFirst({ folder }) {
      const answer = await sayTo(`${folder}/admin.sock`, 'set server hubs/hub1 state drain\n')
      if (answer.trim() !== '') throw new Error(answer)
    },
  },
  {
    name: 'Caddy',
    command: 'caddy',
    version: 'version',
    file: 'Caddyfile',
    language: 'caddyfile',
    own: ({ port, adminPort }) => [
      ['{\n', `{\n\tadmin 127.0.0.1:${adminPort}\n`],
      ['\nexample.org {', `\nhttp://127.0.0.1:${port} {`],
    ],
    args: (file) => ['run', '--config', file],
  },
]

export function isInstalled({ command, version }: Kind): boolean {
  return spawnSync(command, [version], { env: { PATH: path }, stdio: 'ignore' }).status === 0
}

/** What stands in examples/proxies. */
export function example({ file }: Kind): Promise<string> {
  return readFile(new URL(`../proxies/${file}`, import.meta.url), 'utf8')
}

export async function startReverseProxy(kind: Kind, { hubs, application }: Sites): Promise<ReverseProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-proxy-'))
  const place = { port: await freePort(), adminPort: await freePort(), folder }
  const file = join(folder, kind.file)
  const text = await example(kind)
  const change: Running['change'] = async (...replacements) => {
    const addresses = [
      [firstHub, `127.0.0.1:${hubs[0]}`],
      ['10.0.0.12:8001', `127.0.0.1:${hubs[1]}`],
      ['10.0.0.10:8000', `127.0.0.1:${application}`],
    ] as const
    await writeFile(file, replaced(text, [...replacements, ...kind.own(place)], addresses))
  }
  await change()
  const program = await startProgram({
    name: kind.name,
    command: kind.command,
    args: kind.args(file, folder),
    env: { PATH: path, HOME: folder },
    // One that is killed leaves its workers behind; others would wait for streams.
    end: kind.name === 'nginx' ? 'SIGTERM' : 'SIGKILL',
    async ready() {
      const response = await fetch(`http://127.0.0.1:${place.port}/`)
      await response.body?.cancel()
      return response.ok || undefined
    },
  })
  const { removeFirst } = kind
  return {
    port: place.port,
    get output() {
      return program.output
    },
    removeFirst: removeFirst && (() => removeFirst({ program, folder, change })),
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function replaced(text: string, once: readonly Replacement[], addresses: readonly Replacement[]): string {
  let result = text
  for (const [from, to] of once) {
    if (!result.includes(from)) throw new Error(`expected ${JSON.stringify(from)} in the configuration`)
    result = result.replace(from, () => to)
  }
  for (const [from, to] of addresses) result = result.replaceAll(from, to)
  return result
}

/** Where whoever is not root may write. */
function temporaryFiles(folder: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};\n`).join('')
}

function sayTo(socketPath: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(socketPath).setEncoding('utf8').on('error', reject)
    socket.on('data', (more: string) => {
      answer += more
    })
    socket.on('end', () => resolve(answer))
    socket.end(text)
  })
}
