import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, within } from '../../packages/testkit/src/index.ts'

/** One example, and how to run it. */
export interface Example {
  readonly name: string
  /** Ends with 0 where the language is installed. */
  readonly probe: readonly [command: string, ...args: string[]]
  run(port: number, folder: string): readonly [command: string, ...args: string[]]
}

export const webhookSecret = 'a secret of the tests, long enough'

const index = fileURLToPath(new URL('../php/index.php', import.meta.url))
const chat = fileURLToPath(new URL('../python/chat.py', import.meta.url))

function php(name: string, probe: string, ...flags: string[]): Example {
  return {
    name,
    probe: ['php', ...flags, '-r', `exit(${probe} ? 0 : 1);`],
    run: (port, folder) => ['php', ...flags, '-d', `session.save_path=${folder}`, '-S', `127.0.0.1:${port}`, index],
  }
}

export const examples: readonly Example[] = [
  php('PHP with SQLite', 'PHP_VERSION_ID >= 80000 && extension_loaded("pdo_sqlite")'),
  php('PHP with a JSON file', 'PHP_VERSION_ID >= 80000 && !extension_loaded("pdo_sqlite")', '-n'),
  {
    name: 'Python',
    probe: ['python3', '-c', 'import sqlite3, sys; sys.exit(sys.version_info < (3, 10))'],
    run: () => ['python3', chat],
  },
]

export function isInstalled({ probe: [command, ...args] }: Example): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0
}

/** An example that runs, in a folder of its own. */
export interface Running extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Signs in and gives the `Cookie` header of that browser. */
  signIn(name: string): Promise<string>
  /** Asks as the hub does. */
  ask(action: string, fields?: Fields, by?: { cookie?: string; id?: string }): Promise<unknown>
}

export type Fields = Readonly<Record<string, string>>

/** Ended with the tests, also where a test is broken off. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export async function start(example: Example, hubPort = 8001): Promise<Running> {
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-example-'))
  const port = await freePort()
  const [command, ...args] = example.run(port, folder)
  const child = spawn(command, args, {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      HOOKBOX_PORT: String(hubPort),
      HOOKBOX_WEBHOOK_SECRET: webhookSecret,
      CHAT_DATABASE: join(folder, 'chat'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await ended(child)
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await saysWhere(child, port)
  } catch (error) {
    await stop()
    throw error
  }

  return {
    port,
    url,
    async signIn(name) {
      const body = new URLSearchParams({ name })
      const response = await fetch(`${url}/sign-in`, { method: 'POST', body, redirect: 'manual' })
      return response.headers.get('set-cookie')?.split(';')[0] ?? ''
    },
    async ask(action, fields = {}, { cookie = '', id = crypto.randomUUID() } = {}) {
      const response = await fetch(`${url}/hookbox/${action}`, {
        method: 'POST',
        body: new URLSearchParams({ action, secret: webhookSecret, ...fields }),
        headers: { 'webhook-id': id, ...(cookie === '' ? {} : { cookie }) },
      })
      return response.status === 200 ? response.json() : response.status
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Both say where they listen as soon as they do. */
function saysWhere(child: ChildProcess, port: number): Promise<void> {
  let output = ''
  const said = new Promise<void>((resolve, reject) => {
    const hear = (bytes: Buffer) => {
      output += bytes
      if (output.includes(`:${port}`)) resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)))
  })
  return within(said, `the example to listen at ${port}`, () => output || 'nothing', 8_000)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exit
}
