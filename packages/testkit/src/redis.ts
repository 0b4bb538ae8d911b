import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onCi, programPath, redisUrl } from './environment.ts'
import { freePort, freePortWithBus } from './free-port.ts'
import { type Program, startProgram } from './program.ts'
import { callRedis, type RedisReply } from './redis-call.ts'
import { until } from './until.ts'

export interface RedisOptions {
  /** 0 picks a free one. */
  readonly port?: number
  /**
   * What outlives a `kill`: nothing, by default, or a file. That goes to the disk every second, so that only a machine that
   * goes down loses what was answered, and no process that is killed.
   */
  readonly persistence?: 'none' | 'everysec'
  /** Begins as a replica of that one, by its password. */
  readonly replicaOf?: Redis
  readonly password?: string
  /** More lines of its configuration: `maxmemory 10mb`. */
  readonly config?: readonly string[]
  /** Runs as a Sentinel. */
  readonly sentinel?: boolean
  /** Runs as a node of a Redis Cluster, which it has to be told of. */
  readonly cluster?: boolean
  /** Ctrl-C in the terminal does not reach it: whoever started it ends it. */
  readonly detached?: boolean
}

/** A server that can be spoken to. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:port`, with the password. */
  readonly url: string
  /** Sends a command on a connection of its own and tells the answer. */
  call(...command: readonly (string | number)[]): Promise<RedisReply>
}

/**
 * A `redis-server` in a process of its own, in a folder of its own, on 127.0.0.1 alone. `restart` brings it back on the same
 * port with the same data and in the same role, where those outlive a `kill`.
 */
export interface Redis extends RedisServer, Program {
  readonly port: number
  readonly password: string | undefined
}

const command = 'redis-server'

/**
 * Whether tests that start a Redis are to be left out, and says so: there is none on this machine. On CI they are to fail
 * instead.
 */
export function lacksRedis(): boolean {
  if (onCi() || hasRedis()) return false
  process.emitWarning('tests with Redis are skipped, as there is no redis-server on the PATH; see CONTRIBUTING.md')
  return true
}

function hasRedis(): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
}

export async function startRedis(options: RedisOptions = {}): Promise<Redis> {
  const { password, replicaOf, sentinel = false, cluster = false, detached = false } = options
  const port = options.port || (await (cluster ? freePortWithBus() : freePort()))
  const folder = await mkdtemp(join(tmpdir(), 'hookbox-redis-'))
  // A file of its own, as servers write down in it what they were told to be meanwhile: that is how a role survives.
  const file = join(folder, 'redis.conf')
  await writeFile(file, configuration(options, port, folder))
  const url = `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`
  const call: RedisServer['call'] = (...command) => callRedis(url, command)
  const forget = () => rm(folder, { recursive: true, force: true })
  let program: Program
  try {
    program = await startProgram({
      name: `redis-server at port ${port}`,
      command,
      args: [file, ...(sentinel ? ['--sentinel'] : [])],
      env: { PATH: programPath(), LC_ALL: 'C' },
      detached,
      // While it reads its data it answers with an error.
      ready: async () => ((await call('PING')) === 'PONG' ? true : undefined),
    })
  } catch (error) {
    await forget()
    throw error
  }
  const redis = Object.assign(program, {
    port,
    password,
    url,
    call,
    async [Symbol.asyncDispose]() {
      await program.kill('SIGKILL')
      await forget()
    },
  })
  try {
    if (replicaOf !== undefined) await replicating(redis)
  } catch (error) {
    await redis[Symbol.asyncDispose]()
    throw error
  }
  return redis
}

/** A server that a test does nothing to but call it: the one of `REDIS_URL`, whose keys it shares with others, else one of its own. */
export async function useRedis(): Promise<RedisServer> {
  const url = redisUrl()
  if (url === undefined) return startRedis()
  return { url, call: (...command) => callRedis(url, command), async [Symbol.asyncDispose]() {} }
}

/** Settles when the server is a replica that has all that its master has had. */
export async function replicating(redis: RedisServer, patience: { readonly deadline?: number } = {}): Promise<void> {
  const caughtUp = async () => {
    const [role, , , state] = (await redis.call('ROLE')) as string[]
    return role === 'slave' && state === 'connected' ? true : undefined
  }
  await until(caughtUp, `${redis.url} to follow its master`, patience)
}

function configuration(options: RedisOptions, port: number, folder: string): string {
  const { persistence = 'none', replicaOf, password, config = [], sentinel = false, cluster = false } = options
  const lines = [`port ${port}`, 'bind 127.0.0.1', `dir ${JSON.stringify(folder)}`]
  if (password !== undefined) lines.push(`requirepass ${JSON.stringify(password)}`)
  if (!sentinel) {
    lines.push('save ""', `appendonly ${persistence === 'none' ? 'no' : 'yes'}`, 'appendfsync everysec')
    // Else a master collects new replicas for seconds before it serves them.
    lines.push('repl-diskless-sync-delay 0')
    // Whoever has a password may become a replica of one that has the same.
    const masterPassword = replicaOf?.password ?? password
    if (masterPassword !== undefined) lines.push(`masterauth ${JSON.stringify(masterPassword)}`)
  }
  if (cluster) lines.push('cluster-enabled yes')
  if (replicaOf !== undefined) lines.push(`replicaof 127.0.0.1 ${replicaOf.port}`)
  return `${[...lines, ...config].join('\n')}\n`
}
